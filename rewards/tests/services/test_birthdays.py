"""Birthday packs: the window, the leap day, once a birthday year, by the tier of that night; nights missed or killed."""

from __future__ import annotations

import datetime as dt

import pytest

from common import clock
from common.models import Fact, JobChunk
from loyalty.models import Lot
from loyalty.tests.proven import assert_proven
from members.models import Member
from rewards.models import Benefit, BenefitUse, BirthdayPack, MemberGrant
from rewards.selectors import entitlements
from rewards.services import birthdays
from rewards.tests import perks

pytestmark = pytest.mark.django_db

LeapDay = Benefit.LeapDay
BORN = dt.date(1990, 6, 15)


def night(day: dt.date):
    """The run of a local day, at one in the morning."""
    at = clock.day_start(day)
    return birthdays.issue(at, at + dt.timedelta(hours=1))


def born(name: str, birthday: dt.date = BORN, tier: str = "silver", **values) -> Member:
    return perks.member(name, tier, birthday=birthday, **({"phone_verified": True} | values))


def packs(member=None):
    rows = BirthdayPack.objects.filter(member=member) if member else BirthdayPack.objects.all()
    return list(rows.order_by("pk").values_list("member__external_id", "birthday_year", "points"))


@pytest.fixture
def pack(db):
    """100 points for silver; for gold 300 points and two parcels as well."""
    found = perks.benefit("birthday-pack", kind=Benefit.Kind.BIRTHDAY_PACK)
    perks.grant(found, perks.tier("silver"), value=100)
    parcels = perks.bundle((perks.benefit("parcel"), {"quota": 2, "period": "term"}))
    perks.grant(found, perks.tier("gold"), value=300, pack=parcels)
    return found


@pytest.mark.parametrize(
    ("day", "given"),
    [
        (dt.date(2026, 6, 7), False),
        (dt.date(2026, 6, 8), True),
        (dt.date(2026, 6, 15), True),
        (dt.date(2026, 6, 22), True),
        (dt.date(2026, 6, 23), False),
    ],
)
def test_the_window_opens_seven_days_before_and_is_fifteen_days_long(pack, day, given):
    born("alice")
    night(day)
    assert packs() == ([("alice", 2026, 100)] if given else [])


def test_a_pack_says_until_when_it_is_good_and_is_announced(pack):
    alice = born("alice", tier="gold")
    night(dt.date(2026, 6, 8))
    row = BirthdayPack.objects.get()
    assert (clock.local_date(row.valid_from), clock.local_date(row.valid_until)) == (
        dt.date(2026, 6, 8), dt.date(2026, 6, 23),
    )  # fmt: skip
    fact = Fact.objects.get(topic="birthday.pack_issued")
    assert (fact.key, fact.payload["points"], fact.payload["benefits"]) == ("alice", 300, ["parcel"])
    assert Lot.objects.get(account__wallet__member=alice).earned == 300
    use = BenefitUse.objects.get()
    assert (use.benefit, use.cost, use.value, use.tier.code) == (pack, 3_00, 300, "gold")
    inside, after = clock.day_start(dt.date(2026, 6, 22)), clock.day_start(dt.date(2026, 6, 23))
    assert [(e.benefit.code, e.quota) for e in entitlements.of(alice, inside) if e.benefit != pack] == [("parcel", 2)]
    assert [e for e in entitlements.of(alice, after) if e.benefit != pack] == []
    assert_proven()


def test_it_comes_once_however_many_nights_there_are(pack):
    born("alice")
    for day in range(8, 23):
        night(dt.date(2026, 6, day))
    assert packs() == [("alice", 2026, 100)]
    night(dt.date(2027, 6, 8))
    assert packs() == [("alice", 2026, 100), ("alice", 2027, 100)]


def test_the_tier_of_that_night_decides_what_is_in_it(pack):
    for tier in ("bronze", "silver", "gold", "diamond"):
        born(tier, tier=tier)
    night(dt.date(2026, 6, 10))
    assert packs() == [("silver", 2026, 100), ("gold", 2026, 300), ("diamond", 2026, 300)]
    assert sorted(MemberGrant.objects.values_list("member__external_id", flat=True)) == ["diamond", "gold"]


def test_businesses_unverified_phones_and_those_who_left_have_none(pack):
    born("firm", kind=Member.Kind.BUSINESS)
    born("nophone", phone_verified=False)
    born("left", status=Member.Status.CLOSED)
    born("unknown", birthday=None)
    run = night(dt.date(2026, 6, 10))
    assert (packs(), run.counts) == ([], {})


def test_a_missed_night_is_caught_up_while_the_window_is_open(pack):
    born("alice")
    night(dt.date(2026, 6, 7))
    night(dt.date(2026, 6, 20))
    assert packs() == [("alice", 2026, 100)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (dt.date(1990, 6, 15), dt.date(1990, 9, 1)),
        (dt.date(1990, 1, 3), dt.date(1990, 12, 30)),
        (dt.date(1990, 12, 30), dt.date(1990, 1, 3)),
    ],
)
def test_a_birthday_changed_after_a_pack_gives_none_within_a_year(pack, first, second):
    """The year of the birthday counts, also across New Year; and nobody has two within days."""
    alice = born("alice", birthday=first)
    on = dt.date(2026, first.month, first.day)
    night(on)
    alice.birthday = second
    alice.save()
    for day in range(366 - 9):
        celebrated = birthdays.window(pack, second, on + dt.timedelta(days=day))
        if celebrated:
            night(on + dt.timedelta(days=day))
    assert packs() == [("alice", 2026, 100)]
    again = dt.date(2027, second.month, second.day)
    if again < clock.months_after(on, 12):
        again = dt.date(2028, second.month, second.day)
    night(again)
    assert packs() == [("alice", 2026, 100), ("alice", again.year, 100)]


def test_a_window_across_new_year_is_counted_in_the_year_of_the_birthday(pack):
    born("alice", birthday=dt.date(1990, 1, 3))
    night(dt.date(2026, 12, 27))
    night(dt.date(2027, 1, 3))
    assert packs() == [("alice", 2027, 100)]


@pytest.mark.parametrize(
    ("year", "rule", "on"),
    [
        (2027, LeapDay.EARLIER, dt.date(2027, 2, 28)),
        (2027, LeapDay.LATER, dt.date(2027, 3, 1)),
        (2028, LeapDay.EARLIER, dt.date(2028, 2, 29)),
        (2100, LeapDay.LATER, dt.date(2100, 3, 1)),
        (2000, LeapDay.LATER, dt.date(2000, 2, 29)),
    ],
)
def test_the_leap_day_is_kept_as_the_rule_says(year, rule, on):
    assert birthdays.birthday_in(year, dt.date(1992, 2, 29), rule) == on


@pytest.mark.parametrize("rule", LeapDay)
def test_a_leap_day_child_has_a_pack_every_year(pack, rule):
    Benefit.objects.filter(pk=pack.pk).update(leap_day=rule)
    born("alice", birthday=dt.date(1992, 2, 29))
    for year in (2026, 2027, 2028, 2029):
        night(dt.date(year, 3, 1))
    assert [year for _name, year, _points in packs()] == [2026, 2027, 2028, 2029]


def test_a_merge_gives_no_second_pack(pack):
    """domain.md E58, also through two merges."""
    alice, bob, charlie = born("alice"), born("bob"), born("charlie")
    Member.objects.filter(pk__in=[bob.pk, charlie.pk]).update(phone_verified=False)
    night(dt.date(2026, 6, 10))
    Member.objects.filter(pk__in=[bob.pk, charlie.pk]).update(phone_verified=True)
    Member.objects.filter(pk=alice.pk).update(status="merged", merged_into=bob)
    Member.objects.filter(pk=bob.pk).update(status="merged", merged_into=charlie)
    night(dt.date(2026, 6, 11))
    assert packs() == [("alice", 2026, 100)]


def test_without_points_the_pack_holds_benefits_alone():
    pack = perks.benefit("birthday-pack", kind=Benefit.Kind.BIRTHDAY_PACK)
    perks.grant(pack, perks.tier("silver"), value=0, pack=perks.bundle((perks.benefit("parcel"), {"quota": 1})))
    born("alice")
    night(dt.date(2026, 6, 10))
    assert packs() == [("alice", 2026, 0)]
    assert not Lot.objects.exists()


def test_a_run_that_was_killed_goes_on_where_it_stopped(pack, monkeypatch):
    for number in range(6):
        born(f"m-{number}")
    monkeypatch.setattr(birthdays, "MEMBERS_PER_CHUNK", 2)
    work, calls = birthdays._issue_span, []

    def dies(*args):
        calls.append(args)
        if len(calls) == 2:
            work(*args)
            raise RuntimeError("killed")
        return work(*args)

    monkeypatch.setattr(birthdays, "_issue_span", dies)
    with pytest.raises(RuntimeError):
        night(dt.date(2026, 6, 10))
    assert len(packs()) == 2
    run = night(dt.date(2026, 6, 10))
    assert (run.status, run.counts) == ("done", {"packs": 6, "points": 600})
    assert JobChunk.objects.filter(run=run).count() == 3
    assert len(packs()) == 6
    assert_proven()


def test_a_chunk_is_read_in_as_many_queries_for_many_as_for_few(pack, django_assert_max_num_queries):
    for number in range(40):
        born(f"m-{number}", tier="gold")
    at = clock.day_start(dt.date(2026, 6, 10))
    people = Member.objects.order_by("pk")
    with django_assert_max_num_queries(40):
        birthdays._issue_span(people[0].pk, people.last().pk, dt.date(2026, 6, 10), at)
    assert len(packs()) == 40
