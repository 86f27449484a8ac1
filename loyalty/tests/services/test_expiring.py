import datetime as dt

import pytest

from common.models import Fact, JobRun
from loyalty.models import Account, Entry, Lot
from loyalty.services import expiring
from loyalty.tests import cast
from loyalty.tests.cast import DAY, NOON

pytestmark = pytest.mark.django_db

MIDNIGHT = dt.datetime(2026, 2, 28, 16, 0, tzinfo=dt.UTC)  # 2026-03-01 00:00 in Shanghai


def test_due_lots_leave_with_one_entry_a_balance_and_one_draw_a_lot():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=MIDNIGHT)
    cast.grant(alice, 50, expires_at=MIDNIGHT - DAY)
    cast.grant(alice, 20, expires_at=MIDNIGHT + DAY)
    cast.grant(alice, 7, expires_at=MIDNIGHT, available_at=NOON + 9 * DAY)

    run = expiring.expire(MIDNIGHT, NOON)

    assert cast.balances(alice) == (20, 0, 0, 0)
    assert cast.entries(alice, after=4) == [
        (5, "points", "expire", -80, 20, "expired"),
        (6, "pending", "expire", -7, 0, "expired"),
    ]
    assert cast.draws(alice) == [(5, 1, 30), (5, 2, 50), (6, 4, 7)]
    assert list(Lot.objects.filter(is_open=True).values_list("lot_seq", "remaining")) == [(3, 20)]
    assert Account.objects.get(pk=alice.pk).version == 6
    assert run.counts == {"lots": 3, "accounts": 1, "points": 87}


def test_the_entry_names_the_job_the_business_day_and_the_time():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=MIDNIGHT)

    expiring.expire(MIDNIGHT, NOON)

    entry = Entry.objects.get(kind=Entry.Kind.EXPIRE)
    assert (entry.reference, entry.posted_on, entry.at) == (
        "job:expire-points:2026-03-01",
        dt.date(2026, 3, 1),
        NOON,
    )


def test_the_member_is_told_once_a_run_however_many_lots_expired():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=MIDNIGHT)
    cast.grant(alice, 12, expires_at=MIDNIGHT, available_at=NOON + DAY)

    expiring.expire(MIDNIGHT, NOON)

    fact = Fact.objects.get(topic="points.expired")
    assert (fact.key, fact.at) == ("alice", NOON)
    assert fact.payload == {"points": 42, "reference": "job:expire-points:2026-03-01"}


def test_the_facts_written_by_the_statement_have_the_form_of_those_that_are_published():
    from loyalty import facts

    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=MIDNIGHT)
    expiring.expire(MIDNIGHT, NOON)

    fact = Fact.objects.get(topic=facts.PointsExpired.topic)
    assert facts.PointsExpired(fact.key, **fact.payload).points == 30


def test_a_lot_is_good_until_its_very_last_instant():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=MIDNIGHT)

    expiring.expire(MIDNIGHT - dt.datetime.resolution, NOON)

    assert cast.balances(alice) == (30, 0, 0, 0)


def test_missed_nights_are_made_good():
    alice, bob = cast.account("alice"), cast.account("bob")
    cast.grant(alice, 30, expires_at=MIDNIGHT - 5 * DAY)
    cast.grant(bob, 40, expires_at=MIDNIGHT - DAY)

    expiring.expire(MIDNIGHT, NOON)

    assert cast.balances(alice) == cast.balances(bob) == (0, 0, 0, 0)


def test_running_it_twice_changes_nothing():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=MIDNIGHT)
    expiring.expire(MIDNIGHT, NOON)
    before = cast.entries(alice)

    expiring.expire(MIDNIGHT, NOON)
    expiring.expire(MIDNIGHT + DAY, NOON + DAY)

    assert cast.entries(alice) == before
    assert Fact.objects.filter(topic="points.expired").count() == 1
    assert JobRun.objects.filter(job="expire-points").count() == 2


def test_points_in_an_open_hold_do_not_expire():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=MIDNIGHT)
    cast.hold(alice, 20, expires_at=NOON + DAY, at=MIDNIGHT - DAY)

    expiring.expire(MIDNIGHT, NOON)

    assert cast.balances(alice) == (0, 0, 20, 0)


def test_accounts_that_have_nothing_due_are_left_alone():
    bob = cast.account("bob")
    cast.grant(bob, 30, expires_at=MIDNIGHT + DAY)
    before = cast.entries(bob)

    run = expiring.expire(MIDNIGHT, NOON)

    assert cast.entries(bob) == before
    assert run.counts == {}


def test_a_purse_expires_without_a_fact_because_it_has_no_member():
    purse = Account.objects.create(kind=Account.Kind.PURSE)
    cast.grant(purse, 30, expires_at=MIDNIGHT)

    expiring.expire(MIDNIGHT, NOON)

    assert cast.balances(purse) == (0, 0, 0, 0)
    assert not Fact.objects.exists()


def test_each_span_is_a_chunk_of_its_own(monkeypatch):
    monkeypatch.setattr("loyalty.selectors.spans.of.__defaults__", (2,))
    for name in ("alice", "bob", "charlie", "dora", "emil"):
        cast.grant(cast.account(name), 10, expires_at=MIDNIGHT)
    seen = []

    run = expiring.expire(MIDNIGHT, NOON, progress=lambda done, total: seen.append((done, total)))

    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert run.counts == {"lots": 5, "accounts": 5, "points": 50}


def test_a_run_that_failed_goes_on_with_the_chunks_that_are_left(monkeypatch):
    monkeypatch.setattr("loyalty.selectors.spans.of.__defaults__", (1,))
    alice, bob = cast.account("alice"), cast.account("bob")
    cast.grant(alice, 30, expires_at=MIDNIGHT)
    cast.grant(bob, 40, expires_at=MIDNIGHT)
    whole = expiring._execute

    def fail_for_bob(cursor, accounts, params):
        if bob.pk in accounts:
            raise RuntimeError("the lights went out")
        return whole(cursor, accounts, params)

    monkeypatch.setattr(expiring, "_execute", fail_for_bob)
    with pytest.raises(RuntimeError):
        expiring.expire(MIDNIGHT, NOON)
    assert (cast.balances(alice), cast.balances(bob)) == ((0, 0, 0, 0), (40, 0, 0, 0))
    assert JobRun.objects.get(job="expire-points").status == JobRun.Status.FAILED

    monkeypatch.setattr(expiring, "_execute", whole)
    run = expiring.expire(MIDNIGHT, NOON + DAY)

    assert cast.balances(bob) == (0, 0, 0, 0)
    assert (run.status, run.counts["points"]) == (JobRun.Status.DONE, 70)
