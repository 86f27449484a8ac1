"""Caps per day, month and member, budgets and purses: the excess is a row with its reason (domain.md E13, E31, E32)."""

import pytest

from loyalty.models import Account, Campaign, CapCounter, Lot, Shortfall
from loyalty.services import ledger
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, a_campaign, a_rule, balance, event, line, order, send, send_all

pytestmark = pytest.mark.django_db
FEBRUARY = NOON - 14 * DAY


def points(*lines, code="o-1", subject="alice", at=NOON):
    return send("order.completed", subject, at, **order(code, *lines))["effects"]["points"]


def shortfalls():
    return list(Shortfall.objects.order_by("pk").values_list("computed", "granted", "reason"))


def refund(code, at=NOON, cash=10000):
    data = {"order": code, "refund": "r", "reason": "defect", "lines": [{"line": "1", "cash": cash}]}
    return send("order.refunded", at=at, **data)


def a_purse(amount):
    purse = Account.objects.create(kind=Account.Kind.PURSE)
    with ledger.open_book([purse.pk], NOON) as book:
        book.grant(purse.pk, amount, source=Lot.Source.ADJUSTMENT, reference="bought", expires_at=NOON + 90 * DAY)
    return purse


@pytest.mark.parametrize(
    ("cap", "reason", "later"),
    [
        ("cap_day", "cap_day", DAY),
        ("cap_month", "cap_month", 31 * DAY),
        ("cap_quarter", "cap_quarter", 31 * DAY),
        ("cap_year", "cap_year", 306 * DAY),
        ("cap_member", "cap_member", None),
    ],
)
def test_the_excess_is_named_and_the_next_window_is_fresh(cap, reason, later):
    a_rule("base", **{cap: 150})
    assert points()["earned"] == 100
    second = points(code="o-2")
    assert (second["earned"], second["capped"][0]["reason"]) == (50, reason)
    assert points(code="o-3")["earned"] == 0
    assert shortfalls() == [(100, 50, reason), (100, 0, reason)]
    assert points(code="o-4", subject="bob")["earned"] == 100
    if later:
        assert points(code="o-5", at=NOON + later)["earned"] == 100
    assert_proven()


def test_beyond_the_caps_of_a_multiplier_the_ordinary_rate_goes_on():
    """PLUS gives tenfold, at most so much a month and a quarter; the rest of the line earns the ordinary rate (E32, C19)."""
    a_rule("base")
    a_rule("plus", formula="multiplier", multiplier_percent=1000, cap_month=1000, cap_quarter=1200, priority=-10)
    earned = [
        points(code=str(n), at=at)["earned"] for n, at in enumerate([FEBRUARY, FEBRUARY, NOON, NOON, NOON + 31 * DAY])
    ]
    # 100 + 900, then 100 + 100 that February has left; in March what the quarter has left; in April all again.
    assert earned == [1000, 200, 300, 100, 1000]
    assert_proven()


def test_a_cap_holds_within_a_batch_of_one_member():
    a_rule("base", cap_day=250)
    batch = [event("order.completed", **order(f"o-{n}")) for n in range(4)]
    assert [a["effects"]["points"]["earned"] for a in send_all(batch, NOON)] == [100, 100, 50, 0]


def test_a_day_ends_at_the_programmes_midnight():
    a_rule("base", cap_day=100)
    midnight = NOON.replace(hour=16)
    assert points(at=midnight - DAY / 10**6)["earned"] == 100
    assert points(code="o-2", at=midnight)["earned"] == 100


def test_a_multiplier_above_its_monthly_cap_leaves_the_ordinary_rate():
    a_rule("base")
    a_rule("plus", formula="multiplier", multiplier_percent=1000, cap_month=4000)
    assert points(line(1, 40000))["earned"] == 400 + 3600
    assert points(line(1, 40000), code="o-2")["earned"] == 400 + 400
    assert points(line(1, 40000), code="o-3")["earned"] == 400


def test_a_refund_returns_headroom_to_the_window_it_came_from_and_back_pays_nothing():
    a_rule("base", cap_month=250)
    points()
    points(line(1, 20000), code="o-2")
    assert balance().available == 250
    later = NOON + 40 * DAY
    points(code="o-april", at=later)
    refund("o-1", at=later)
    used = dict(CapCounter.objects.values_list("window", "used"))
    assert used == {"2026-03": 150, "2026-04": 100}
    assert balance(at=later).available == 250
    late = event("order.completed", at=NOON + DAY, **order("o-late", line(1, 20000)))
    assert send_all([late], later)[0]["effects"]["points"]["earned"] == 100
    assert_proven()


def test_the_cap_of_a_rule_is_shared_by_its_versions():
    a_rule("base", cap_member=150)
    points()
    a_rule("base", cap_member=150, points=2, effective_from=NOON + DAY)
    assert points(code="o-2", at=NOON + DAY)["earned"] == 50


def test_a_campaign_pays_within_its_time_and_budget():
    a_rule("spring", campaign=a_campaign(budget=150))
    assert points(at=NOON - 2 * DAY)["earned"] == 0
    assert points(code="o-2")["earned"] == 100
    assert points(code="o-3")["earned"] == 50
    assert points(code="o-4", at=NOON + DAY)["earned"] == 0
    assert shortfalls() == [(100, 50, "campaign_budget")]
    assert Campaign.objects.get().spent == 150
    assert_proven()


def test_two_rules_of_one_campaign_share_its_budget():
    campaign = a_campaign(budget=150)
    a_rule("one", campaign=campaign)
    a_rule("two", campaign=campaign)
    assert points()["earned"] == 150
    assert Campaign.objects.get().spent == 150
    assert_proven()


def test_a_batch_shares_one_budget_in_the_order_of_its_events():
    a_rule("spring", campaign=a_campaign(budget=250))
    batch = [event("order.completed", f"m-{n}", **order(f"o-{n}")) for n in range(4)]
    assert [a["effects"]["points"]["earned"] for a in send_all(batch, NOON)] == [100, 100, 50, 0]
    assert_proven()


def test_two_campaigns_share_the_purse_that_funds_them_both():
    purse = a_purse(150)
    a_rule("one", campaign=a_campaign("one", funder=purse))
    a_rule("two", campaign=a_campaign("two", funder=purse))
    assert points()["earned"] == 150
    purse.refresh_from_db()
    assert purse.available == 0
    assert shortfalls() == [(100, 50, "funder_empty")]
    assert set(Lot.objects.filter(account__kind="member").values_list("funder_id", flat=True)) == {purse.pk}
    assert_proven()


def test_a_stopped_campaign_pays_nothing_but_its_refunds_still_re_test_it():
    campaign = a_campaign(budget=1000)
    a_rule("spring", campaign=campaign)
    points(line(1), line(2))
    a_campaign("other", status="stopped")
    Campaign.objects.filter(pk=campaign.pk).update(status="stopped")
    assert refund("o-1")["effects"]["points"]["clawed_back"] == 100
    assert_proven()


def test_a_rule_capped_at_nothing_leaves_a_row_and_no_lot():
    a_rule("closed", cap_order=0)
    assert points()["earned"] == 0
    assert shortfalls() == [(100, 0, "cap_order")]
    assert not Lot.objects.exists()
