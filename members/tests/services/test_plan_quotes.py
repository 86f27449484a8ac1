import datetime as dt

import pytest

from members.models import PlanOffer
from members.services import plan_purchases, plan_quotes
from members.services.plan_quotes import Buyer, NotEligible, OfferNotOnSale
from members.tests.plus import DAY, NOON, a_member, buy, direct, plus

pytestmark = pytest.mark.django_db
OVER_4500 = {"kind": "score", "above": 4_500, "amount": 5_000}


def against(member, offer, buyer):
    return plan_quotes.reasons_against(member, offer, buyer, plan_quotes.Limits(member, NOON))


@pytest.mark.parametrize(("score", "price"), [(None, 14_900), (4_499, 14_900), (4_500, 14_900), (4_501, 9_900)])
def test_the_discount_is_for_scores_strictly_above_the_mark(score, price):
    offer = plus(discounts=[OVER_4500])
    assert plan_quotes.quote(a_member(), offer, direct(), Buyer(score=score), NOON).price == price


def test_of_several_discounts_the_largest_counts_and_they_do_not_add():
    offer = plus(discounts=[OVER_4500, {"kind": "period", "amount": 3_000}])
    assert plan_quotes.price(offer, direct(), Buyer(score=9_000), NOON).price == 9_900
    assert plan_quotes.price(offer, direct(), Buyer(score=0), NOON).price == 11_900


def test_a_discount_for_a_time_ends_with_its_last_instant():
    ends_at = NOON + DAY
    offer = plus(discounts=[{"kind": "period", "amount": 3_000, "starts_at": NOON, "ends_at": ends_at}])
    tick = dt.timedelta(microseconds=1)
    prices = [
        plan_quotes.price(offer, direct(), Buyer(), at).price for at in (NOON - tick, NOON, ends_at - tick, ends_at)
    ]
    assert prices == [14_900, 11_900, 11_900, 14_900]


def test_a_quote_keeps_its_price_when_the_score_changes_and_not_for_ever():
    offer, alice = plus(discounts=[OVER_4500]), a_member()
    quote = plan_quotes.quote(alice, offer, direct(), Buyer(score=4_501), NOON)
    assert quote.score == 4_501
    assert quote.expires_at == NOON + dt.timedelta(minutes=15)
    assert plan_purchases.ask(alice, quote.uuid, NOON + dt.timedelta(minutes=14)).price == 9_900
    late = plan_quotes.quote(alice, offer, direct(), Buyer(score=4_501), NOON)
    with pytest.raises(plan_purchases.QuoteOver):
        plan_purchases.ask(alice, late.uuid, NOON + dt.timedelta(minutes=15))


def test_who_may_not_buy_hears_every_reason():
    offer = plus(least_credit=30, least_score=90, needs_real_name=True)
    with pytest.raises(NotEligible) as refused:
        plan_quotes.quote(a_member(), offer, direct(), Buyer(score=89, credit=29), NOON)
    assert [reason["code"] for reason in refused.value.extra["reasons"]] == [
        "real_name_missing",
        "credit_too_low",
        "score_too_low",
    ]


def test_exactly_the_least_score_is_enough():
    offer = plus(least_credit=30, least_score=90)
    assert against(a_member(), offer, Buyer(score=90, credit=30)) == []


def test_a_member_whose_credit_nobody_knows_has_not_enough():
    reasons = against(a_member(), plus(least_credit=30), Buyer())
    assert [reason["code"] for reason in reasons] == ["credit_too_low"]


def test_terms_are_stacked_no_further_than_the_offer_allows():
    offer, alice = plus(ahead_days=800), a_member()
    buy(alice, offer, payment="1")
    buy(alice, offer, payment="2")
    with pytest.raises(NotEligible) as refused:
        buy(alice, offer, payment="3")
    assert refused.value.extra["reasons"][0]["code"] == "too_far_ahead"


def test_a_bundle_card_is_sold_so_often_a_calendar_year_whatever_the_channel():
    offer, alice = plus(most_a_year=2, ahead_days=5000), a_member()
    december = dt.datetime(2026, 12, 31, 15, 59, 59, tzinfo=dt.UTC)  # 23:59:59 in Shanghai
    buy(alice, offer, december, payment="1")
    buy(alice, offer, december, payment="2")
    with pytest.raises(NotEligible):
        buy(alice, offer, december, payment="3")
    assert buy(alice, offer, december + dt.timedelta(seconds=1), payment="4").status == "paid"


@pytest.mark.parametrize(
    "values",
    [
        {"starts_at": NOON + dt.timedelta(seconds=1)},
        {"ends_at": NOON},
    ],
)
def test_an_offer_is_sold_only_in_its_time(values):
    with pytest.raises(OfferNotOnSale):
        plan_quotes.quote(a_member(), plus(**values), direct(), Buyer(), NOON)


@pytest.mark.parametrize("status", [PlanOffer.Status.DRAFT, PlanOffer.Status.RETIRED])
def test_a_draft_and_a_retired_offer_are_not_sold(status):
    offer = plus()
    PlanOffer.objects.update(status=status)
    offer.refresh_from_db()
    with pytest.raises(OfferNotOnSale):
        plan_quotes.quote(a_member(), offer, direct(), Buyer(), NOON)
