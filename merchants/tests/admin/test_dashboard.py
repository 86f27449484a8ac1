"""The merchants' overview: pictures of the own members and sales, and what waits for somebody."""

import datetime as dt

import pytest
from django.utils import timezone

from merchants.models import Card, LevelScheme, MerchantCampaign, Purse
from merchants.tests import purse_strings, shops
from merchants.tests.admin.test_frame import a_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def overview(client):
    """The overview as somebody of Bob's merchant sees it: its context."""

    def look(name: str = "bea", role: str = "owner"):
        client.force_login(a_person(name, role))
        answer = client.get("/merchant/")
        assert answer.status_code == 200
        return answer.context

    return look


def test_a_new_merchant_is_told_its_first_three_steps(overview):
    seen = overview()
    assert [(str(step["title"]), step["done"]) for step in seen["steps"]] == [
        ("Set up levels", False),
        ("Buy points", False),
        ("Run a campaign", False),
    ]
    assert (seen["card_chart"], seen["sales_chart"], seen["campaigns"], seen["levels"]) == (None, None, [], [])


def test_the_steps_go_once_all_three_are_done(overview):
    now = timezone.now()
    club = shops.a_club("bobs-1", merchant="bobs", levels=[("Start", 0, 100)])
    purse_strings.a_purse(500, "bobs")
    club.merchant.point_purchases.create(
        points=1, price=1, status="credited", lot_seq=1, credited_at=now, bank_reference="b", drafted_at=now
    )
    club.merchantcampaigns.create(
        name="Hello",
        points=1,
        budget=9,
        starts_at=now,
        ends_at=now + dt.timedelta(days=1),
        status="running",
        started_at=now,
    )
    assert overview()["steps"] == []


def test_members_stand_by_level_in_the_levels_own_colours(overview):
    club = shops.a_club("bobs-1", merchant="bobs", levels=[("Start", 0, 100), ("Gold", 100, 100)])
    for name, level in {"alice": 1, "bob": 1, "charlie": 2}.items():
        Card.objects.filter(pk=shops.a_card(name, club, at=timezone.now()).pk).update(level=level)
    assert [(bar["name"], bar["members"], bar["percent"]) for bar in overview()["levels"]] == [
        ("1 Start", "2", 100),
        ("2 Gold", "1", 50),
    ]


def test_a_campaign_shows_how_much_of_its_budget_is_used(overview):
    now = timezone.now()
    club = shops.a_club("bobs-1", merchant="bobs")
    MerchantCampaign.objects.create(
        club=club, name="Hello", points=1, budget=1000, starts_at=now, ends_at=now + dt.timedelta(days=1), started_at=now,
        status=MerchantCampaign.Status.RUNNING,
    ).pockets.add(purse_strings.a_purse(250, "bobs").account)  # fmt: skip
    shown = overview()["campaigns"][0]
    assert (shown["used"], shown["budget"], shown["percent"], shown["hot"]) == ("750", "1,000", 75, False)


def test_what_waits_is_counted_and_another_merchants_is_not(overview):
    for merchant in ("bobs", "acme"):
        club = shops.a_club(f"{merchant}-1", merchant=merchant)
        LevelScheme.objects.create(club=club, created_at=timezone.now())
    purse_strings.a_purse(5, "bobs")
    Purse.objects.update(low_since=timezone.now())
    said = [item["words"] for item in overview()["todo"]]
    assert said[0] == "The purse is low: buy points."
    assert "2 drafts of levels to publish" not in said


def test_a_viewer_is_not_asked_to_buy(overview):
    purse_strings.a_purse(5, "bobs")
    Purse.objects.update(low_since=timezone.now())
    assert overview("vera", "viewer")["todo"] == []


def test_the_overview_takes_as_many_queries_for_many_members(overview, client, django_assert_max_num_queries):
    club = shops.a_club("bobs-1", merchant="bobs", levels=[("Start", 0, 100)])
    for number in range(20):
        shops.a_card(f"member-{number}", club, at=timezone.now())
    overview()
    with django_assert_max_num_queries(40):
        client.get("/merchant/")
