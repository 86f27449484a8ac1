import datetime as dt

import pytest

from loyalty.selectors import members as selectors
from loyalty.tests.stage import DAY, NOON, give
from members.models import Consent
from members.services import consents
from merchants.tests import buyers
from rewards.selectors import recommendations
from rewards.tests import perks
from rewards.tests.shop import a_reward, redeem

pytestmark = pytest.mark.django_db

PERSONALISE = Consent.Purpose.PERSONALISE
YESTERDAY = (NOON - DAY).date()


@pytest.fixture
def alice(db):
    """Alice has 1,000 points for a year and agrees to be recommended by what she bought."""
    member = perks.member()
    give(1000, at=NOON - DAY, expires_at=NOON + 365 * DAY)
    consents.give(member, PERSONALISE, "", "app", NOON - DAY)
    return member


def found(at=NOON, **more):
    return recommendations.of(selectors.with_wallets().get(external_id="alice"), at, **more)


def names(at=NOON, **more):
    return [one.name for one in found(at, **more).found]


def reasons(name, at=NOON):
    (one,) = [one for one in found(at).found if one.name == name]
    return {reason.code: reason.words for reason in one.because}


def test_own_categories_come_first_by_their_share_of_what_was_kept(alice):
    for category, points in (("wine", 100), ("tea", 110), ("books", 120)):
        a_reward(category, category=category, points=points)
    buyers.bought(alice, "acme-1", 90_00, on=YESTERDAY, category="books")
    buyers.bought(alice, "acme-1", 50_00, on=YESTERDAY, category="tea", refunded=40_00)
    assert names() == ["books", "tea", "wine"]
    assert reasons("books")["own_category"] == "You often buy books."
    assert "own_category" not in reasons("wine")


def a_coupon(name, only_categories="", **values):
    return a_reward(name, kind="coupon", off_amount=500, only_categories=only_categories, **values)


def test_a_coupon_without_a_category_is_recommended_for_those_of_its_terms(alice):
    """What all her money went to counts more than a part of it, and what she never bought stands last."""
    a_coupon("wine", "wine", points=90)
    a_coupon("anything", points=100)
    a_coupon("tea", "tea", points=110)
    a_coupon("both", "tea, books,wine,tea", points=120)
    buyers.bought(alice, "acme-1", 60_00, on=YESTERDAY, category="books")
    buyers.bought(alice, "acme-1", 30_00, on=YESTERDAY, category="tea")
    assert names() == ["both", "tea", "anything", "wine"]
    assert reasons("both")["own_category"] == "You often buy tea / books."
    assert reasons("wine")["never_bought"] == "You bought nothing in twelve months that it could be used for."
    assert "never_bought" not in reasons("both").keys() | reasons("anything").keys()
    assert sum(reason.weight for one in found().found for reason in one.because if reason.code == "own_category") == 53


def test_a_coupons_own_category_goes_before_those_of_its_terms(alice):
    a_coupon("tea", "tea, books", category="tea")
    buyers.bought(alice, "acme-1", 90_00, on=YESTERDAY, category="books")
    assert not reasons("tea").keys() & {"own_category", "never_bought"}


def test_a_coupon_for_stores_she_never_bought_at_stands_last(alice):
    a_coupon("elsewhere", only_stores="other-1, other-2", points=90)
    a_coupon("here", only_stores="acme-1, other-1", points=100)
    a_coupon("books-elsewhere", "books", only_stores="other-1", points=110)
    buyers.bought(alice, "acme-1", 90_00, on=YESTERDAY, category="books")
    assert names() == ["here", "books-elsewhere", "elsewhere"]
    assert ["never_bought" in reasons(name) for name in names()] == [False, True, True]


def test_nothing_speaks_against_a_coupon_for_who_has_not_bought_or_given_all_back(alice):
    a_coupon("tea", "tea", only_stores="acme-1")
    assert "never_bought" not in reasons("tea")
    buyers.bought(alice, "acme-1", 90_00, on=YESTERDAY, category="books", refunded=90_00)
    assert "never_bought" not in reasons("tea")
    buyers.bought(alice, "acme-1", 90_00, on=YESTERDAY, category="books")
    assert "never_bought" in reasons("tea")


def test_what_was_bought_more_than_a_year_ago_or_paid_back_does_not_count(alice):
    a_reward("tea", category="tea")
    a_reward("books", category="books")
    buyers.bought(alice, "acme-1", 90_00, on=YESTERDAY - dt.timedelta(days=365), category="tea")
    buyers.bought(alice, "acme-1", 90_00, on=YESTERDAY, category="books", refunded=90_00)
    assert [reasons(name).keys() & {"own_category"} for name in ("tea", "books")] == [set(), set()]


def test_a_reward_of_a_merchant_she_buys_from_is_recommended_for_that(alice):
    acme = buyers.a_merchant("acme", "acme-1")
    a_reward("other", points=90)
    a_reward("sponsored", merchant=acme)
    buyers.bought(alice, "acme-1", 90_00, on=YESTERDAY)
    assert names() == ["sponsored", "other"]
    assert reasons("sponsored")["own_merchant"] == "You buy at Acme."


def test_only_what_she_can_take_now_is_recommended(alice):
    a_reward("cheap", points=1000)
    a_reward("dear", points=1001)
    assert names() == ["cheap"]


def test_points_that_expire_soon_speak_for_what_uses_them(alice):
    give(200, at=NOON - DAY, expires_at=NOON + 10 * DAY)
    a_reward("small", points=50)
    a_reward("fitting", points=150)
    assert names() == ["fitting", "small"]
    assert reasons("fitting")["points_expire"].startswith("200 of your points expire soon")
    assert "points_expire" not in reasons("small")


def test_what_was_taken_before_speaks_for_itself_and_what_was_given_back_does_not(alice):
    again = a_reward("again", kind="coupon", points=120)
    a_reward("new", points=100)
    taken = redeem(again, at=NOON)
    assert names() == ["again", "new"]
    type(taken).objects.filter(pk=taken.pk).update(status="returned")
    assert "taken_before" not in reasons("again")


def test_benefits_that_can_be_used_are_recommended_with_what_is_left(alice):
    perks.grant(perks.benefit("parcel", name="Parcel"), quota=2)
    perks.grant(perks.benefit("line", name="VIP line"))
    perks.grant(perks.benefit("books", name="Books", kind="category_discount", category="books"), value=10)
    buyers.bought(alice, "acme-1", 90_00, on=YESTERDAY, category="books")
    assert names() == ["Books", "Parcel", "VIP line"]
    assert reasons("Parcel") == {"left_to_use": "You can still use it 2 times in this period."}


def test_a_plan_that_ends_soon_speaks_for_its_benefits(alice):
    plan = perks.plus(alice, until=NOON + 20 * DAY)
    perks.grant(perks.benefit("line", name="VIP line"), plan)
    assert reasons("VIP line")["ends_soon"].startswith("You have it until")


def test_who_never_agreed_or_does_not_any_more_gets_everybodys_order_without_reasons(alice):
    """PIPL 24: nothing that she bought or did moves anything."""
    a_reward("wine", category="wine", points=100)
    a_reward("tea", category="tea", points=110)
    perks.grant(perks.benefit("line", name="VIP line"))
    buyers.bought(alice, "acme-1", 90_00, on=YESTERDAY, category="tea")
    assert (found().personalised, names()) == (True, ["tea", "wine", "VIP line"])
    consents.withdraw(alice, PERSONALISE, "", NOON)
    plain = found()
    assert (plain.personalised, names()) == (False, ["wine", "tea", "VIP line"])
    assert [one.because for one in plain.found] == [[], [], []]
    Consent.objects.all().delete()
    assert not found().personalised


def test_everybody_sees_the_same_prices_and_the_same_things(alice):
    """The order is personal, what is in it is not (PIPL 24)."""
    for number in range(5):
        a_reward(f"r-{number}", category="tea" if number % 2 else "", points=100 + number)
    buyers.bought(alice, "acme-1", 90_00, on=YESTERDAY, category="tea")
    mine = {(one.name, one.offer.price) for one in found().found}
    consents.withdraw(alice, PERSONALISE, "", NOON)
    assert {(one.name, one.offer.price) for one in found().found} == mine


def test_no_more_is_given_than_asked_for(alice):
    for _number in range(5):
        a_reward()
    assert len(found(limit=3).found) == 3


def test_recommendations_cost_a_fixed_number_of_queries(alice, django_assert_max_num_queries):
    for number in range(30):
        a_reward(category=f"c-{number}", limit_day=1)
        a_coupon("", f"c-{number}, c-{number + 1}", only_stores=f"s-{number}, x-{number}")
        perks.grant(perks.benefit(f"b-{number}"), quota=1)
        buyers.bought(alice, f"s-{number}", 100, on=YESTERDAY, category=f"c-{number}")
    member = selectors.with_wallets().get(external_id="alice")
    with django_assert_max_num_queries(20):
        recommendations.of(member, NOON)
