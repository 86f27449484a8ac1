"""Gift campaigns give to whom they mean, hold some out by chance, never pass the budget, and give nobody twice (F24, S2-45)."""

import hashlib
import hmac

import pytest

from common.models import Fact, JobRun
from loyalty.models import GiftAssignment, GiftCampaign, Lot, Segment
from loyalty.services import gift_campaigns, gift_sends
from loyalty.tests.gifting import a_draft, gifts, has, held_out, people, person, started
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON
from members.models import Member

pytestmark = pytest.mark.django_db


def test_it_gives_once_to_everybody_it_means_and_ends():
    people("alice", "bob")
    people("charlie", status=Member.Status.CLOSED, closed_at=NOON)
    campaign = started()
    assert gift_sends.give_once(NOON) == 1
    campaign.refresh_from_db()
    assert (gifts(), campaign.spent, campaign.status) == ({"alice": 100, "bob": 100}, 200, "ended")
    assert has("alice") == 100
    assert gift_sends.give_once(NOON + DAY) == 0
    assert_proven()


def test_a_draft_and_one_that_waits_give_nothing():
    people("alice")
    a_draft()
    started(starts_at=NOON + DAY)
    assert gift_sends.give_once(NOON) == 0
    assert gift_sends.give_once(NOON + DAY) == 1


def test_each_tier_gets_its_own_gift_and_who_has_no_row_is_not_meant():
    people("alice", tier="gold")
    people("bob", tier="silver")
    people("charlie")
    campaign = started({"gold": 618, "silver": 100})
    gift_sends.give(campaign, NOON, NOON)
    assert gifts() == {"alice": 618, "bob": 100}
    rest = started({"gold": 1, "": 5})
    gift_sends.give(rest, NOON, NOON)
    assert gifts(rest) == {"alice": 1, "bob": 5, "charlie": 5}


def test_only_members_of_the_segment():
    alice, _bob = people("alice", "bob")
    segment = Segment.objects.create(code="vip", name="VIP")
    segment.members.add(alice)
    gift_sends.give(started(segment=segment), NOON, NOON)
    assert gifts() == {"alice": 100}


def test_who_is_held_out_follows_from_seed_and_name_alone():
    names = [f"m-{n}" for n in range(200)]
    people(*names)
    campaign = started(holdout_percent=20)

    def falls_below(name: str) -> bool:
        digest = hmac.new(campaign.seed.encode(), name.encode(), hashlib.sha256).digest()
        return int.from_bytes(digest[:8], "big") % 10_000 < 2_000

    gift_sends.give(campaign, NOON, NOON)
    assert held_out(campaign) == {name for name in names if falls_below(name)}
    assert 20 <= len(held_out(campaign)) <= 60
    assert gifts().keys() == set(names) - held_out(campaign)


def test_held_out_members_get_nothing_and_nobody_is_told_of_them():
    names = [f"m-{n}" for n in range(40)]
    people(*names)
    campaign = started(holdout_percent=50)
    gift_sends.give(campaign, NOON, NOON)
    out = held_out(campaign)
    assert out
    assert all(has(name) == 0 for name in out)
    told = set(Fact.objects.filter(topic="campaign.member_targeted").values_list("key", flat=True))
    assert told == set(names) - out


def test_another_seed_holds_out_others():
    names = [f"m-{n}" for n in range(100)]
    one, other = a_draft(holdout_percent=50), a_draft(holdout_percent=50, seed="1" * 32)
    assert [gift_sends.is_held_out(one, name) for name in names] != [gift_sends.is_held_out(other, n) for n in names]


def test_the_seed_is_drawn_by_the_machine():
    fresh = GiftCampaign(code="x", name="x", starts_at=NOON, ends_at=NOON + DAY, budget=1)
    again = GiftCampaign(code="y", name="y", starts_at=NOON, ends_at=NOON + DAY, budget=1)
    assert len(fresh.seed) == 64
    assert fresh.seed != again.seed


def test_it_stops_before_the_budget_is_passed_and_reaches_nobody_after_that():
    people("alice", "bob", "charlie")
    campaign = started(budget=250)
    gift_sends.give(campaign, NOON, NOON)
    campaign.refresh_from_db()
    assert (gifts(), campaign.spent, campaign.status) == ({"alice": 100, "bob": 100}, 200, "empty")
    assert GiftAssignment.objects.count() == 2
    assert_proven()


def test_a_stopped_campaign_gives_nothing_more():
    people("alice")
    campaign = started()
    gift_campaigns.stop(campaign, person("rhoda"), NOON)
    gift_sends.give(campaign, NOON, NOON)
    assert gifts() == {}


def test_who_had_a_gift_lately_rests():
    people("alice")
    gift_sends.give(started(), NOON, NOON)
    resting = started(rest_days=30)
    gift_sends.give(resting, NOON + 29 * DAY, NOON + 29 * DAY)
    assert gifts(resting) == {}
    later = started(rest_days=30)
    gift_sends.give(later, NOON + 30 * DAY, NOON + 30 * DAY)
    assert gifts(later) == {"alice": 100}


def test_killed_half_way_and_run_again_each_member_has_exactly_one(monkeypatch):
    names = [f"m-{n}" for n in range(7)]
    people(*names)
    campaign = started()
    monkeypatch.setattr(gift_sends, "MEMBERS_PER_CHUNK", 2)
    work, calls = gift_sends._give_span, []

    def dies(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return work(*args)

    monkeypatch.setattr(gift_sends, "_give_span", dies)
    with pytest.raises(KeyboardInterrupt):
        gift_sends.give(campaign, NOON, NOON)
    assert len(gifts()) == 4
    run = gift_sends.give(campaign, NOON, NOON)
    assert (run.status, run.counts) == ("done", {"treated": 7, "held out": 0, "points": 700})
    assert JobRun.objects.count() == 1
    assert [has(name) for name in names] == [100] * 7
    assert_proven()


def test_a_gift_of_nothing_only_tells():
    people("alice")
    gift_sends.give(started({"": 0}), NOON, NOON)
    fact = Fact.objects.get(topic="campaign.member_targeted")
    assert (gifts(), fact.payload["points"], fact.payload["until"]) == ({"alice": 0}, 0, None)
    assert not Lot.objects.exists()
    assert_proven()


def test_the_treated_stand_in_the_segment_that_rules_and_benefits_ask_for():
    names = [f"m-{n}" for n in range(20)]
    people(*names)
    multiplied = Segment.objects.create(code="double", name="Double points")
    campaign = started(holdout_percent=50, lists_in=multiplied)
    gift_sends.give(campaign, NOON, NOON)
    assert set(multiplied.members.values_list("external_id", flat=True)) == gifts().keys()


def test_points_expire_at_the_end_of_the_day_that_was_promised():
    people("alice")
    gift_sends.give(started(days=10), NOON, NOON)
    fact = Fact.objects.get(topic="campaign.member_targeted")
    assert fact.payload["until"] == "2026-03-11"
    assert Lot.objects.get().expires_at.isoformat() == "2026-03-11T16:00:00+00:00"


@pytest.mark.parametrize("members", [2, 40])
def test_a_chunk_takes_the_same_queries_whatever_its_size(members, django_assert_max_num_queries):
    people(*[f"m-{n}" for n in range(members)])
    campaign = started(holdout_percent=10)
    with django_assert_max_num_queries(55):
        gift_sends.give(campaign, NOON, NOON)
