"""Points taken back return to the purse that funded them (domain.md F11, F16; decision 0015)."""

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.models import Fact
from loyalty.models import Account, Entry, Lot
from loyalty.services import expiry, ledger
from loyalty.services.journal import Kind
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, a_campaign, a_rule, balance, give, line, order, send, set_programme

pytestmark = pytest.mark.django_db


def a_purse(points=1000):
    purse = Account.objects.create(kind=Account.Kind.PURSE)
    with ledger.open_book([purse.pk], NOON) as book:
        book.grant(
            purse.pk,
            points,
            kind=Kind.PURCHASE,
            source=Lot.Source.PURCHASE,
            reference="bought",
            expires_at=expiry.NEVER,
            funder_id=purse.pk,
        )
    return purse


def left(purse):
    return Account.objects.values_list("available", flat=True).get(pk=purse.pk)


def refund(code="o-1", subject="alice", at=NOON + DAY, **values):
    return send(
        "order.refunded",
        subject,
        at,
        order=code,
        refund=f"r-{code}",
        reason="no_reason",
        cash=10000,
        lines=[{"line": "1", "quantity": 1}],
        **values,
    )


@pytest.fixture
def purse():
    purse = a_purse()
    a_rule("funded", campaign=a_campaign(funder=purse))
    return purse


def test_a_refunded_order_gives_the_purse_its_points_back(purse):
    send("order.completed", **order())
    assert (left(purse), balance().available) == (900, 100)
    refund()
    assert (left(purse), balance().available) == (1000, 0)
    pair = Entry.objects.filter(kind="clawback").order_by("delta")
    assert list(pair.values_list("delta", "contra")) == [(-100, "holder"), (100, "holder")]
    back = Lot.objects.get(account=purse, source="return")
    assert (back.funder_id, back.expires_at) == (purse.pk, expiry.NEVER)
    assert Fact.objects.get(topic="points.clawed_back").payload["points"] == 100
    assert_proven()


def test_pending_points_return_too():
    purse = a_purse()
    a_rule("funded", campaign=a_campaign(funder=purse), available_after_days=30)
    send("order.completed", **order())
    refund()
    assert (left(purse), balance().pending) == (1000, 0)
    assert_proven()


def test_each_lot_returns_to_its_own_funder():
    one, two = a_purse(), a_purse()
    a_rule("one", campaign=a_campaign("one", funder=one))
    a_rule("two", campaign=a_campaign("two", funder=two), points=2)
    a_rule("platform")
    send("order.completed", **order())
    assert (left(one), left(two)) == (900, 800)
    refund()
    assert (left(one), left(two), balance().available) == (1000, 1000, 0)
    assert -Entry.objects.filter(contra="clawed_back").aggregate(points=Sum("delta"))["points"] == 100
    assert_proven()


def test_nothing_returns_of_points_that_were_spent(purse):
    set_programme(clawback_cash=False)
    send("order.completed", **order())
    send("order.completed", **order("o-2", line(1, 0, points=100, sku="v")))
    refund()
    assert (left(purse), balance().debt) == (900, 100)
    assert_proven()


def test_a_debt_repaid_later_goes_to_the_platform(purse):
    set_programme(clawback_cash=False)
    send("order.completed", **order())
    send("order.completed", **order("o-2", line(1, 0, points=100, sku="v")))
    refund()
    give(100)
    assert (left(purse), balance().debt) == (900, 0)
    assert_proven()


def test_a_closed_purse_takes_nothing_back(purse):
    send("order.completed", **order())
    Account.objects.filter(pk=purse.pk).update(closed_at=NOON)
    refund()
    assert (left(purse), balance().available) == (900, 0)
    assert Entry.objects.get(kind="clawback").contra == "clawed_back"
    assert_proven()


def test_a_closed_purse_pays_for_nothing(purse):
    Account.objects.filter(pk=purse.pk).update(closed_at=NOON)
    answer = send("order.completed", **order())
    assert answer["effects"]["points"]["earned"] == 0
    assert answer["effects"]["points"]["capped"][0]["reason"] == "funder_empty"


def test_a_gift_or_other_lot_returns_to_its_own_funder_not_to_the_order_s(purse):
    """Other lots are taken where the order's are spent: the lot decides."""
    set_programme(clawback_cash=False)
    send("order.completed", **order())
    with ledger.open_book([balance_account().pk], NOON) as book:
        book.take(balance_account().pk, 100, kind="adjust", contra="adjusted", reference="spent")
    give(60)
    refund()
    assert (left(purse), balance().debt) == (900, 40)
    assert_proven()


def balance_account():
    return Account.objects.get(wallet__member__external_id="alice")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("obsr"), st.integers(0, 3), st.integers(1, 300)), min_size=1, max_size=12))
def test_whatever_happens_every_funded_point_is_somewhere(steps):
    from django.db import transaction

    sid = transaction.savepoint()
    try:
        purse = a_purse(500)
        a_rule("funded", campaign=a_campaign(funder=purse))
        a_rule("own", points=1, money_unit=200)
        done = set()
        for verb, number, cash in steps:
            code = f"o-{number}"
            if verb == "o" and code not in done:
                send("order.completed", **order(code, line(1, cash * 100)))
                done.add(code)
            elif verb == "b":
                give(cash)
            elif verb == "s":
                spent = f"s-{number}-{cash}"
                if spent not in done:
                    send("order.completed", **order(spent, line(1, 0, points=cash, sku="v")))
                    done.add(spent)
            elif verb == "r" and code in done and f"r-{code}" not in done:
                refund(code)
                done.add(f"r-{code}")
        assert_proven()
    finally:
        transaction.savepoint_rollback(sid)
