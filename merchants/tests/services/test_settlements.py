"""A month between merchants and platform (domain.md S1-04, F16): whose points were used at whose stores."""

import datetime as dt

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.models import JobRun
from loyalty.models import Account, Draw, Lot, Order, OrderLine, Refund, RefundLine
from loyalty.services import expiring, ledger
from loyalty.tests import cast
from loyalty.tests.stage import DAY, NOON, STAFF, give, line, order, send, set_programme
from merchants.models import Purse, Settlement, SettlementCell
from merchants.selectors import northwest, uses
from merchants.selectors import settlements as matrices
from merchants.services import pockets, settlements
from merchants.services.settlements import MonthNotOver, SettlementClosed
from merchants.tests.purse_strings import a_merchant, a_purse, spend

pytestmark = pytest.mark.django_db

MARCH = dt.date(2026, 3, 1)
APRIL_2 = dt.datetime(2026, 4, 2, tzinfo=dt.UTC)


def gift(purse, points, name="alice", *, days=90, at=NOON):
    """Points of a merchant for a member."""
    pocket = pockets.open(purse, points, reference="campaign", at=at)
    wallet = cast.account(name)
    with ledger.open_book([wallet.pk], at) as book:
        return pockets.give(
            book, [pocket[0].pk], wallet.pk, points, reference=f"gift-{points}", expires_at=NOON + days * DAY
        )


def at_store(store, points, number=1):
    """A line that points pay in full."""
    return line(number, 0, points=points, store=f"{store}-1", virtual=True)


def buy(code, *lines, name="alice", at=NOON):
    answer = send("order.completed", name, at, **order(code, *lines))
    assert answer["status"] == "applied", answer
    return answer


def refund(code, number, *, name="alice", at=NOON, refund="r"):
    return send(
        "order.refunded",
        name,
        at,
        order=code,
        refund=f"{refund}-{number}",
        reason="no_reason",
        cash=0,
        lines=[{"line": str(number), "quantity": 1}],
    )


def cells(at=APRIL_2, month=MARCH):
    """(issuer, redeemer, kind) → points, of a fresh computation; None is the platform."""
    settlement = settlements.compute(month, at)
    found = settlement.cells.select_related("issuer", "redeemer")
    return {
        (cell.issuer and cell.issuer.code, cell.redeemer and cell.redeemer.code, cell.kind): cell.points
        for cell in found
    }


@pytest.fixture
def acme():
    return a_purse(10_000, "acme")


@pytest.fixture
def bolt():
    return a_purse(10_000, "bolt")


def test_points_of_one_merchant_used_at_another_are_owed_by_the_one_to_the_other(acme, bolt):
    gift(acme, 300)
    buy("o-1", at_store("bolt", 300))
    assert cells() == {("acme", "bolt", "redeemed"): 300}


def test_points_of_the_platform_are_owed_by_the_platform(acme):
    give(300)
    buy("o-1", at_store("acme", 200), at_store("nobody", 100, 2))
    assert cells() == {(None, "acme", "redeemed"): 200, (None, None, "redeemed"): 100}


def test_portions_fall_on_lines_in_the_order_of_lots_and_lines(acme, bolt):
    gift(acme, 100, days=10)
    gift(bolt, 100, days=20)
    buy("o-1", at_store("bolt", 150), at_store("acme", 50, 2))
    assert cells() == {
        ("acme", "bolt", "redeemed"): 100,
        ("bolt", "bolt", "redeemed"): 50,
        ("bolt", "acme", "redeemed"): 50,
    }


def test_a_refund_gives_back_what_was_drawn_last(acme, bolt):
    gift(acme, 100, days=10)
    gift(bolt, 100, days=20)
    buy("o-1", at_store("bolt", 150), at_store("acme", 50, 2))
    refund("o-1", 2)
    found = cells()
    assert found["bolt", "acme", "given_back"] == -50
    net = matrices.matrix(Settlement.objects.get()).net
    assert net == {acme.pk: -100, bolt.pk: 150 - 50 - 50 + 50}


def test_a_refund_in_another_month_belongs_to_that_month_and_the_closed_one_stays(acme, bolt):
    gift(acme, 100)
    buy("o-1", at_store("bolt", 100))
    march = cells()
    settlements.close(Settlement.objects.get(), actor=STAFF, at=APRIL_2)
    refund("o-1", 1, at=APRIL_2 + DAY)
    with pytest.raises(SettlementClosed):
        settlements.compute(MARCH, APRIL_2 + 2 * DAY)
    with pytest.raises(SettlementClosed):
        settlements.close(Settlement.objects.get(), actor=STAFF, at=APRIL_2)
    assert march == {("acme", "bolt", "redeemed"): 100}
    assert cells(APRIL_2 + 40 * DAY, dt.date(2026, 4, 1)) == {("acme", "bolt", "given_back"): -100}


@pytest.mark.parametrize(("breakage", "keeps"), [("platform", None), ("merchant", "acme")])
def test_what_expires_belongs_to_whom_the_contract_says(acme, breakage, keeps):
    Purse.objects.filter(pk=acme.pk).update(breakage=breakage)
    gift(acme, 300, days=5)
    spend("alice", 100)
    expiring.expire(NOON + 10 * DAY, NOON + 10 * DAY)
    assert cells() == {("acme", None, "redeemed"): 100, ("acme", keeps, "expired"): 200}


def test_tendered_points_that_expired_before_the_refund_are_breakage(acme, bolt):
    gift(acme, 100, days=5)
    buy("o-1", at_store("bolt", 100))
    refund("o-1", 1, at=NOON + 10 * DAY)
    assert cells() == {
        ("acme", "bolt", "redeemed"): 100,
        ("acme", "bolt", "given_back"): -100,
        ("acme", None, "expired"): 100,
    }


def test_a_debt_repaid_with_a_merchants_points_is_owed_to_the_platform(acme):
    cast.owe(cast.account("alice"), 40)
    gift(acme, 100)
    assert cells() == {("acme", None, "other"): 40}


def test_money_is_the_points_value_rounded_towards_nought_in_each_cell(acme, bolt):
    set_programme(point_value_points=3, point_value_money=2)
    gift(acme, 100)
    buy("o-1", at_store("bolt", 100))
    refund("o-1", 1)
    settlements.compute(MARCH, APRIL_2)
    assert sorted(SettlementCell.objects.values_list("points", "money")) == [(-100, -66), (100, 66)]


def test_a_month_is_not_closed_before_it_is_over(acme):
    early = settlements.compute(MARCH, NOON + DAY)
    with pytest.raises(MonthNotOver):
        settlements.close(early, actor=STAFF, at=NOON + DAY)
    with pytest.raises(MonthNotOver):  # over by now, but the numbers are old
        settlements.close(early, actor=STAFF, at=APRIL_2)


def test_a_merchant_sees_its_own_row_and_column_and_others_only_in_sum(acme, bolt):
    cent = a_purse(1_000, "cent")
    gift(acme, 100)
    buy("o-1", at_store("bolt", 60), at_store("cent", 40, 2))
    gift(cent, 50)
    buy("o-2", at_store("acme", 50))
    settlement = settlements.compute(MARCH, APRIL_2)
    share = matrices.share(settlement, acme.merchant)
    assert {party: amount.points for party, amount in share.issued.items()} == {"others": 100}
    assert {party: amount.points for party, amount in share.redeemed.items()} == {"others": 50}
    assert share.net == -50


def test_a_computation_that_was_killed_goes_on_where_it_stopped(acme, bolt, monkeypatch):
    gift(acme, 300)
    buy("o-1", at_store("bolt", 200))
    gift(bolt, 70, "bob")
    buy("o-2", at_store("acme", 70), name="bob")
    whole = settlements.spans.of
    monkeypatch.setattr(settlements.spans, "of", lambda rows, **more: whole(rows, size=1, **more))
    real, calls = settlements.uses.of_accounts, []

    def explode(*args):
        calls.append(args)
        if len(calls) == 4:
            raise RuntimeError("killed")
        return real(*args)

    monkeypatch.setattr(settlements.uses, "of_accounts", explode)
    with pytest.raises(RuntimeError):
        settlements.compute(MARCH, APRIL_2)
    assert not Settlement.objects.get().is_complete
    assert cells() == {("acme", "bolt", "redeemed"): 200, ("bolt", "acme", "redeemed"): 70}
    assert cells() == {("acme", "bolt", "redeemed"): 200, ("bolt", "acme", "redeemed"): 70}
    assert JobRun.objects.filter(job="settle-month").count() == 1


def test_the_night_computes_last_month_once(acme):
    assert settlements.compute_due(dt.datetime(2026, 3, 31, 16, 30, tzinfo=dt.UTC)) is None  # 00:30 in Shanghai
    found = settlements.compute_due(APRIL_2)
    assert (str(found), found.is_complete) == ("2026-03", True)
    assert settlements.compute_due(APRIL_2 + DAY) is None


def test_a_later_computation_supersedes_one_that_was_never_finished(acme, bolt, monkeypatch):
    gift(acme, 300)
    buy("o-1", at_store("bolt", 200))
    monkeypatch.setattr(settlements, "_finish", lambda settlement, at: settlement)
    settlements.compute(MARCH, APRIL_2)
    monkeypatch.undo()
    assert cells(APRIL_2 + DAY) == {("acme", "bolt", "redeemed"): 200}


def test_a_chunk_costs_the_same_queries_for_many_members(acme, bolt):
    counts = []
    for number in range(12):
        gift(acme, 10 + number, f"m-{number}")
        buy(f"o-{number}", at_store("bolt", 10), name=f"m-{number}")
        refund(f"o-{number}", 1, name=f"m-{number}")
        if number in (1, 11):
            with CaptureQueriesContext(connection) as queries:
                uses.of_accounts(0, 10**9, (MARCH, dt.date(2026, 4, 1)))
            counts.append(len(queries))
    assert counts[0] == counts[1] < 20


ROWS = st.lists(st.integers(0, 50), max_size=8)


@given(ROWS, ROWS)
def test_the_north_west_corner_meets_both_margins(portions, lines):
    total = min(sum(portions), sum(lines))
    found = list(northwest.pieces(list(enumerate(portions)), list(enumerate(lines))))
    assert sum(points for _p, _l, points in found) == total
    assert all(points > 0 for _p, _l, points in found)
    for rows, place in ((portions, 0), (lines, 1)):
        left = total
        for number, points in enumerate(rows):
            assert sum(piece[2] for piece in found if piece[place] == number) == min(points, left)
            left -= min(points, left)


@given(ROWS, st.data())
def test_shares_of_a_short_tender_sum_to_what_was_taken(lines, data):
    whole = sum(lines)
    taken = data.draw(st.integers(0, whole))
    shares = northwest.shares(list(enumerate(lines)), whole, taken)
    assert sum(points for _line, points in shares) == taken
    assert all(0 <= points <= lines[number] for number, points in shares)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["acme", "bolt", "own"]),
        st.integers(1, 60),
        st.lists(st.tuples(st.sampled_from(["acme", "bolt", "nobody"]), st.integers(1, 40)), min_size=1, max_size=3),
        st.lists(st.integers(1, 3), max_size=2, unique=True),
        st.integers(1, 9),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_the_matrix_nets_to_nought_and_equals_a_recount_point_by_point(steps):
    sid = transaction.savepoint()
    try:
        purses = {"acme": a_purse(10_000, "acme"), "bolt": a_purse(10_000, "bolt")}
        for number, (funder, points, bought, refunds, days) in enumerate(steps):
            at = NOON + number * DAY
            if funder == "own":
                give(points, at=at, expires_at=at + days * DAY)
            else:
                gift(purses[funder], points, days=number + days, at=at)
            buy(f"o-{number}", *[at_store(s, p, n) for n, (s, p) in enumerate(bought, 1)], at=at)
            for place in refunds:
                if place <= len(bought):
                    refund(f"o-{number}", place, at=at + DAY)
        settlement = settlements.compute(MARCH, APRIL_2)
        matrix = matrices.matrix(settlement)
        assert sum(matrix.net.values()) == 0
        found = {
            (c.issuer_id, c.redeemer_id, c.kind): c.points
            for c in settlement.cells.filter(kind__in=["redeemed", "given_back"])
        }
        assert found == recount()
    finally:
        transaction.savepoint_rollback(sid)


def recount():
    """Every tendered point by itself: a list of funders, a list of lines, and refunds popping from the end."""
    purses = {purse.account_id: purse.pk for purse in Purse.objects.all()}
    stores = {"acme-1": a_merchant("acme").pk, "bolt-1": a_merchant("bolt").pk}
    found = {}
    for one in Order.objects.exclude(tender_seq=None):
        account = Account.objects.get(wallet__member=one.member)
        lots = Lot.objects.filter(account=account).order_by("expires_at", "lot_seq")
        taken = dict(Draw.objects.filter(account=account, seq=one.tender_seq).values_list("lot_seq", "points"))
        points = [purses.get(lot.funder_id) for lot in lots for _ in range(taken.get(lot.lot_seq, 0))]
        paid, falls = 0, []
        for row in OrderLine.objects.filter(order=one).order_by("pk"):
            before = one.points_taken * paid // one.points
            paid += row.points
            falls += [stores.get(row.store_code)] * (one.points_taken * paid // one.points - before)
        for issuer, redeemer in zip(points, falls, strict=True):
            key = (issuer, redeemer, "redeemed")
            found[key] = found.get(key, 0) + 1
        returned = 0
        for back in Refund.objects.filter(order=one).order_by("pk"):
            for row in RefundLine.objects.filter(refund=back).order_by("pk"):
                before = one.points_taken * returned // one.points
                returned += row.points
                for _ in range(one.points_taken * returned // one.points - before):
                    key = (points.pop(), stores.get(row.line.store_code), "given_back")
                    found[key] = found.get(key, 0) - 1
    return found
