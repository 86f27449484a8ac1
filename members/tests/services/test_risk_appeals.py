"""A refusal is contested once and decided by somebody who has no part in it."""

import datetime as dt

import pytest

from common.models import Fact
from common.problems import InvalidInput
from members.models import RiskListing, RiskRefusal
from members.services import risk_appeals, risk_listings
from members.tests.risk import DAY, MINUTE, NOON, in_force, passes, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def refused(alice):
    in_force(limit=0)
    assert not passes()
    return RiskRefusal.objects.get()


def contest(refusal, by=None):
    return risk_appeals.file(refusal, "It was me.", by or person("sam"), NOON + MINUTE)


def uphold(appeal, by="dora", days=30):
    return risk_appeals.uphold(appeal, note="She is right.", spare_days=days, actor=person(by), at=NOON + DAY)


def test_who_was_right_is_spared_by_the_rules_for_a_time(refused):
    uphold(contest(refused))
    assert passes(at=NOON + DAY)
    assert not passes(at=NOON + 31 * DAY)
    assert Fact.objects.get(topic="risk.appeal_decided").payload["status"] == "upheld"


def test_who_was_wrong_reads_why(refused):
    appeal = risk_appeals.dismiss(contest(refused), note="Bank letter", actor=person("dora"), at=NOON + DAY)
    assert (appeal.status, appeal.note) == ("dismissed", "Bank letter")
    assert not passes(at=NOON + DAY)


def test_a_refusal_is_contested_once(refused):
    contest(refused)
    with pytest.raises(risk_appeals.AlreadyContested):
        contest(refused)


@pytest.mark.parametrize("name", ["sam", "rita"])
def test_nobody_judges_what_she_has_done_herself(refused, name):
    """Sam filed it, Rita put the rule in force."""
    with pytest.raises(risk_appeals.AnotherPersonNeeded):
        uphold(contest(refused), by=name)


def test_an_appeal_is_decided_once(refused):
    appeal = uphold(contest(refused))
    with pytest.raises(risk_appeals.AlreadyDecided):
        uphold(appeal)


def test_an_appeal_that_was_upheld_ends_the_block(alice):
    in_force("invalid_review", limit=0, outcome="block", block_actions=["review"], block_days=365)
    passes(action="invalid_review")
    uphold(contest(RiskRefusal.objects.get()), days=0)
    assert RiskListing.objects.get().ends_at == NOON + DAY
    assert passes(action="review", at=NOON + DAY)


def test_an_appeal_against_the_list_lifts_the_entry(alice):
    entry = RiskListing(kind="deny", by="member", subject="alice", member=alice, reason="x", starts_at=NOON - DAY)
    risk_listings.enter(entry, person("rita"), NOON - DAY)
    assert not passes()
    with pytest.raises(risk_appeals.AnotherPersonNeeded):
        uphold(contest(RiskRefusal.objects.get(), person("olga")), by="rita")
    uphold(RiskRefusal.objects.get().appeal)
    assert passes(at=NOON + DAY)


def test_who_put_a_rule_in_force_does_not_judge_what_its_block_refuses(alice):
    """Rita put the rule in force; its block, which nobody entered, refuses Alice's review."""
    in_force("invalid_review", limit=0, outcome="block", block_actions=["review"], block_days=365)
    passes(action="invalid_review")
    assert not passes(action="review", at=NOON + MINUTE)
    appeal = contest(RiskRefusal.objects.get(action="review"))
    with pytest.raises(risk_appeals.AnotherPersonNeeded):
        uphold(appeal, by="rita")
    assert uphold(appeal, by="dora").status == "upheld"


def test_without_a_reason_nothing_is_decided(refused):
    with pytest.raises(InvalidInput):
        risk_appeals.dismiss(contest(refused), note=" ", actor=person("dora"), at=NOON)


def test_what_ran_in_shadow_cannot_be_contested(alice):
    from members.services import risk_rules
    from members.tests.risk import draft

    risk_rules.watch(draft(limit=0), person("olivia"), NOON - DAY)
    assert passes()
    with pytest.raises(InvalidInput):
        contest(RiskRefusal.objects.get())


def test_an_entry_that_ended_is_not_lifted_again(alice):
    entry = RiskListing(
        kind="deny", by="member", subject="alice", member=alice, reason="x", starts_at=NOON, ends_at=NOON + DAY
    )
    risk_listings.enter(entry, person("rita"), NOON)
    with pytest.raises(risk_listings.NotInForce):
        risk_listings.lift(entry, person("rita"), NOON + DAY + dt.timedelta(seconds=1))


def test_lists_follow_a_merge(alice, bob):
    entry = RiskListing(kind="deny", by="member", subject="bob", member=bob, reason="x", starts_at=NOON - DAY)
    risk_listings.enter(entry, person("rita"), NOON - DAY)
    risk_listings.follow(bob, alice, NOON)
    assert not passes("alice")
