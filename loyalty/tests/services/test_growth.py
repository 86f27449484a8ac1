"""Growth as events give and take it (domain.md F1, F11; E10, E12, E18, E25, E26, E30, E33, E44, E45)."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty.models import GrowthEntry, GrowthPolicy, Ladder, Standing, TierChange
from loyalty.services import transfers
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, a_growth_policy, a_ladder, event, line, order, send, send_all, standing
from members.models import Member
from members.services import members

pytestmark = pytest.mark.django_db

YEAR = 365 * DAY


@pytest.fixture
def jd():
    """JD's ladder and growth policy, in force for ever."""
    a_ladder()
    return a_growth_policy()


def complete(cash: int, code: str = "o-1", at: dt.datetime = NOON, subject: str = "alice", **values) -> dict:
    return send("order.completed", subject, at, **order(code, line(1, cash, **values)))["effects"]


def refund(code: str = "o-1", refund: str = "r-1", at: dt.datetime = NOON, **how) -> dict:
    how = how or {"quantity": 1}
    return send(
        "order.refunded", "alice", at, order=code, refund=refund, reason="no_reason", lines=[{"line": "1"} | how]
    )["effects"]


def test_an_order_gives_one_growth_per_yuan_and_says_the_tier(jd):
    effects = complete(66_60)
    assert effects["growth"] == {"added": 66}
    assert effects["tier"] == {"before": "registered", "after": "bronze"}
    assert complete(66_60, "o-2")["tier"] == {"before": "bronze", "after": "bronze"}
    assert standing().growth == 132_00


def test_without_a_ladder_and_a_policy_nothing_grows():
    assert complete(10_000)["growth"] == {"added": 0}
    assert not GrowthEntry.objects.exists()


def test_the_coefficient_multiplies_everything_and_fractions_are_kept(jd):
    complete(100_00)
    Standing.objects.update(coefficient_percent=110)
    assert complete(100_00, "o-2")["growth"] == {"added": 110}
    send("member.logged_in")
    assert GrowthEntry.objects.latest("seq").delta == 5_50
    assert standing().growth == (100 + 110) * 100 + 5_50


def test_jd_multiplies_shopping_only():
    a_ladder()
    a_growth_policy(scope=GrowthPolicy.Scope.SHOPPING)
    complete(100_00)
    Standing.objects.update(coefficient_percent=120)
    assert complete(100_00, "o-2")["growth"] == {"added": 120}
    assert send("member.logged_in")["effects"]["growth"] == {"added": 5}


def test_the_coefficient_in_force_is_stored_and_a_later_one_never_rewrites_it(jd):
    complete(100_00)
    Standing.objects.update(coefficient_percent=120)
    complete(100_00, "o-2")
    Standing.objects.update(coefficient_percent=0)
    assert refund("o-2")["growth"] == {"reversed": 120}
    assert [(e.base, e.percent, e.delta) for e in GrowthEntry.objects.order_by("seq")] == [
        (100, 100, 100_00),
        (100, 120, 120_00),
        (-100, 120, -120_00),
    ]


def test_a_coefficient_of_nothing_gives_nothing(jd):
    complete(100_00)
    Standing.objects.update(coefficient_percent=0)
    assert complete(100_00, "o-2")["growth"] == {"added": 0}


def test_small_orders_virtual_goods_and_excluded_categories_give_none():
    a_ladder()
    a_growth_policy(excluded_categories="gold, cards")
    assert complete(19_99)["growth"] == {"added": 0}
    assert complete(100_00, "o-2", virtual=True)["growth"] == {"added": 0}
    assert complete(100_00, "o-3", category="gold")["growth"] == {"added": 0}
    assert complete(20_00, "o-4")["growth"] == {"added": 20}


def test_each_stores_part_is_judged_by_itself(jd):
    effects = send(
        "order.completed",
        **order("o-1", line(1, 15_00, store="a"), line(2, 15_00, store="b"), line(3, 30_50, store="c")),
    )["effects"]
    assert effects["growth"] == {"added": 30}


def test_the_order_as_a_whole_is_judged_if_the_policy_says_so():
    a_ladder()
    a_growth_policy(by_store=False)
    effects = send("order.completed", **order("o-1", line(1, 15_50, store="a"), line(2, 15_50, store="b")))["effects"]
    assert effects["growth"] == {"added": 31}


def test_three_line_refunds_take_back_thirty_each(jd):
    send("order.completed", **order("o-1", line(1, 29_97), line(2, 29_97), line(3, 30_06)))
    assert standing().whole_growth == 90
    for number, expected in ((1, 30), (2, 30), (3, 30)):
        answer = send(
            "order.refunded",
            order="o-1",
            refund=f"r-{number}",
            reason="defect",
            lines=[{"line": str(number), "quantity": 1}],
        )
        assert answer["effects"]["growth"] == {"reversed": expected}
    assert standing().growth == 0
    assert_proven()


def test_a_refund_below_the_least_cash_takes_everything_back(jd):
    complete(50_00)
    assert refund(cash=31_00)["growth"] == {"reversed": 50}
    assert refund(refund="r-2", cash=19_00)["growth"] == {"reversed": 0}


def test_a_refund_told_twice_takes_back_once(jd):
    complete(100_00)
    refund(cash=30_00)
    again = send("order.refunded", order="o-1", refund="r-1", reason="no_reason", lines=[{"line": "1", "cash": 30_00}])
    assert again["status"] == "ignored"
    assert standing().whole_growth == 70


def test_a_refund_that_came_before_its_order_is_taken_off_when_it_arrives(jd):
    send("order.refunded", order="o-1", refund="r-1", reason="defect", lines=[{"line": "1", "cash": 40_00}])
    assert complete(100_00)["growth"] == {"added": 60}
    assert [e.kind for e in GrowthEntry.objects.order_by("seq")] == ["order", "reversal"]


def test_a_cancelled_order_leaves_no_growth(jd):
    complete(100_00)
    assert send("order.cancelled", order="o-1")["effects"]["growth"] == {"reversed": 100}


def test_log_ins_count_once_a_day_and_only_from_the_first_order(jd):
    assert send("member.logged_in")["effects"]["growth"] == {"added": 0}
    complete(100_00)
    assert send("member.logged_in", at=NOON + DAY)["effects"]["growth"] == {"added": 5}
    assert send("member.logged_in", at=NOON + DAY + dt.timedelta(hours=1))["status"] == "ignored"
    assert send("member.logged_in", at=NOON + 2 * DAY, manual=False)["status"] == "ignored"


def test_only_the_first_photo_reviews_of_a_product_give_more(jd):
    for number in range(7):
        name = f"m-{number}"
        complete(100_00, f"o-{number}", subject=name, sku="lamp")
        effects = send("review.approved", name, review=f"v-{number}", order=f"o-{number}", line="1", photos=2)[
            "effects"
        ]
        assert effects["growth"] == {"added": 40 if number < 5 else 20}


def test_the_review_of_a_returned_item_loses_its_growth(jd):
    complete(100_00)
    send("review.approved", review="v-1", order="o-1", line="1", photos=1)
    assert standing().whole_growth == 140
    assert refund(at=NOON + DAY)["growth"] == {"reversed": 140}
    assert standing().growth == 0
    assert_proven()


def test_a_removed_review_loses_its_growth(jd):
    complete(100_00)
    send("review.approved", review="v-1", order="o-1", line="1")
    assert send("review.removed", review="v-1")["effects"]["growth"] == {"reversed": 20}


def test_every_entry_says_which_criterion_it_serves(jd):
    complete(100_00)
    send("member.logged_in")
    send("review.approved", review="v-1", order="o-1", line="1", photos=1)
    assert list(GrowthEntry.objects.order_by("seq").values_list("kind", "criterion")) == [
        ("order", "consumption"),
        ("login", "loyalty"),
        ("review", "content"),
        ("photo", "content"),
    ]


def test_two_upgrades_in_one_event_are_one_change(jd):
    assert complete(35_000_00)["tier"] == {"before": "registered", "after": "diamond"}
    assert list(TierChange.objects.order_by("id").values_list("after__code", "reason")) == [
        ("registered", "joined"),
        ("diamond", "growth"),
    ]


@pytest.mark.parametrize(
    ("growth", "tier"),
    [(1_999, "bronze"), (2_000, "silver"), (9_999, "silver"), (10_000, "gold"), (29_999, "gold"), (30_000, "diamond")],
)
def test_exactly_at_a_threshold_is_enough(jd, growth, tier):
    assert complete(growth * 100)["tier"]["after"] == tier


def test_an_upgrade_is_valid_for_a_year_from_its_day(jd):
    complete(10_000_00)
    stands = standing()
    assert stands.tier_until == dt.datetime(2027, 2, 28, 16, tzinfo=dt.UTC) == stands.due_at


def test_a_refund_within_the_return_window_takes_the_upgrade_back(jd):
    complete(1_500_00)
    complete(600_00, "o-2")
    assert standing().tier.code == "silver"
    assert refund("o-2", at=NOON + 6 * DAY)["tier"] == {"before": "silver", "after": "bronze"}
    assert TierChange.objects.latest("id").reason == TierChange.Reason.REFUND


def test_a_refund_after_the_return_window_leaves_the_tier_until_its_review(jd):
    complete(2_100_00)
    assert refund(at=NOON + 7 * DAY)["tier"] == {"before": "silver", "after": "silver"}
    assert standing().growth == 0


def test_an_upgrade_by_a_log_in_is_not_provisional(jd):
    complete(1_998_00)
    send("member.logged_in", at=NOON + 8 * DAY)
    assert standing().tier.code == "silver"
    assert refund(at=NOON + 9 * DAY)["tier"]["after"] == "silver"


def test_growth_never_falls_below_nothing_and_the_entry_says_what_was_due(jd):
    complete(100_00)
    Standing.objects.update(growth=40_00)
    refund()
    entry = GrowthEntry.objects.latest("seq")
    assert (entry.asked, entry.delta, entry.balance_after) == (-100_00, -40_00, 0)


def test_a_batch_and_one_by_one_end_the_same(jd):
    told = [event("order.completed", "alice", NOON, **order(f"o-{n}", line(1, 700_00 + n))) for n in range(4)]
    told.append(
        event(
            "order.refunded",
            "alice",
            NOON,
            order="o-2",
            refund="r",
            reason="defect",
            lines=[{"line": "1", "quantity": 1}],
        )
    )
    answers = send_all(told, NOON)
    assert [a["effects"]["tier"]["after"] for a in answers] == ["bronze", "bronze", "silver", "silver", "silver"]
    assert standing().whole_growth == 2_100
    assert_proven()


def test_a_ladder_without_a_policy_still_knows_who_has_ordered():
    a_ladder()
    assert complete(100_00)["tier"] == {"before": "registered", "after": "bronze"}


def test_late_growth_outside_the_window_counts_for_nothing():
    a_ladder(decay=Ladder.Decay.WINDOW, window_months=12)
    a_growth_policy()
    send("order.completed", "alice", NOON - 2 * YEAR, received=NOON, **order("o-1", line(1, 100_00)))
    entry = GrowthEntry.objects.get()
    assert (entry.asked, entry.delta) == (100_00, 0)
    assert standing().growth == 0


# Members come and go -------------------------------------------------------------------------------------------------


def merge(source: str, target: str, at: dt.datetime = NOON) -> None:
    members.merge(source, target, at)
    giver, taker = (Member.objects.get(external_id=name) for name in (source, target))
    transfers.merge(giver, taker, at)


def test_growth_follows_a_merge_and_the_higher_tier_is_kept(jd):
    complete(2_500_00)
    complete(900_00, "o-2", subject="bob")
    merge("alice", "bob")
    assert (standing("alice").growth, standing("bob").whole_growth, standing("bob").tier.code) == (0, 3_400, "silver")
    assert_proven()


def test_a_refund_after_a_merge_is_taken_from_whom_the_growth_went_to(jd):
    complete(2_500_00)
    complete(900_00, "o-2", subject="bob")
    merge("alice", "bob")
    refund(at=NOON + 9 * DAY)
    assert standing("bob").whole_growth == 900
    assert_proven()


def test_an_unmerge_brings_back_what_is_left_of_the_growth(jd):
    complete(2_500_00)
    complete(900_00, "o-2", subject="bob")
    merge("alice", "bob")
    source, target = Member.objects.get(external_id="alice"), Member.objects.get(external_id="bob")
    members.unmerge("alice", NOON + DAY)
    transfers.unmerge(source, target, NOON + DAY)
    assert (standing("alice").whole_growth, standing("bob").whole_growth) == (2_500, 900)
    assert standing("alice").tier.code == "silver"
    assert_proven()


def test_who_leaves_leaves_the_growth(jd):
    complete(2_500_00)
    members.close("alice", NOON + DAY)
    transfers.close(Member.objects.get(), NOON + DAY)
    assert standing().growth == 0
    assert GrowthEntry.objects.latest("seq").kind == GrowthEntry.Kind.CLOSE
    assert_proven()


# In whatever order it is told ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["order.completed", "member.logged_in"])
def test_a_log_in_from_before_the_first_order_never_counts(jd, first):
    told = {
        "order.completed": event("order.completed", at=NOON, **order()),
        "member.logged_in": event("member.logged_in", at=NOON - 2 * DAY),
    }
    for name in (first, *(told.keys() - {first})):
        send_all([told[name]], NOON)
    assert standing().whole_growth == 100


def test_a_late_order_may_be_the_first_one(jd):
    complete(100_00)
    complete(100_00, "o-0", NOON - 5 * DAY)
    assert standing().ordered_at == NOON - 5 * DAY


def test_a_late_smaller_upgrade_does_not_shorten_the_return_window(jd):
    complete(2_100_00)
    send("order.completed", "alice", NOON - 3 * DAY, received=NOON + DAY, **order("o-2", line(1, 8_000_00)))
    assert standing().tier.code == "gold"
    assert refund(at=NOON + 6 * DAY)["tier"] == {"before": "gold", "after": "silver"}


def test_a_policy_published_for_the_past_does_not_change_what_a_refund_takes(jd):
    complete(100_00)
    a_growth_policy(money_unit=1_000, effective_at=NOON - DAY)
    assert refund(cash=50_00)["growth"] == {"reversed": 50}


def test_who_has_no_standing_gets_one_with_the_next_event(jd):
    complete(100_00)
    GrowthEntry.objects.all()._raw_delete("default")
    TierChange.objects.all()._raw_delete("default")
    Standing.objects.all().delete()
    complete(50_00, "o-2")
    assert (standing().whole_growth, standing().tier.code) == (50, "bronze")


def test_what_has_faded_is_not_the_events_doing():
    a_ladder(decay=Ladder.Decay.HALF_LIFE, half_life_days=100)
    a_growth_policy()
    complete(4_000_00)
    assert complete(100_00, "o-2", NOON + 25 * DAY)["growth"] == {"added": 100}
    assert standing().whole_growth < 4_000
