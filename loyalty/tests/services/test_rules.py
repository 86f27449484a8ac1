"""Versions of earning rules: drafts, the second person, and when each is in force."""

import datetime as dt

import pytest

from common.models import Staff
from common.problems import InvalidInput
from common.services.audit import Actor
from loyalty.models import EarningRule, EarningRuleVersion, RuleCondition
from loyalty.selectors import programme as programmes
from loyalty.services import rules
from loyalty.services.rules import NotADraft, SecondPersonNeeded, StartsInThePast
from loyalty.tests.stage import DAY, NOON, a_campaign, a_rule

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    staff = Staff.objects.create_user("alice", password="x")
    return Actor("alice", staff)


@pytest.fixture
def bob():
    staff = Staff.objects.create_user("bob", password="x")
    return Actor("bob", staff)


def draft(author, **values):
    rule = EarningRule.objects.create(code="base", name="Base")
    values = {"effective_from": NOON, "number": 1} | values
    return EarningRuleVersion.objects.create(rule=rule, created_by=author.staff, **values)


def in_force(at=NOON):
    found = rules.load(programmes.current()).in_force("order.completed", at)
    return [rule.version.number for rule in found]


def test_another_person_puts_a_draft_in_force(alice, bob):
    version = draft(alice)
    with pytest.raises(SecondPersonNeeded):
        rules.activate(version, alice, NOON)
    with pytest.raises(SecondPersonNeeded):
        rules.activate(version, Actor("a job"), NOON)
    assert in_force() == []
    rules.activate(version, bob, NOON)
    assert in_force() == [1]
    with pytest.raises(NotADraft):
        rules.activate(version, bob, NOON)


def test_no_version_reaches_into_the_past(alice, bob):
    started = rules.activate(draft(alice, effective_from=NOON - 9 * DAY), bob, NOON)
    assert started.effective_from == NOON
    over = draft_of(started, alice)
    EarningRuleVersion.objects.filter(pk=over.pk).update(effective_from=NOON - 9 * DAY, effective_until=NOON - DAY)
    with pytest.raises(StartsInThePast):
        rules.activate(over, bob, NOON)
    with pytest.raises(StartsInThePast):
        rules.retire(started, NOON - DAY, bob, NOON)


def draft_of(version, actor):
    return rules.draft_from(version, actor, NOON)


def test_a_condition_that_cannot_be_read_is_not_put_in_force(alice, bob):
    version = draft(alice)
    RuleCondition.objects.create(version=version, attribute="order.cash", operator="at_least", value="much")
    with pytest.raises(InvalidInput):
        rules.activate(version, bob, NOON)


@pytest.mark.parametrize("expiry", ["fixed_date", "campaign"])
def test_an_expiry_that_lacks_its_date_is_not_put_in_force(alice, bob, expiry):
    with pytest.raises(InvalidInput):
        rules.activate(draft(alice, expiry=expiry), bob, NOON)


def test_an_expiry_with_its_campaign_is(alice, bob):
    version = draft(alice, expiry="campaign", campaign=a_campaign(starts_at=NOON, ends_at=NOON + 9 * DAY))
    rules.activate(version, bob, NOON)
    assert in_force() == [1]


def test_a_new_draft_says_the_same_with_the_next_number(alice):
    version = a_rule("base", points=7, conditions=[("order.channel", "is", "app")])
    made = rules.draft_from(version, alice, NOON)
    assert (made.number, made.points, made.status, made.created_by) == (2, 7, "draft", alice.staff)
    assert [row.value for row in made.conditions.all()] == ["app"]
    assert in_force() == [1]


def test_the_newest_version_that_has_begun_counts_and_the_old_one_does_not_come_back():
    a_rule("base")
    a_rule("base", effective_from=NOON, effective_until=NOON + DAY)
    a_rule("base", effective_from=NOON + 5 * DAY)
    assert in_force(NOON - DAY) == [1]
    assert in_force(NOON) == [2]
    assert in_force(NOON + 2 * DAY) == []
    assert in_force(NOON + 5 * DAY) == [3]


def test_a_retired_version_ends_when_it_is_told(alice):
    version = a_rule("base")
    rules.retire(version, NOON + DAY, alice, NOON)
    assert in_force(NOON + DAY - dt.datetime.resolution) == [1]
    assert in_force(NOON + DAY) == []


def test_rules_are_looked_at_by_priority():
    a_rule("low", priority=-1)
    a_rule("high", priority=5)
    a_rule("middle")
    found = rules.load(programmes.current()).in_force("order.completed", NOON)
    assert [rule.version.rule.code for rule in found] == ["high", "middle", "low"]
