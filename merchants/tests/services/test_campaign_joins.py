"""Who opens a card is welcomed once: not again after leaving, nor after a merge (E58)."""

import pytest

from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import balance
from members.services import members
from merchants.models import CampaignGrant, Card
from merchants.services import campaign_joins, cards
from merchants.tests import buyers
from merchants.tests.buyers import DAY, NOON
from merchants.tests.campaigning import a_club, drain, started

pytestmark = pytest.mark.django_db


def join(club, name="alice", at=NOON):
    card = cards.open(buyers.a_member(name), club, channel="app", at=at)
    drain(at)
    return card


def gifts():
    return list(CampaignGrant.objects.order_by("pk").values_list("card__member__external_id", "occasion", "points"))


def test_opening_a_card_brings_the_gift():
    club = a_club()
    started(club, trigger="join")
    join(club)
    assert gifts() == [("alice", "join", 100)]
    assert balance().available == 100
    assert_proven()


def test_leaving_and_coming_back_brings_no_second_gift():
    club = a_club()
    started(club, trigger="join")
    cards.leave(join(club), at=NOON)
    join(club, at=NOON + DAY)
    assert Card.objects.get().status == "active"
    assert gifts() == [("alice", "join", 100)]


def test_who_was_in_before_the_campaign_gets_nothing_by_coming_back():
    club = a_club()
    card = join(club)
    started(club, trigger="join")
    cards.leave(card, at=NOON)
    join(club, at=NOON + DAY)
    assert gifts() == []


def test_a_merged_member_who_joins_again_is_no_new_one():
    club = a_club()
    started(club, trigger="join")
    join(club, "bob")
    buyers.a_member("alice")
    members.merge("bob", "alice", NOON)
    join(club, "alice", at=NOON + DAY)
    assert [points for _name, _occasion, points in gifts()] == [100]


def test_another_merchants_campaign_gives_nothing():
    club, other = a_club(), a_club("zeta")
    started(other, trigger="join")
    join(club)
    assert gifts() == []


def test_a_campaign_gives_only_within_its_time():
    club = a_club()
    started(club, trigger="join", starts_at=NOON + DAY, ends_at=NOON + 2 * DAY)
    join(club, "alice", NOON)
    join(club, "bob", NOON + DAY)
    join(club, "charlie", NOON + 2 * DAY)
    assert gifts() == [("bob", "join", 100)]


def test_many_who_join_at_once_are_welcomed_in_a_fixed_number_of_queries(django_assert_max_num_queries):
    club, other = a_club(points=20_000), a_club("zeta")
    started(club, trigger="join", budget=10_000)
    started(other, trigger="join")
    names = [f"m-{n}" for n in range(30)]
    joins = []
    for name in names:
        cards.open(buyers.a_member(name), club, channel="app", at=NOON)
        joins.append(campaign_joins.Join(str(club.uuid), name, NOON))
    cards.open(buyers.a_member("m-0"), other, channel="app", at=NOON)
    joins.append(campaign_joins.Join(str(other.uuid), "m-0", NOON))
    with django_assert_max_num_queries(50):
        assert len(campaign_joins.give_all(joins)) == 31
    assert campaign_joins.give_all(joins) == []
    assert balance("m-0").available == 200
    assert_proven()
