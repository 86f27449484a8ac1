"""What makes a gift campaign reach a member: a lapse, a birthday, a day of joining, points about to expire (F19, F24, E58)."""

import datetime as dt

import pytest

from common.services.audit import Actor
from loyalty.models import GiftAssignment, GiftCampaign, Lot, MemberStats, Segment, SegmentCondition, Standing
from loyalty.selectors import criteria
from loyalty.services import gift_sends
from loyalty.tests import stage
from loyalty.tests.cast import account, grant
from loyalty.tests.gifting import gifts, has, people, started
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON
from members.models import Member
from members.services import members

pytestmark = pytest.mark.django_db

LATER = NOON + 365 * DAY
ALWAYS = {"starts_at": NOON - 400 * DAY, "ends_at": NOON + 900 * DAY}


def give(campaign: GiftCampaign, at: dt.datetime = NOON) -> dict[str, int]:
    """Let it give on a day; what it has given in all, by member, summed."""
    gift_sends.give(campaign, at, at)
    rows = GiftAssignment.objects.filter(campaign=campaign, arm="treated")
    given: dict[str, int] = {}
    for name, points in rows.values_list("member__external_id", "points"):
        given[name] = given.get(name, 0) + points
    return given


def on(month: int, day: int, year: int = 2026) -> dt.datetime:
    return dt.datetime(year, month, day, 4, tzinfo=dt.UTC)


def lives(member: Member, lifecycle: str, last_order: dt.date | None = None) -> None:
    MemberStats.objects.update_or_create(
        member=member,
        defaults={
            "measured_at": NOON, "lifecycle": lifecycle, "lifecycle_since": NOON, "first_order_on": last_order,
            "last_order_on": last_order,
        },
    )  # fmt: skip


# Win-back ------------------------------------------------------------------------------------------------------


def test_a_member_who_has_lapsed_is_won_back_once_a_lapse():
    alice, bob, charlie = people("alice", "bob", "charlie")
    lives(alice, "lapsed", dt.date(2025, 6, 1))
    lives(bob, "active", dt.date(2026, 2, 1))
    lives(charlie, "prospect")
    campaign = started(trigger="lapse", **ALWAYS)
    assert give(campaign) == give(campaign, NOON + DAY) == {"alice": 100}
    lives(alice, "returning", dt.date(2026, 3, 10))
    assert give(campaign, NOON + 20 * DAY) == {"alice": 100}
    lives(alice, "lapsed", dt.date(2026, 3, 10))
    assert give(campaign, LATER) == {"alice": 200}


def test_a_win_back_is_no_new_members_gift_and_restores_no_level():
    """On return the history counts: no first order anew, no growth, no tier (F24, S1-53)."""
    stage.a_ladder()
    stage.a_growth_policy()
    stage.a_rule(points=500, formula="fixed", conditions=[("order.first", "is", "true")], code="welcome")
    stage.send("order.completed", at=NOON - 400 * DAY, **stage.order("o-1"))
    assert has("alice") == 500
    alice = Member.objects.get()
    lives(alice, "lapsed", dt.date(2025, 1, 25))
    before = Standing.objects.get().growth, Standing.objects.get().tier_id
    give(started(trigger="lapse", **ALWAYS))
    standing = Standing.objects.get()
    assert (standing.growth, standing.tier_id) == before
    stage.send("order.completed", at=NOON + DAY, **stage.order("o-2"))
    assert list(Lot.objects.values_list("source", "earned")) == [("gift", 100), ("order", 500)]
    assert_proven()


def test_a_gift_for_new_members_is_not_for_who_has_lapsed():
    alice, bob = people("alice", "bob")
    lives(alice, "lapsed", dt.date(2025, 6, 1))
    lives(bob, "new")
    segment = Segment.objects.create(code="new", name="New", kind="ruled")
    condition = SegmentCondition.objects.create(segment=segment, attribute="lifecycle", value="new")
    segment.members.set(criteria.members([condition], NOON))
    assert give(started(segment=segment)) == {"bob": 100}


# Birthdays and days of joining ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "today", "is_due"),
    [
        ((1990, 3, 8), on(2, 28), False),
        ((1990, 3, 8), on(3, 1), True),  # seven days before
        ((1990, 3, 8), on(3, 15), True),  # the fifteenth day of the window
        ((1990, 3, 8), on(3, 16), False),
        ((1992, 2, 29), on(2, 21), True),  # the 28th in common years
        ((1992, 2, 29), on(3, 8), False),
        ((1990, 1, 3), on(12, 27), True),  # the window crosses New Year
    ],
)
def test_the_window_of_a_birthday(born, today, is_due):
    people("alice", birthday=dt.date(*born))
    people("bob")
    assert give(started(trigger="birthday", **ALWAYS), today) == ({"alice": 100} if is_due else {})


def test_a_birthday_counts_in_its_own_year_and_comes_once():
    people("alice", birthday=dt.date(1990, 1, 3))
    campaign = started(trigger="birthday", **ALWAYS)
    for today in (on(12, 28), on(12, 31), on(1, 4, 2027)):
        assert give(campaign, today) == {"alice": 100}
    assert GiftAssignment.objects.get().occasion == "birthday:2027"
    assert give(campaign, on(12, 28, 2027)) == {"alice": 200}


def test_who_changes_the_birthday_after_a_gift_has_no_second_one():
    (alice,) = people("alice", birthday=dt.date(1990, 3, 1))
    campaign = started(trigger="birthday", **ALWAYS)
    give(campaign)
    Member.objects.filter(pk=alice.pk).update(birthday=dt.date(1990, 9, 1))
    assert give(campaign, on(9, 1)) == {"alice": 100}


def test_who_was_merged_has_no_second_birthday_gift():
    people("alice", "alice-2", birthday=dt.date(1990, 3, 1))
    campaign = started({"": 100}, trigger="birthday", **ALWAYS)
    segment = Segment.objects.create(code="one", name="One")
    segment.members.add(Member.objects.get(external_id="alice-2"))
    GiftCampaign.objects.filter(pk=campaign.pk).update(segment=segment)
    campaign.refresh_from_db()
    assert give(campaign) == {"alice-2": 100}
    GiftCampaign.objects.filter(pk=campaign.pk).update(segment=None)
    campaign.refresh_from_db()
    members.merge("alice-2", "alice", NOON, Actor("the test"))
    assert give(campaign, NOON + DAY) == {"alice-2": 100}


def test_the_day_of_joining_comes_round_but_is_not_the_day_itself():
    people("alice", registered_at=on(3, 5, 2025))
    people("bob", registered_at=on(3, 5, 2026))
    campaign = started(trigger="anniversary", **ALWAYS)
    assert give(campaign, on(2, 25)) == {}
    assert give(campaign, on(3, 6)) == {"alice": 100}
    assert give(campaign, on(3, 6, 2027)) == {"alice": 200, "bob": 100}


# Rescue --------------------------------------------------------------------------------------------------------


def test_who_has_points_about_to_expire_is_reached_once_a_month():
    people("bob", "charlie")
    grant(account("alice"), 60, expires_at=NOON + 10 * DAY)
    grant(account("alice"), 40, expires_at=NOON + 29 * DAY)
    grant(account("bob"), 99, expires_at=NOON + 10 * DAY)
    grant(account("charlie"), 500, expires_at=NOON + 60 * DAY)
    campaign = started({"": 5}, trigger="expiry", near_days=30, near_points=100, **ALWAYS)
    assert give(campaign) == give(campaign, NOON + DAY) == {"alice": 5}
    assert give(campaign, NOON + 45 * DAY) == {"alice": 5, "charlie": 5}


def test_who_is_held_out_once_is_held_out_for_ever():
    names = [f"m-{n}" for n in range(30)]
    people(*names, birthday=dt.date(1990, 3, 1))
    campaign = started(trigger="birthday", holdout_percent=30, **ALWAYS)
    first = give(campaign).keys()
    second = give(campaign, LATER)
    assert second == dict.fromkeys(first, 200)
    assert len(gifts(campaign)) < len(names)
