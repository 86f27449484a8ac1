"""Reviews and likes: the gates, honest likes, and what is taken back (domain.md F13, E35–E42)."""

import datetime as dt

import pytest
from django.contrib import admin

from loyalty.admin.reviews import LikeInline
from loyalty.models import Lot, Review, ReviewLike, Shortfall
from loyalty.services import likes
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, a_rule, balance, event, give, line, order, send, send_all, set_programme
from members.services import members

pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _rules():
    a_rule("review", event_type="review.approved", formula="likes", points=20)
    set_programme(like_check_days=[7, 30])


def bought(code="o-1", *lines, subject="alice", at=NOON):
    send("order.completed", subject, at, **order(code, *(lines or [line(1, 2000)])))


def review(code="v-1", order="o-1", number=1, subject="alice", at=NOON, photos=1):
    return send("review.approved", subject, at, review=code, order=order, line=str(number), photos=photos)


def rewarded(answer):
    return answer["effects"]["points"]["earned"], answer.get("reason", "")


@pytest.mark.parametrize(
    ("bought_line", "expected"),
    [
        (line(1, 2000), (20, "")),
        (line(1, 1999), (0, "price_gate")),
        (line(1, 4000, quantity=2), (20, "")),
        (line(1, 3999, quantity=2), (0, "price_gate")),
        (line(1, 1000, points=1000), (20, "")),
        (line(1, 1900, discount=5000), (0, "price_gate")),
    ],
)
def test_the_discounted_unit_price_is_at_least_twenty_yuan(bought_line, expected):
    give(1000)
    bought("o-1", bought_line)
    assert rewarded(review()) == expected
    assert_proven()


@pytest.mark.parametrize(("after", "expected"), [(90 * DAY, (20, "")), (90 * DAY + SECOND, (0, "too_late"))])
def test_ninety_days_are_left_to_review(after, expected):
    bought()
    assert rewarded(review(at=NOON + after)) == expected


@pytest.mark.parametrize(("after", "expected"), [(15 * DAY, (0, "repeated")), (16 * DAY, (20, ""))])
def test_the_same_product_is_rewarded_again_after_more_than_fifteen_days(after, expected):
    bought("o-1")
    bought("o-2")
    assert rewarded(review()) == (20, "")
    assert rewarded(review("v-2", "o-2", at=NOON + after)) == expected


def test_the_same_product_is_rewarded_once_within_a_batch_and_for_an_order_of_the_batch():
    bought("o-1")
    review()
    batch = [
        event("order.completed", **order("o-2", line(1, 2000))),
        event("review.approved", review="v-2", order="o-2", line="1"),
        event("order.completed", **order("o-3", line(2, 2000))),
        event("review.approved", review="v-3", order="o-3", line="2"),
        event("review.approved", review="v-4", order="o-3", line="2"),
    ]
    reasons = [answer.get("reason", "") for answer in send_all(batch, NOON)]
    assert reasons == ["", "repeated", "", "", "repeated"]


def test_what_was_not_bought_by_this_account_is_refused_and_named():
    bought()
    assert rewarded(review("v-1", order="o-9")) == (0, "not_purchased")
    assert rewarded(review("v-2", number=9)) == (0, "not_purchased")
    assert rewarded(review("v-3", subject="charlie")) == (0, "not_purchased")
    send("order.paid", **order("o-2", line(5, 9000)))
    assert rewarded(review("v-4", order="o-2", number=5)) == (0, "not_purchased")
    assert set(Shortfall.objects.values_list("reason", "granted")) == {("not_purchased", 0)}


def refund(quantity=1):
    lines = [{"line": "1", "quantity": quantity}]
    return send("order.refunded", order="o-1", refund=f"r-{quantity}", reason="no_reason", lines=lines)


def test_a_refunded_item_cannot_be_reviewed_and_its_review_loses_the_reward():
    bought("o-1", line(1, 4000, quantity=2))
    review()
    refund(1)
    assert balance().available == 20
    send("order.refunded", order="o-1", refund="r-b", reason="defect", lines=[{"line": "1", "quantity": 1}])
    assert balance().available == 0
    assert Review.objects.get().status == "removed"
    assert rewarded(review("v-2")) == (0, "refunded")
    assert_proven()


def test_a_review_and_the_refund_of_its_item_in_one_batch():
    bought()
    batch = [
        event("review.approved", review="v-1", order="o-1", line="1"),
        event("order.refunded", order="o-1", refund="r", reason="defect", lines=[{"line": "1", "quantity": 1}]),
    ]
    send_all(batch, NOON)
    assert balance().available == 0
    assert_proven()


def test_a_removed_review_gives_its_reward_back_once_and_keeps_its_history():
    bought("o-1")
    bought("o-2")
    review()
    give(-20)
    assert send("review.removed", review="v-1")["effects"]["points"] == {"clawed_back": 0, "debt": 20}
    assert send("review.removed", review="v-1")["reason"] == "review_already_removed"
    assert rewarded(review("v-2", "o-2")) == (0, "repeated")
    assert send("review.removed", "charlie", review="v-2")["problem"]["code"] == "unknown_review"
    assert_proven()


def test_the_same_review_told_twice_counts_once():
    bought()
    review()
    assert send("review.approved", review="v-1", order="o-1", line="1")["reason"] == "review_already_known"
    assert balance().available == 20


def like(by, code="v-1", subject="alice", at=NOON + DAY, **data):
    return send("review.liked", subject, at, review=code, by=by, **data)["effects"]["like"]["reason"]


def liker(name, since=NOON - 30 * DAY):
    send("order.completed", name, since, **order(f"o-{name}", line(1, 100)))


def test_only_honest_likes_count():
    bought()
    review()
    liker("bob")
    liker("dora")
    liker("young", since=NOON - 5 * DAY)
    give(1, "window-shopper", at=NOON - 30 * DAY)
    assert like("bob", device="d-1") == ""
    assert like("dora", device="d-1") == "same_device"
    assert like("alice") == "own_review"
    assert like("young") == "account_too_young"
    assert like("window-shopper") == "never_bought"
    assert like("nobody") == "not_a_member"
    again = send("review.liked", "alice", NOON + DAY, review="v-1", by="bob")
    assert again["reason"] == "already_liked"
    assert sum(ReviewLike.objects.values_list("weight", flat=True)) == 100


def test_an_author_cannot_like_under_a_name_that_was_merged():
    liker("old")
    liker("alice")
    bought(subject="alice")
    review()
    members.merge("old", "alice", NOON)
    assert like("alice", subject="old") == "own_review"
    assert like("old") == "not_a_member"


def test_one_person_may_like_two_reviews_of_one_batch():
    bought("o-1", line(1, 2000), line(2, 2000))
    liker("bob")
    batch = [event("review.approved", review=f"v-{n}", order="o-1", line=str(n)) for n in (1, 2)]
    batch += [event("review.liked", review=f"v-{n}", by="bob") for n in (1, 2)]
    assert {answer["status"] for answer in send_all(batch, NOON)} == {"applied"}


@pytest.mark.parametrize(("honest", "expected"), [(0, 20), (1, 40), (3, 60), (7, 80)])
def test_likes_pay_after_the_hold_and_never_less(honest, expected):
    bought()
    review()
    for number in range(honest):
        liker(f"m-{number}")
        like(f"m-{number}")
    likes.count(NOON + 6 * DAY, NOON + 6 * DAY)
    assert balance().available == 20
    likes.count(NOON + 7 * DAY, NOON + 7 * DAY)
    assert balance(at=NOON + 7 * DAY).available == expected
    likes.count(NOON + 30 * DAY, NOON + 30 * DAY)
    assert balance(at=NOON + 30 * DAY).available == expected
    send("review.removed", at=NOON + 31 * DAY, review="v-1")
    assert balance(at=NOON + 31 * DAY).available == 0
    assert_proven()


def test_after_a_merge_the_reward_of_a_review_is_still_found():
    from loyalty.services import transfers
    from members.models import Member

    bought()
    review()
    give(5, "bob")
    members.merge("alice", "bob", NOON)
    transfers.merge(Member.objects.get(external_id="alice"), Member.objects.get(external_id="bob"), NOON)
    assert send("review.removed", "bob", review="v-1")["effects"]["points"] == {"clawed_back": 20, "debt": 0}
    assert Lot.objects.get(source="merge").remaining == 0
    assert balance("bob").available == 5
    assert_proven()


def test_the_likes_of_a_review_are_listed_in_their_order(rf, admin_user):
    request = rf.get("/")
    request.user = admin_user
    assert LikeInline(Review, admin.site).get_queryset(request).ordered
