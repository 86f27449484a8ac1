"""Campaigns that give by themselves: once at the start, and at birthdays; nobody twice, however often they are killed (F19)."""

import datetime as dt

import pytest

from common import clock
from loyalty.selectors import anniversaries
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import STAFF
from merchants.models import CampaignGrant, CardSegment
from merchants.services import campaign_sends, campaigns, giving
from merchants.tests import buyers
from merchants.tests.buyers import DAY, NOON
from merchants.tests.campaigning import a_club, a_draft, cards, drain, purse, started

pytestmark = pytest.mark.django_db


def gifts():
    return dict(CampaignGrant.objects.filter(points__gt=0).values_list("card__member__external_id", "points"))


def test_it_gives_to_everybody_it_means_and_ends():
    club = a_club()
    cards(club, "alice", "bob")
    cards(club, "charlie", status="left", left_at=NOON)
    campaign = started(club)
    assert campaign_sends.send_due(NOON) == 1
    assert gifts() == {"alice": 100, "bob": 100}
    campaign.refresh_from_db()
    assert (campaign.status, campaign.released, purse(club)) == ("ended", 800, 9_800)
    assert campaign_sends.send_due(NOON) == 0
    assert_proven()


def test_it_waits_for_its_start():
    club = a_club()
    cards(club, "alice")
    started(club, starts_at=NOON + DAY)
    assert campaign_sends.send_due(NOON) == 0
    assert campaign_sends.send_due(NOON + DAY) == 1


def test_levels_segments_and_lists_choose_the_cards():
    club = a_club()
    alice, _bob = cards(club, "alice", "bob", level=3)
    (charlie,) = cards(club, "charlie")
    segment = CardSegment.objects.create(club=club, name="low", level_to=2)
    campaign_sends.send(started(club, audience="level", level=2, points=1), NOON)
    campaign_sends.send(started(club, audience="segment", segment=segment, points=10), NOON)
    draft = a_draft(club, audience="list")
    draft.listed.add(alice, charlie)
    campaign_sends.send(campaigns.start(draft, STAFF, NOON), NOON)
    sums = {"alice": 101, "bob": 1, "charlie": 110}
    for name, points in sums.items():
        got = CampaignGrant.objects.filter(card__member__external_id=name).values_list("points", flat=True)
        assert sum(got) == points


def test_a_budget_that_ends_half_way_refuses_the_rest_with_the_reason():
    club = a_club()
    cards(club, "alice", "bob", "charlie")
    campaign = started(club, budget=250)
    campaign_sends.send(campaign, NOON)
    drain()
    campaign.refresh_from_db()
    assert (campaign.status, campaign.released) == ("empty", 50)
    assert list(CampaignGrant.objects.order_by("pk").values_list("refusal", flat=True)) == ["", "", "budget"]


def test_killed_half_way_and_run_again_nobody_gets_it_twice_and_nobody_is_forgotten(monkeypatch):
    monkeypatch.setattr(campaign_sends, "CARDS_PER_CHUNK", 2)
    club = a_club()
    cards(club, *(f"m-{n}" for n in range(7)))
    campaign = started(club)
    give_all, chunks = giving.give_all, []

    def die_in_the_third(*args):
        chunks.append(args)
        grants = give_all(*args)
        if len(chunks) == 3:
            raise MemoryError
        return grants

    monkeypatch.setattr(giving, "give_all", die_in_the_third)
    with pytest.raises(MemoryError):
        campaign_sends.send(campaign, NOON)
    assert len(gifts()) == 4
    campaign_sends.send(campaign, NOON + DAY / 24)
    assert len(gifts()) == 7
    assert CampaignGrant.objects.count() == 7
    campaign.refresh_from_db()
    assert (campaign.status, purse(club)) == ("ended", 9_300)
    assert_proven()


def test_a_campaign_that_fails_does_not_keep_the_others_waiting(monkeypatch):
    club = a_club()
    cards(club, "alice")
    bad, good = started(club), started(club, points=1)
    send = campaign_sends.send

    def fail(campaign, at):
        if campaign == bad:
            raise MemoryError
        return send(campaign, at)

    monkeypatch.setattr(campaign_sends, "send", fail)
    with pytest.raises(MemoryError):
        campaign_sends.send_due(NOON)
    good.refresh_from_db()
    assert (good.status, gifts()) == ("ended", {"alice": 1})


def test_a_chunk_costs_a_fixed_number_of_queries(django_assert_max_num_queries):
    club = a_club()
    cards(club, *(f"m-{n}" for n in range(60)))
    campaign = started(club, points=1)
    with django_assert_max_num_queries(90):
        campaign_sends.send(campaign, NOON)
    assert len(gifts()) == 60


# Birthdays ----------------------------------------------------------------------------------------------------


def night(day: dt.date):
    return clock.day_start(day)


def celebrate(day: dt.date):
    run = campaign_sends.birthdays(night(day), night(day) + dt.timedelta(minutes=45))
    return run.counts


def born(club, name, day):
    buyers.a_member(name, birthday=day)
    cards(club, name)


def test_the_window_begins_seven_days_before_and_has_fifteen_days():
    club = a_club()
    born(club, "alice", dt.date(1990, 3, 20))
    started(club, trigger="birthday", ends_at=NOON + 400 * DAY)
    assert celebrate(dt.date(2026, 3, 12)) == {}
    assert celebrate(dt.date(2026, 3, 13)) == {"gifts": 1, "refused": 0}
    assert celebrate(dt.date(2026, 3, 14))["gifts"] == 0
    assert [g.occasion for g in CampaignGrant.objects.all()] == ["birthday:2026"]


def test_a_campaign_that_starts_within_the_window_still_gives_on_its_last_day():
    club = a_club()
    born(club, "alice", dt.date(1990, 3, 20))
    started(club, trigger="birthday")
    assert celebrate(dt.date(2026, 3, 27)) == {"gifts": 1, "refused": 0}
    assert celebrate(dt.date(2026, 3, 28)) == {}


def test_a_birthday_that_is_changed_after_the_gift_brings_no_other_one_this_year():
    club = a_club()
    born(club, "alice", dt.date(1990, 3, 5))
    started(club, trigger="birthday")
    celebrate(dt.date(2026, 3, 5))
    buyers.a_member("alice").__class__.objects.update(birthday=dt.date(1990, 3, 20))
    celebrate(dt.date(2026, 3, 20))
    assert CampaignGrant.objects.count() == 1


@pytest.mark.parametrize(
    ("today", "is_due"),
    [
        (dt.date(2026, 2, 20), False),  # a common year: the birthday is on the 28th
        (dt.date(2026, 2, 21), True),
        (dt.date(2026, 3, 7), True),
        (dt.date(2026, 3, 8), False),
        (dt.date(2028, 2, 21), False),  # a leap year: on the 29th
        (dt.date(2028, 2, 22), True),
        (dt.date(2028, 3, 7), True),
        (dt.date(2028, 3, 8), False),
    ],
)
def test_who_was_born_on_29_february_has_a_birthday_every_year(today, is_due):
    club = a_club()
    born(club, "alice", dt.date(1992, 2, 29))
    windows = anniversaries.windows("member__birthday", today)
    asked = [club.cards.filter(born_then).exists() for _year, born_then in windows]
    assert any(asked) is is_due


def test_a_window_over_new_year_counts_the_year_of_the_birthday():
    club = a_club()
    born(club, "alice", dt.date(1990, 1, 2))
    born(club, "bob", dt.date(1990, 12, 30))
    started(club, trigger="birthday", ends_at=NOON + 400 * DAY)
    assert celebrate(dt.date(2026, 12, 29)) == {"gifts": 2, "refused": 0}
    assert celebrate(dt.date(2027, 1, 3))["gifts"] == 0
    assert dict(CampaignGrant.objects.values_list("card__member__external_id", "occasion")) == {
        "alice": "birthday:2027",
        "bob": "birthday:2026",
    }
