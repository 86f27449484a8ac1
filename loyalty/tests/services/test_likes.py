import pytest

from common.models import Fact
from loyalty.models import EarningRule, EarningRuleVersion, Lot, Review, ReviewLike, Shortfall, Wallet
from loyalty.selectors import programme
from loyalty.services import likes
from loyalty.tests import cast
from loyalty.tests.cast import DAY, NOON
from members.models import Member

pytestmark = pytest.mark.django_db

WEEK = NOON + 7 * DAY


@pytest.fixture(autouse=True)
def _days_of_counting():
    settings = programme.current()
    settings.like_check_days = [30, 7]
    settings.save()


@pytest.fixture
def version(request):
    rule = EarningRule.objects.create(code="photo-review", name="Photo review")
    return EarningRuleVersion.objects.create(
        rule=rule,
        number=1,
        status=EarningRuleVersion.Status.ACTIVE,
        event_type="review.approved",
        effective_from=NOON - 99 * DAY,
        formula=EarningRuleVersion.Formula.LIKES,
        points=20,
        likes_factor=20,
        likes_max=200,
        **getattr(request, "param", {}),
    )


@pytest.fixture
def review(version):
    """Alice's photo review, paid 20 points when it was approved."""
    alice = cast.account("alice")
    review = Review.objects.create(
        code="rv-1",
        member=Member.objects.get(external_id="alice"),
        photos=2,
        approved_at=NOON,
        rewarded=20,
        next_like_check_at=WEEK,
    )
    cast.grant(
        alice, 20, expires_at=NOON + 900 * DAY, at=NOON, source=Lot.Source.REVIEW, review=review, rule_version=version
    )
    return review


def like(review, number, *, weight=100, at=NOON + DAY, first=0):
    ReviewLike.objects.bulk_create(
        ReviewLike(review=review, by=f"fan-{first + n}", at=at, weight=weight) for n in range(number)
    )


def available():
    return Wallet.objects.get(member__external_id="alice").account.available


@pytest.mark.parametrize(
    ("number", "reward"), [(0, 20), (1, 40), (2, 51), (3, 60), (7, 80), (15, 100), (511, 200), (2000, 200)]
)
def test_a_review_grows_with_the_logarithm_of_its_likes(review, number, reward):
    like(review, number)

    likes.count(WEEK, WEEK)

    review.refresh_from_db()
    assert (review.rewarded, review.likes_counted, available()) == (reward, number, reward)


def test_only_what_was_not_paid_before_is_paid(review):
    like(review, 3)
    likes.count(WEEK, WEEK)
    like(review, 4, at=WEEK + DAY, first=100)

    run = likes.count(NOON + 30 * DAY, NOON + 30 * DAY)

    assert available() == 80
    assert run.counts == {"reviews": 1, "points": 20}
    review.refresh_from_db()
    assert review.next_like_check_at is None


def test_the_next_day_of_counting_is_set(review):
    likes.count(WEEK, WEEK)

    review.refresh_from_db()
    assert review.next_like_check_at == NOON + 30 * DAY


def test_likes_without_weight_pay_nothing(review):
    like(review, 50, weight=0)
    like(review, 3, weight=40, first=100)

    likes.count(WEEK, WEEK)

    assert available() == 40  # 120 % of a like is one like


def test_likes_count_only_once_their_day_has_come(review):
    like(review, 3)

    likes.count(WEEK - DAY.resolution, WEEK)

    assert available() == 20


def test_running_it_twice_changes_nothing(review):
    like(review, 3)
    likes.count(WEEK, WEEK)
    likes.count(WEEK, WEEK)
    likes.count(WEEK + DAY, WEEK + DAY)

    assert available() == 60
    assert Fact.objects.filter(topic="review.rewarded").count() == 1


@pytest.mark.parametrize("version", [{"cap_day": 25}], indirect=True)
def test_the_cap_of_the_rule_holds_and_what_it_cost_is_remembered(review):
    like(review, 7)

    likes.count(WEEK, WEEK)

    assert available() == 45
    shortfall = Shortfall.objects.get()
    assert (shortfall.computed, shortfall.granted, shortfall.reason) == (60, 25, Shortfall.Reason.CAP_DAY)


def test_a_removed_review_is_paid_nothing(review):
    like(review, 7)
    Review.objects.update(status=Review.Status.REMOVED)

    likes.count(WEEK, WEEK)

    assert available() == 20


def test_a_member_who_left_is_paid_nothing(review):
    like(review, 7)
    Member.objects.filter(external_id="alice").update(status=Member.Status.CLOSED, closed_at=NOON)

    likes.count(WEEK, WEEK)

    assert available() == 20
    review.refresh_from_db()
    assert review.next_like_check_at == NOON + 30 * DAY


def test_the_member_is_told(review):
    like(review, 3)

    likes.count(WEEK, WEEK)

    fact = Fact.objects.get(topic="review.rewarded")
    assert (fact.key, fact.payload) == ("alice", {"review": "rv-1", "points": 40, "likes": 3})
    assert Fact.objects.get(topic="points.earned").payload["reference"] == "review:rv-1/likes"
