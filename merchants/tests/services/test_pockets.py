"""What a campaign sets aside from the purse, gives and returns (domain.md F16: reserve before issue)."""

import threading

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.models import Fact
from loyalty.models import Account, Lot
from loyalty.services import expiring, invariants, ledger
from loyalty.services.invariants import funders, lots
from loyalty.services.ledger import InsufficientPoints
from loyalty.tests import cast
from loyalty.tests.cast import DAY, NOON
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import STAFF
from merchants.services import pockets, purses
from merchants.tests.purse_strings import a_purse, available, give

pytestmark = pytest.mark.django_db

# The gifts of these tests are told to nobody.
LEDGER = [invariant for invariant in invariants.ALL if invariant.name != "posted_is_published"]


def proven():
    assert_proven(LEDGER)


def ids(accounts):
    return [account.pk for account in accounts]


def test_a_pocket_takes_from_the_purse_before_anything_is_given():
    purse = a_purse(1000)
    pocket = pockets.open(purse, 300, reference="campaign:1", at=NOON)
    assert (purses.balance(purse.merchant, NOON), [available(p) for p in pocket]) == (700, [300])
    proven()


def test_slots_share_the_points_equally():
    slots = pockets.open(a_purse(1000), 301, slots=3, reference="campaign:1", at=NOON)
    assert [available(slot) for slot in slots] == [101, 100, 100]
    proven()


def test_more_than_the_purse_has_is_refused_and_changes_nothing():
    purse = a_purse(100)
    with pytest.raises(InsufficientPoints):
        pockets.open(purse, 101, slots=4, reference="campaign:1", at=NOON)
    assert purses.balance(purse.merchant, NOON) == 100
    assert not Account.objects.filter(kind="pocket").exists()


def test_a_gift_names_the_purse_as_its_funder_and_takes_the_soonest_expiring_pack_first():
    purse = a_purse(100, expires_at=NOON + 300 * DAY)
    a_purse(50, expires_at=NOON + 30 * DAY)
    pocket = pockets.open(purse, 120, reference="campaign:1", at=NOON)
    lot = give(pocket, 60)
    assert (lot.funder_id, lot.earned, lot.source) == (purse.account_id, 60, "campaign")
    left = Lot.objects.filter(account=pocket[0], is_open=True).values_list("expires_at", "remaining")
    assert list(left) == [(NOON + 300 * DAY, 60)]
    proven()


def test_an_empty_pocket_gives_nothing():
    pocket = pockets.open(a_purse(100), 100, slots=4, reference="campaign:1", at=NOON)
    give(pocket, 90)
    with pytest.raises(InsufficientPoints):
        give(pocket, 11, "bob")
    assert available(cast.account("bob")) == 0
    give(pocket, 10, "bob")
    assert pockets.left(ids(pocket)) == 0
    proven()


def test_a_gift_larger_than_any_slot_is_collected_from_all():
    pocket = pockets.open(a_purse(100), 100, slots=4, reference="campaign:1", at=NOON)
    lot = give(pocket, 70)
    assert lot.earned == 70
    assert pockets.left(ids(pocket)) == 30
    proven()


def test_what_was_not_given_returns_to_the_very_packs_it_came_from():
    purse = a_purse(100, expires_at=NOON + 300 * DAY)
    a_purse(50, expires_at=NOON + 30 * DAY)
    pocket = pockets.open(purse, 120, slots=3, reference="campaign:1", at=NOON)
    give(pocket, 70)
    assert pockets.close(purse, ids(pocket), reference="campaign:1", at=NOON) == 50
    assert purses.balance(purse.merchant, NOON) == 80
    packs = Lot.objects.filter(account=purse.account).order_by("expires_at")
    assert [lot.remaining for lot in packs if lot.is_open] == [80]
    assert packs.count() == 2
    assert pockets.close(purse, ids(pocket), reference="campaign:1", at=NOON) == 0
    proven()


def test_what_expired_in_a_pocket_does_not_return():
    purse = a_purse(50, expires_at=NOON + 30 * DAY)
    pocket = pockets.open(purse, 40, reference="campaign:1", at=NOON)
    assert pockets.close(purse, ids(pocket), reference="campaign:1", at=NOON + 31 * DAY) == 0
    assert available(purse.account) == 0
    proven()


def test_the_mark_is_told_once_and_again_after_it_was_filled():
    purse = a_purse(1000)
    purses.warn_below(purse, 500, actor=STAFF, at=NOON)
    pockets.open(purse, 400, reference="campaign:1", at=NOON)
    assert not Fact.objects.filter(topic="purse.low").exists()
    pockets.open(purse, 200, reference="campaign:2", at=NOON)
    pockets.open(purse, 100, reference="campaign:3", at=NOON)
    assert Fact.objects.filter(topic="purse.low").count() == 1
    fact = Fact.objects.get(topic="purse.low")
    assert (fact.key, fact.payload) == ("acme", {"available": 400, "low_at": 500})
    a_purse(1000)
    assert purses.watch(NOON) == 0
    pockets.open(purse, 1000, reference="campaign:4", at=NOON)
    assert Fact.objects.filter(topic="purse.low").count() == 2


def test_a_purse_that_others_drew_from_is_found_by_the_watch():
    purse = a_purse(100)
    purses.warn_below(purse, 50, actor=STAFF, at=NOON)
    with ledger.open_book([purse.account_id], NOON) as book:
        book.take(purse.account_id, 60, kind="adjust", contra="adjusted", reference="by hand")
    assert (purses.watch(NOON), purses.watch(NOON)) == (1, 0)


def test_a_closed_purse_sets_nothing_aside():
    purse = a_purse(100)
    purses.close(purse, reason="left", actor=STAFF, at=NOON)
    with pytest.raises(InsufficientPoints):
        pockets.open(purse, 10, reference="campaign:1", at=NOON)


STEPS = st.lists(
    st.tuples(st.sampled_from(["buy", "open", "give", "close", "spend", "expire"]), st.integers(1, 120)),
    min_size=1,
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_purse_pockets_wallets_and_what_was_used_sum_to_what_was_bought(steps, django_db_blocker):
    from django.db import transaction

    from merchants.tests.purse_strings import spend

    sid = transaction.savepoint()
    try:
        purse, at, opened, bought, used = a_purse(), NOON, [], 0, 0
        before = _whole(purse)
        for step, points in steps:
            try:
                if step == "buy":
                    a_purse(points, expires_at=NOON + points * DAY)
                    bought += points if NOON + points * DAY > NOON else 0
                elif step == "open":
                    opened.append(pockets.open(purse, points, slots=points % 3 + 1, reference="c", at=at))
                elif step == "give" and opened:
                    give(opened[points % len(opened)], points, at=at)
                elif step == "close" and opened:
                    pockets.close(purse, ids(opened[points % len(opened)]), reference="c", at=at)
                elif step == "spend":
                    spend("alice", points, at)
                    used += points
                elif step == "expire":
                    expiring.expire(at, at)
            except InsufficientPoints:
                continue
        expired = sum(-e for e in _deltas("expired"))
        assert _whole(purse) + used + expired == before + bought
        assert_proven([funders.FUNDERS_KEEP_WHAT_THEY_BOUGHT, funders.FUNDERS_PAY_WHAT_IS_ISSUED])
        assert_proven([lots.LOTS_ARE_GRANTED_LESS_DRAWN])
    finally:
        transaction.savepoint_rollback(sid)


def _whole(purse):
    return sum(Lot.objects.filter(funder=purse.account).values_list("remaining", flat=True))


def _deltas(contra):
    from loyalty.models import Entry

    return Entry.objects.filter(contra=contra).values_list("delta", flat=True)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("slots", [1, 4, 16])
def test_64_gifts_at_once_never_give_more_than_was_set_aside(slots):
    purse = a_purse(1000)
    pocket = pockets.open(purse, 500, slots=slots, reference="campaign:1", at=NOON)
    for number in range(64):
        cast.account(f"m-{number}")
    answers = []

    def run(number):
        try:
            answers.append(give(pocket, 10, f"m-{number}").earned)
        except Exception as error:
            answers.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(answer for answer in answers if isinstance(answer, int)) == 500
    assert {type(answer) for answer in answers} == {int, InsufficientPoints}
    assert pockets.left(ids(pocket)) == 0
    proven()
