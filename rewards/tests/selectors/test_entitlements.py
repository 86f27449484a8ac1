"""What members are entitled to: who is reached, which grant wins, and how it was at an earlier instant."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty.models import MedalAward, ScoreThreshold, Segment, TierChange
from loyalty.tests import medal_case
from loyalty.tests.stage import DAY, NOON
from merchants.models import Card, Club, Merchant
from rewards.models import Benefit, BenefitGrant, MemberGrant, Period, Quota
from rewards.selectors import entitlements
from rewards.tests import perks

pytestmark = pytest.mark.django_db

Kind = Benefit.Kind


def of(member, at=NOON):
    """(code, value, quota) of each entitlement."""
    return [(found.benefit.code, found.value, found.quota) for found in entitlements.of(member, at)]


def shipping(**values):
    return perks.benefit("free-shipping", kind=Kind.FREE_SHIPPING, **values)


def test_a_tier_reaches_those_on_it_and_above_and_nobody_below():
    perks.grant(perks.benefit("vip-line", kind=Kind.VIP_LINE), perks.tier("gold"))
    assert of(perks.member("alice", "diamond")) == of(perks.member("bob", "gold")) == [("vip-line", None, None)]
    assert of(perks.member("charlie", "silver")) == of(perks.member("dave", None)) == []


def test_the_lower_free_shipping_threshold_wins_and_the_higher_discount():
    clothes = perks.benefit("clothes", kind=Kind.CATEGORY_DISCOUNT, category="fashion")
    perks.grant(shipping(), perks.tier("bronze"), value=99_00)
    perks.grant(shipping(), perks.tier("gold"), value=79_00)
    perks.grant(clothes, perks.tier("bronze"), value=5)
    perks.grant(clothes, perks.tier("silver"), value=10)
    alice, bob = perks.member("alice", "gold"), perks.member("bob", "bronze")
    assert entitlements.free_shipping(entitlements.of(alice, NOON)) == 79_00
    assert entitlements.free_shipping(entitlements.of(bob, NOON)) == 99_00
    assert entitlements.category_discounts(entitlements.of(alice, NOON)) == {"fashion": 10}
    assert entitlements.category_discounts(entitlements.of(bob, NOON)) == {"fashion": 5}
    assert entitlements.free_shipping(entitlements.of(perks.member("charlie", "registered"), NOON)) is None


def test_of_equal_parameters_the_larger_quota_wins_and_they_do_not_add():
    parcel = perks.benefit("parcel")
    perks.grant(parcel, perks.tier("bronze"), quota=3, period=Period.MONTH)
    perks.grant(parcel, perks.tier("silver"), quota=20, period=Period.YEAR)
    assert of(perks.member("alice", "silver")) == [("parcel", None, 3)]
    perks.grant(parcel, perks.tier("gold"))
    assert of(perks.member("bob", "gold")) == [("parcel", None, None)]


def test_quotas_add_only_if_the_bundle_says_so_and_only_in_the_same_period():
    alice, parcel = perks.member("alice", "gold"), perks.benefit("parcel")
    perks.grant(parcel, quota=3)
    silent = perks.grant(perks.bundle((parcel, {"quota": 2})))
    assert of(alice) == [("parcel", None, 3)]
    silent.bundle.adds_quotas = True
    silent.bundle.save()
    assert of(alice) == [("parcel", None, 5)]
    silent.bundle.items.update(period=Period.DAY, quota=2)
    assert of(alice) == [("parcel", None, 2)]


def test_a_bundle_gives_each_of_its_benefits():
    perks.grant(perks.bundle((shipping(), {"value": 59_00}), (perks.benefit("parcel"), {"quota": 2})))
    assert of(perks.member()) == [("free-shipping", 59_00, None), ("parcel", None, 2)]


def test_a_level_of_a_medal_gives_to_those_who_hold_it_or_a_higher_one():
    reader = medal_case.medal("reader")
    low, high = reader.levels.order_by("number")
    perks.grant(perks.benefit("book-voucher"), low)
    perks.grant(perks.benefit("first-prints"), high)
    alice, bob, charlie = perks.member("alice"), perks.member("bob"), perks.member("charlie")
    perks.medal_level(alice, high)
    perks.medal_level(bob, low)
    assert [code for code, *_rest in of(alice)] == ["book-voucher", "first-prints"]
    assert [code for code, *_rest in of(bob)] == ["book-voucher"]
    assert of(charlie) == []


def test_whoever_has_paid_keeps_what_was_paid_for_when_the_score_or_tier_falls():
    """domain.md E57."""
    alice = perks.member("alice", "registered")
    plan = perks.plus(alice)
    grant = perks.grant(shipping(), plan, value=0, quota=60, period=Period.TERM)
    found = entitlements.of(alice, NOON)[0]
    assert (found.value, found.quota, found.gate) == (0, 60, "pay")
    assert found.resets_on == dt.date(2027, 2, 19)
    assert grant.gate == BenefitGrant.Gate.PAY
    assert of(alice, NOON + 355 * DAY) == []


def test_a_score_threshold_asks_for_the_settled_score_of_that_time():
    line = ScoreThreshold.objects.create(code="vip", name="VIP line", value=20_000)
    perks.grant(perks.benefit("vip-line"), line)
    alice, bob = perks.member("alice"), perks.member("bob")
    perks.settled(alice, 20_000, NOON - 40 * DAY)
    perks.settled(alice, 19_999, NOON - DAY)
    perks.settled(bob, 20_000, NOON - DAY)
    assert of(alice) == []
    assert of(alice, NOON - 2 * DAY) == [("vip-line", None, None)]
    assert of(bob) == [("vip-line", None, None)]
    assert of(bob, NOON - 2 * DAY) == []


def test_a_card_of_a_merchant_gives_from_its_level_on_until_the_member_leaves():
    acme = Merchant.objects.create(code="acme", name="ACME")
    club = Club.objects.create(merchant=acme, name="ACME Club", status=Club.Status.OPEN)
    perks.grant(perks.benefit("acme-gift"), club, club_level=2)
    alice, bob = perks.member("alice"), perks.member("bob")
    card = Card.objects.create(club=club, member=alice, level=2, joined_at=NOON - DAY)
    Card.objects.create(club=club, member=bob, level=1, joined_at=NOON - DAY)
    assert [code for code, *_rest in of(alice)] == ["acme-gift"]
    assert of(bob) == []
    assert of(alice, NOON - 2 * DAY) == []
    card.status, card.left_at = Card.Status.LEFT, NOON
    card.save()
    assert of(alice) == []


def test_a_segment_gives_to_its_members():
    segment = Segment.objects.create(code="students", name="Students")
    perks.grant(perks.benefit("student-price"), segment)
    alice = perks.member("alice")
    segment.members.add(alice)
    assert [code for code, *_rest in of(alice)] == ["student-price"]
    assert of(perks.member("bob")) == []


def test_a_gift_gives_to_one_member_for_its_time_and_stays_with_whoever_the_member_is_merged_into():
    alice, bob = perks.member("alice"), perks.member("bob")
    MemberGrant.objects.create(
        member=alice, benefit=perks.benefit("parcel"), reference="hand:1", reason="sorry", quota=1,
        period=Period.TERM, starts_at=NOON - DAY, ends_at=NOON + DAY, given_at=NOON - DAY,
    )  # fmt: skip
    assert of(alice) == [("parcel", None, 1)]
    assert of(bob) == []
    assert of(alice, NOON + DAY) == []
    alice.status, alice.merged_into = "merged", bob
    alice.save()
    assert of(alice) == []
    assert of(bob) == [("parcel", None, 1)]


def test_entitlements_of_an_earlier_instant_are_those_of_the_tier_and_medal_of_that_time():
    """domain.md E54: what an order of last week brings is what the member was then."""
    alice, gold = perks.member("alice", "bronze"), perks.tier("gold")
    reader = medal_case.medal("reader")
    level = reader.levels.get(number=1)
    perks.grant(perks.benefit("double-free"), gold)
    perks.grant(perks.benefit("book-voucher"), level)
    perks.medal_level(alice, level)
    TierChange.objects.create(
        member=alice, before=gold, after=perks.tier("bronze"), reason="review", growth=0, at=NOON - 3 * DAY
    )
    MedalAward.objects.create(
        member=alice, medal=reader, before=None, after=level, score=10, as_of=NOON.date(), at=NOON - 2 * DAY
    )
    assert [code for code, *_rest in of(alice, NOON - 4 * DAY)] == ["double-free"]
    assert [code for code, *_rest in of(alice)] == ["book-voucher"]


def test_grants_and_benefits_count_from_their_beginning_to_their_end():
    alice = perks.member()
    perks.grant(perks.benefit("early"), effective_from=NOON, effective_until=NOON + DAY)
    perks.benefit("sale", mode=Benefit.Mode.PROMOTION, starts_at=NOON, ends_at=NOON + 2 * DAY)
    perks.grant(perks.benefit("sale"))
    perks.grant(perks.benefit("draft"), status=BenefitGrant.Status.DRAFT)
    perks.grant(perks.benefit("off", is_active=False))
    told = [[code for code, *_rest in of(alice, at)] for at in (NOON - DAY, NOON, NOON + DAY, NOON + 2 * DAY)]
    assert told == [[], ["early", "sale"], ["sale"], []]


def test_what_is_left_and_when_it_begins_anew_is_told():
    alice, parcel = perks.member(), perks.benefit("parcel")
    perks.grant(parcel, quota=3, period=Period.QUARTER)
    Quota.objects.create(member=alice, benefit=parcel, window="2026-Q1", granted=3, used=2, version=3)
    found = entitlements.of(alice, NOON)[0]
    assert (found.quota, found.used, found.left, found.resets_on) == (3, 2, 1, dt.date(2026, 4, 1))
    assert entitlements.of(alice, NOON + 31 * DAY)[0].left == 3


@pytest.mark.parametrize(
    ("period", "name", "resets_on"),
    [
        (Period.DAY, "2026-03-01", dt.date(2026, 3, 2)),
        (Period.MONTH, "2026-03", dt.date(2026, 4, 1)),
        (Period.QUARTER, "2026-Q1", dt.date(2026, 4, 1)),
        (Period.YEAR, "2026", dt.date(2027, 1, 1)),
    ],
)
def test_periods_are_those_of_the_local_calendar(period, name, resets_on):
    """16:00 UTC on the last of February is midnight in Shanghai: March has begun."""
    midnight = dt.datetime(2026, 2, 28, 16, 0, tzinfo=dt.UTC)
    assert period.window(midnight, None, None) == (name, resets_on)
    assert period.window(midnight - dt.timedelta(microseconds=1), None, None).name != name or period in (
        Period.QUARTER,
        Period.YEAR,
    )


def test_many_members_are_asked_about_in_as_many_queries_as_one(django_assert_max_num_queries):
    reader = medal_case.medal("reader")
    club = Club.objects.create(
        merchant=Merchant.objects.create(code="acme", name="ACME"), name="ACME", status=Club.Status.OPEN
    )
    people = [perks.member(f"m-{number}", "gold") for number in range(30)]
    plan = perks.plus(people[0])
    segment = Segment.objects.create(code="all", name="All")
    segment.members.add(*people)
    line = ScoreThreshold.objects.create(code="vip", name="VIP", value=1)
    targets = [perks.tier("gold"), reader.levels.first(), club, plan, segment, line]
    for number, target in enumerate(targets * 3):
        perks.grant(perks.benefit(f"b-{number}"), target, quota=3)
    perks.grant(perks.bundle((perks.benefit("b-x"), {})), segment)
    with django_assert_max_num_queries(15):
        entitlements.of(people[0], NOON)
    with django_assert_max_num_queries(15):
        found = entitlements.of_many(people, NOON)
    assert {len(entitlements_) for pk, entitlements_ in found.items() if pk != people[0].pk} == {7}
    assert len(found[people[0].pk]) == 10
