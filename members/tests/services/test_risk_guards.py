"""Risk rules at the door: rolling windows, conditions, lists, blocks, shadow; and what is remembered (domain.md S2-57)."""

import datetime as dt
import threading

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from common.models import Fact
from members.models import RiskListing, RiskRefusal, RiskTally
from members.services import risk_guards, risk_listings, risk_rules, risk_standings, risk_tallies
from members.services.risk_standings import Standing
from members.tests.risk import DAY, MINUTE, NOON, attempt, draft, in_force, passes, person

pytestmark = pytest.mark.django_db


def deny(member, *, actions=(), kind="deny", until=None, since=NOON - DAY) -> RiskListing:
    entry = RiskListing(
        kind=kind, by="member", subject=member.external_id, member=member, actions=list(actions),
        reason="bank letter", starts_at=since, ends_at=until,
    )  # fmt: skip
    return risk_listings.enter(entry, person("rita"), NOON - DAY)


def test_the_third_of_at_most_two_an_hour_is_refused_and_remembered(alice):
    version = in_force(limit=2)
    assert [passes(at=NOON + n * MINUTE) for n in range(3)] == [True, True, False]
    met = RiskRefusal.objects.get()
    assert (met.member, met.version, met.action, met.refuses, met.reason) == (
        alice,
        version,
        "redemption",
        True,
        "Too often.",
    )
    assert Fact.objects.filter(topic="risk.met", key="alice").count() == 1


def test_the_refusal_names_rule_and_row(alice):
    version = in_force(limit=0)
    refused = risk_guards.check(attempt(), NOON)
    assert refused.document() | {"detail": ""} == {
        "type": "/problems/refused_by_risk", "title": "This was refused to protect members and shops.", "status": 403,
        "detail": "", "code": "refused_by_risk", "rule": version.rule.code, "refusal": str(RiskRefusal.objects.get().uuid),
    }  # fmt: skip


def test_the_window_rolls_and_its_end_is_out_of_it(alice):
    in_force(limit=1, window=60)
    assert passes()
    assert not passes(at=NOON + 60 * MINUTE - dt.timedelta(milliseconds=1))
    assert passes(at=NOON + 60 * MINUTE)


def test_what_was_refused_is_not_counted(alice):
    in_force(limit=1, window=60)
    assert passes()
    assert not any(passes(at=NOON + n * MINUTE) for n in range(1, 60))
    assert passes(at=NOON + 60 * MINUTE)


def test_others_are_counted_by_themselves(alice, bob):
    in_force(limit=1)
    assert passes("alice")
    assert passes("bob")
    assert not passes("alice")


def test_a_device_is_counted_over_members_and_without_one_nothing_is(alice, bob):
    in_force(limit=1, counter="device")
    assert passes("alice", device="d1")
    assert not passes("bob", device="d1")
    assert passes("bob", device="d2")
    assert passes("alice")
    assert passes("alice")


def test_a_ring_of_two_is_counted_as_a_pair(alice, bob):
    in_force("like", limit=1, counter="pair")
    assert passes(action="like", other="bob")
    assert not passes(action="like", other="bob")
    assert passes(action="like", other="charlie")


def test_only_young_accounts_are_meant(alice, bob):
    in_force(limit=0, younger_than_days=7, at=alice.registered_at)
    assert not passes("alice", at=alice.registered_at + 7 * DAY - MINUTE)
    assert passes("alice", at=alice.registered_at + 7 * DAY)
    assert not passes("nobody yet")


def test_who_is_verified_is_spared(alice, bob):
    in_force(limit=0, spares_verified=True)
    type(alice).objects.filter(pk=alice.pk).update(real_name_verified=True)
    assert passes("alice")
    assert not passes("bob")


def test_tier_and_conduct_are_asked_of_who_knows(alice, bob, monkeypatch):
    said = {alice.pk: Standing("bronze", "poor"), bob.pk: Standing("gold", "poor")}
    monkeypatch.setattr(risk_standings, "_say", lambda ids, at: said)
    in_force(limit=0, tiers="bronze, silver", conducts=["poor", "doubtful"])
    assert not passes("alice")
    assert passes("bob")


def test_a_rule_in_shadow_remembers_and_refuses_nobody(alice):
    risk_rules.watch(draft(limit=1), person("olivia"), NOON - DAY)
    assert passes()
    assert passes()
    met = RiskRefusal.objects.get()
    assert (met.is_shadow, met.refuses) == (True, False)
    assert not Fact.objects.filter(topic="risk.met").exists()


def test_a_rule_that_only_watches_remembers(alice):
    in_force(limit=0, outcome="watch")
    assert passes()
    assert RiskRefusal.objects.get().outcome == "watch"


def test_a_rule_counts_from_its_start_on(alice):
    in_force(limit=0, at=NOON)
    assert passes(at=NOON - MINUTE)
    assert not passes(at=NOON)


def test_nothing_is_asked_where_nobody_guards(alice, django_assert_num_queries):
    in_force("redemption")
    passes()
    with django_assert_num_queries(0):
        assert passes(action="transfer")


def test_a_guarded_action_costs_two_statements_for_counting(alice, django_assert_num_queries):
    in_force(limit=5)
    in_force(limit=9, window=1440)
    passes()
    with django_assert_num_queries(5):  # savepoint, member, count, count, release
        assert passes(at=NOON + MINUTE)


def test_many_attempts_cost_as_much_as_one(alice, bob, django_assert_num_queries):
    in_force(limit=100)
    passes()
    with django_assert_num_queries(5):
        risk_guards.judge([attempt(name, NOON + n * MINUTE) for n in range(20) for name in ("alice", "bob")], NOON)
    assert sorted(len(times) for times in RiskTally.objects.values_list("times", flat=True)) == [20, 21]


def test_in_a_batch_the_limit_holds_too(alice):
    in_force(limit=3)
    verdicts = risk_guards.judge([attempt(at=NOON + n * MINUTE) for n in range(5)], NOON)
    assert [verdict is None for verdict in verdicts] == [True, True, True, False, False]


def test_deny_beats_allow_and_allow_beats_the_rules(alice):
    in_force(limit=0)
    deny(alice, kind="allow")
    assert passes()
    deny(alice)
    assert not passes()


def test_a_list_entry_is_for_its_actions_and_time(alice, bob):
    deny(alice, actions=["transfer"], until=NOON)
    assert passes(action="redemption", at=NOON - MINUTE)
    assert not passes(action="transfer", at=NOON - MINUTE)
    assert passes(action="transfer", at=NOON)
    assert passes("bob", action="transfer", at=NOON - MINUTE)


def test_a_device_and_a_phone_can_be_denied(alice, bob):
    from members.models import Identity
    from members.services import identities

    device, phone = identities.mark("device", "d1"), identities.digest("13800138000")
    Identity.objects.create(member=bob, kind="phone", digest=phone, said_at=NOON)
    for by, subject in (("device", device), ("phone", phone)):
        entry = RiskListing(kind="deny", by=by, subject=subject, reason="farm", starts_at=NOON - DAY)
        risk_listings.enter(entry, person("rita"), NOON - DAY)
    assert not passes("alice", device=device)
    assert not passes("bob")
    assert passes("alice")


def test_more_than_five_invalid_reviews_block_rewards_for_a_year_from_the_next(alice):
    """domain.md E41."""
    in_force("invalid_review", limit=5, window=365 * 1440, outcome="block", block_actions=["review"], block_days=365)
    times = [NOON + n * DAY for n in range(6)]
    assert all(passes(action="invalid_review", at=at) for at in times[:5])
    assert passes(action="review", at=times[4])
    assert passes(action="invalid_review", at=times[5])
    block = RiskListing.objects.get()
    assert (block.starts_at, block.ends_at, block.actions) == (times[5], times[5] + 365 * DAY, ["review"])
    assert not passes(action="review", at=times[5] + MINUTE)
    assert passes(action="review", at=times[5] + 365 * DAY)


def test_who_is_blocked_by_a_rule_is_not_blocked_twice(alice):
    in_force("invalid_review", limit=0, outcome="block", block_actions=["review"], block_days=365)
    assert passes(action="invalid_review")
    assert passes(action="invalid_review", at=NOON + DAY)
    assert (RiskListing.objects.count(), RiskRefusal.objects.count()) == (1, 1)


def test_a_block_holds_within_the_batch(alice):
    in_force("invalid_review", limit=0, outcome="block", block_actions=["review"], block_days=1)
    batch = [attempt(action="invalid_review"), attempt(action="review", at=NOON + MINUTE)]
    assert [verdict is None for verdict in risk_guards.judge(batch, NOON)] == [True, False]


def test_a_merged_member_goes_by_the_name_of_who_remains_after_every_merge(alice, bob, charlie):
    in_force(limit=2)
    for source, target in ((charlie, bob), (bob, alice)):
        type(source).objects.filter(pk=source.pk).update(status="merged", merged_into=target)
    assert passes("alice")
    assert passes("charlie")
    assert not passes("bob")
    assert risk_listings.describe("member", "charlie") == ("alice", alice)


def test_the_newest_version_that_has_begun_counts(alice):
    old = in_force(limit=0)
    new = risk_rules.draft_from(old, person("olivia"), NOON - DAY)
    new.limit, new.effective_from = 1, NOON
    new.save()
    risk_rules.activate(new, person("rita"), NOON - DAY)
    assert not passes(at=NOON - MINUTE)
    assert passes(at=NOON)


@given(steps=st.lists(st.integers(0, 120), max_size=25), limit=st.integers(0, 4), window=st.integers(1, 60))
def test_no_window_ever_holds_more_than_the_limit(steps, limit, window):
    """Whatever the instants: of those let through, any window of that length holds at most so many."""
    tally, passed, at = RiskTally(times=[]), [], NOON
    for step in steps:
        at += step * MINUTE
        if risk_tallies.count(tally, window, at) < limit:
            risk_tallies.add(tally, at)
            passed.append(at)
    for end in passed:
        assert sum(end - window * MINUTE < time <= end for time in passed) <= limit


def test_counters_that_rest_are_forgotten(alice):
    in_force(limit=5)
    passes()
    assert risk_tallies.trim(NOON - MINUTE) == 0
    assert risk_tallies.trim(NOON) == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_twenty_requests_at_once_only_so_many_are_let_through():
    in_force(limit=7)
    results, barrier = [], threading.Barrier(20)

    def ask():
        try:
            barrier.wait()
            results.append(passes("alice"))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (results.count(True), results.count(False)) == (7, 13)
    assert RiskRefusal.objects.count() == 13


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_batches_that_name_devices_crosswise_do_not_deadlock():
    in_force(limit=500, counter="device")
    names = [f"d{n}" for n in range(30)]
    failures, barrier = [], threading.Barrier(6)

    def ask(turn):
        try:
            barrier.wait()
            order = names if turn % 2 else list(reversed(names))
            risk_guards.judge([attempt(device=name) for name in order], NOON)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(turn,)) for turn in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {len(times) for times in RiskTally.objects.values_list("times", flat=True)} == {6}
