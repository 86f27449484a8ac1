"""Grants come into force by a second person, within the budget, and are replaced without a gap."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from common.models import AuditEntry, Staff
from common.problems import InvalidInput
from common.services.audit import Actor
from loyalty.models import MemberStats
from loyalty.services.rules import NotADraft, SecondPersonNeeded, StartsInThePast
from loyalty.tests.stage import DAY, LONG_AGO, NOON
from rewards.models import Benefit, BenefitBudget, BenefitGrant, Period
from rewards.selectors import benefit_costs, entitlements
from rewards.services import grants
from rewards.services.grants import NotInForce, OverBudget
from rewards.tests import perks

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia():
    return Actor("Olivia", Staff.objects.create(username="olivia"))


@pytest.fixture
def felix():
    return Actor("Felix", Staff.objects.create(username="felix"))


def draft(what, author, to=None, **values):
    return perks.grant(
        what, to, status="draft", effective_from=None, activated_at=None, drafted_by=author.staff, **values
    )


def test_a_draft_gives_nothing_until_somebody_else_puts_it_in_force(olivia, felix):
    alice = perks.member()
    made = draft(perks.benefit("parcel"), olivia)
    assert entitlements.of(alice, NOON) == []
    with pytest.raises(SecondPersonNeeded):
        grants.activate(made, olivia, NOON, NOON)
    grants.activate(made, felix, NOON + DAY, NOON)
    assert entitlements.of(alice, NOON) == []
    assert len(entitlements.of(alice, NOON + DAY)) == 1
    assert AuditEntry.objects.get(action="rewards.grants.activate").actor == felix.staff
    with pytest.raises(NotADraft):
        grants.activate(made, felix, NOON + DAY, NOON)


def test_the_database_refuses_one_person_for_both(olivia):
    made = draft(perks.benefit("parcel"), olivia)
    with pytest.raises(IntegrityError), transaction.atomic():
        BenefitGrant.objects.filter(pk=made.pk).update(activated_by=olivia.staff)


def test_no_grant_begins_in_the_past_or_with_a_fault(olivia, felix):
    with pytest.raises(StartsInThePast):
        grants.activate(draft(perks.benefit("parcel"), olivia), felix, NOON - DAY, NOON)
    shipping = perks.benefit("free-shipping", kind=Benefit.Kind.FREE_SHIPPING)
    for made in (
        draft(shipping, olivia),
        draft(perks.bundle(), olivia),
        draft(perks.benefit("parcel"), olivia, quota=1, period=Period.TERM),
        draft(perks.benefit("parcel"), olivia, pack=perks.bundle((shipping, {"value": 0}))),
    ):
        with pytest.raises(InvalidInput):
            grants.activate(made, felix, NOON, NOON)
        made.refresh_from_db()
        assert made.is_draft


def test_a_grant_that_replaces_another_takes_over_without_a_gap(olivia, felix):
    alice, parcel = perks.member(), perks.benefit("parcel")
    old = perks.grant(parcel, quota=1)
    new = grants.draft_from(old, olivia, NOON)
    new.quota = 4
    new.save()
    grants.activate(new, felix, NOON + DAY, NOON)
    old.refresh_from_db()
    assert old.effective_until == NOON + DAY
    told = [[found.quota for found in entitlements.of(alice, at)] for at in (NOON, NOON + DAY)]
    assert told == [[1], [4]]


def test_a_grant_ends_when_it_is_told_to_and_only_once(olivia):
    alice, made = perks.member(), perks.grant(perks.benefit("parcel"))
    grants.end(made, olivia, NOON, NOON)
    assert entitlements.of(alice, NOON) == []
    assert len(entitlements.of(alice, NOON - DAY)) == 1
    with pytest.raises(NotInForce):
        grants.end(made, olivia, NOON, NOON)


# Cost (domain.md F20) -------------------------------------------------------------------------------------


def costs(at=NOON, plus=None):
    """{tier: (now, then)} of tiers that cost something."""
    rows = benefit_costs.estimate(at, plus=plus)
    return {row.tier and row.tier.code: (row.now, row.then) for row in rows if row.now or row.then}


def test_cost_is_members_times_expected_uses_times_the_cost_of_one(olivia):
    for number in range(3):
        perks.member(f"g-{number}", "gold")
    perks.member("b", "bronze")
    parcel = perks.benefit("parcel", unit_cost=7_01, expected_permille=250)
    made = draft(parcel, olivia, perks.tier("silver"))
    # 3 × 0.25 × 7.01 = 5.2575, rounded up to 5.26.
    assert costs(plus=made) == {"gold": (0, 5_26)}
    perks.grant(parcel, perks.tier("bronze"))
    assert costs(plus=made) == {"gold": (5_26, 5_26), "bronze": (1_76, 1_76)}


def test_the_points_of_a_birthday_pack_are_part_of_its_cost():
    perks.member("alice", "gold")
    pack = perks.benefit("birthday-pack", kind=Benefit.Kind.BIRTHDAY_PACK, unit_cost=1_00, expected_permille=1000)
    perks.grant(pack, perks.tier("silver"), value=500)
    assert costs() == {"gold": (6_00, 6_00)}


def test_what_a_draft_replaces_costs_no_more():
    perks.member("alice", "gold")
    parcel = perks.benefit("parcel", unit_cost=10_00, expected_permille=1000)
    old = perks.grant(parcel, perks.tier("bronze"))
    new = perks.grant(
        parcel, perks.tier("diamond"), status="draft", effective_from=None, activated_at=None, replaces=old
    )
    assert costs(plus=new) == {"gold": (10_00, 0)}


def test_a_grant_over_budget_is_refused_with_the_numbers(olivia, felix):
    perks.member("alice", "gold")
    made = draft(perks.benefit("parcel", unit_cost=10_00, expected_permille=1000), olivia, perks.tier("gold"))
    budget = BenefitBudget.objects.create(tier=perks.tier("gold"), monthly=9_99)
    with pytest.raises(OverBudget, match=r"Gold: benefits would cost 10.00 a month; the budget is 9.99"):
        grants.activate(made, felix, NOON, NOON)
    budget.monthly = 10_00
    budget.save()
    assert grants.activate(made, felix, NOON, NOON).status == "active"


@pytest.mark.parametrize(("unit_cost", "refused"), [(10_00, True), (9_99, False)])
def test_a_tier_must_bring_more_than_its_benefits_cost(olivia, felix, unit_cost, refused):
    """A twelfth of 1,200.00 times a margin of a tenth is 10.00."""
    alice = perks.member("alice", "gold")
    MemberStats.objects.create(
        member=alice, measured_at=NOON, net_cash_12m=1_200_00, lifecycle="active", lifecycle_since=LONG_AGO
    )
    BenefitBudget.objects.create(tier=perks.tier("gold"), monthly=10**9, margin_permille=100)
    parcel = perks.benefit("parcel", unit_cost=unit_cost, expected_permille=1000)
    made = draft(parcel, olivia, perks.tier("gold"))
    if refused:
        with pytest.raises(OverBudget, match=r"its members bring 10\.00"):
            grants.activate(made, felix, NOON, NOON)
    else:
        assert grants.activate(made, felix, NOON, NOON).status == "active"


def test_what_makes_nothing_dearer_is_never_refused(olivia, felix):
    perks.member("alice", "gold")
    parcel = perks.benefit("parcel", unit_cost=10_00, expected_permille=1000)
    perks.grant(parcel, perks.tier("bronze"))
    BenefitBudget.objects.create(tier=perks.tier("gold"), monthly=0)
    made = draft(parcel, olivia, perks.tier("gold"), quota=5)
    assert grants.activate(made, felix, NOON, NOON).status == "active"


def test_the_estimate_is_shown_with_fewer_and_more_uses_and_what_the_budget_bears():
    perks.member("alice", "gold")
    perks.grant(perks.benefit("parcel", unit_cost=10_01, expected_permille=1000), perks.tier("gold"))
    BenefitBudget.objects.create(tier=perks.tier("gold"), monthly=15_02)
    gold = next(row for row in benefit_costs.estimate(NOON) if row.tier and row.tier.code == "gold")
    assert (gold.low, gold.then, gold.high, gold.bears_percent) == (7_01, 10_01, 13_02, 150)
