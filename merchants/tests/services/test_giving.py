"""The one way of giving: each occasion once, members first and pockets last (domain.md F16, E58)."""

import threading

import pytest
from django.db import connection, transaction

from common.models import Fact
from loyalty.models import Lot
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import STAFF, balance
from members.services import members
from merchants.models import CampaignGrant, Card
from merchants.services import campaigns, giving
from merchants.services.giving import Wish
from merchants.tests.buyers import DAY, NOON
from merchants.tests.campaigning import a_club, cards, purse, started

pytestmark = pytest.mark.django_db


def refusals():
    return list(CampaignGrant.objects.order_by("pk").values_list("refusal", flat=True))


def test_a_gift_is_a_lot_of_the_merchants_that_expires_as_the_campaign_says():
    club = a_club()
    (alice,) = cards(club, "alice")
    campaign = started(club, days=10)
    grant = giving.give(campaign, alice, "send", 100, NOON)
    lot = Lot.objects.get(pk=grant.lot_id)
    assert (lot.earned, lot.source, lot.funder_id) == (100, "campaign", club.merchant.purse.account_id)
    assert lot.reference == f"merchant:acme/{campaign.uuid}/send"
    assert lot.expires_at.isoformat() == "2026-03-11T16:00:00+00:00"  # the end of 11 March in Shanghai
    earned = Fact.objects.get(topic="points.earned")
    assert (earned.key, earned.payload) == ("alice", {"points": 100, "pending": 0, "reference": lot.reference})
    assert_proven()


def test_an_occasion_is_answered_once():
    club = a_club()
    (alice,) = cards(club, "alice")
    campaign = started(club)
    assert giving.give(campaign, alice, "join", 100, NOON).points == 100
    assert giving.give(campaign, alice, "join", 100, NOON) is None
    assert balance().available == 100


def test_who_has_left_is_refused_and_that_is_remembered():
    club = a_club()
    (alice,) = cards(club, "alice")
    campaign = started(club)
    Card.objects.update(status="left", left_at=NOON)
    assert giving.give(campaign, alice, "send", 100, NOON).refusal == "left"
    Card.objects.update(status="active", left_at=None)
    assert giving.give(campaign, alice, "send", 100, NOON) is None


def test_a_member_gets_at_most_the_cap():
    club = a_club()
    (alice,) = cards(club, "alice")
    campaign = started(club, trigger="order", cap=150)
    given = [giving.give(campaign, alice, f"order:{n}", 100, NOON) for n in range(3)]
    assert [grant.points for grant in given] == [100, 50, 0]
    assert refusals() == ["", "", "cap"]


def test_a_merged_member_has_no_second_gift_for_the_same_occasion():
    club = a_club()
    alice, bob = cards(club, "alice", "bob")
    campaign = started(club)
    giving.give(campaign, alice, "join", 100, NOON)
    members.merge("alice", "bob", NOON)
    assert giving.give(campaign, bob, "join", 100, NOON) is None


def test_who_waited_for_a_campaign_that_was_stopped_is_refused_nothing():
    club = a_club()
    (alice,) = cards(club, "alice")
    campaign = started(club)
    campaigns.stop(campaign, STAFF, NOON)
    assert giving.give(campaign, alice, "send", 100, NOON) is None
    assert not CampaignGrant.objects.exists()


def test_a_failure_in_the_same_transaction_leaves_nothing_behind():
    club = a_club()
    (alice,) = cards(club, "alice")
    campaign = started(club)

    @transaction.atomic
    def give_and_die():
        giving.give(campaign, alice, "send", 100, NOON)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        give_and_die()
    assert (CampaignGrant.objects.count(), Fact.objects.filter(topic="points.earned").count()) == (0, 0)
    assert sum(campaign.pockets.values_list("available", flat=True)) == 1000


def test_a_chunk_costs_the_same_queries_however_many_it_gives(django_assert_max_num_queries):
    club = a_club(points=100_000)
    campaign = started(club, budget=50_000)
    some = cards(club, *(f"m-{n}" for n in range(30)))
    with django_assert_max_num_queries(40):
        grants = giving.give_all([Wish(campaign, card, "send", 100, NOON) for card in some], NOON)
    assert {grant.points for grant in grants} == {100}
    with django_assert_max_num_queries(40):
        more = giving.give_all([Wish(campaign, card, "order:1", 100, NOON + DAY) for card in some], NOON + DAY)
    assert len(more) == 30
    assert_proven()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("slots", [1, 4])
def test_64_at_once_get_no_more_than_the_budget_holds(slots, monkeypatch):
    monkeypatch.setattr(campaigns, "SLOTS", slots)
    monkeypatch.setattr(campaigns, "GIFTS_PER_SLOT", 1)
    club = a_club()
    some = cards(club, *(f"m-{n}" for n in range(64)))
    campaign = started(club, trigger="order", points=10, budget=100)
    assert campaign.pockets.count() == slots
    start, failures = threading.Barrier(64), []

    def give(card):
        start.wait()
        try:
            giving.give(campaign, card, "order:1", 10, NOON)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=give, args=[card]) for card in some]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sorted(refusals()) == [""] * 10 + ["budget"] * 54
    assert (sum(campaign.pockets.values_list("available", flat=True)), purse(club)) == (0, 9_900)
    assert_proven()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_same_occasion_at_once_is_given_once():
    club = a_club()
    (alice,) = cards(club, "alice")
    campaign = started(club)
    start, answers = threading.Barrier(8), []

    def give():
        start.wait()
        answers.append(giving.give(campaign, alice, "join", 100, NOON))
        connection.close()

    threads = [threading.Thread(target=give) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(answer is not None for answer in answers) == 1
    assert balance().available == 100
