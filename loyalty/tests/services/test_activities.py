"""Log-ins, check-ins, shares and refused deliveries (domain.md E21, E25, E30)."""

import datetime as dt

import pytest

from loyalty.models import Activity, DeliveryRefusal, Shortfall
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, a_rule, balance, event, give, line, order, send, send_all
from members.services import members

pytestmark = pytest.mark.django_db
MIDNIGHT = NOON.replace(hour=16)  # in Shanghai
INSTANT = dt.timedelta(milliseconds=1)


def earned(answer):
    return answer["effects"]["points"]["earned"]


def test_a_log_in_counts_once_a_local_day():
    a_rule("login", event_type="member.logged_in", formula="fixed", points=5)
    assert earned(send("member.logged_in")) == 5
    assert send("member.logged_in", at=MIDNIGHT - INSTANT)["reason"] == "already_today"
    assert earned(send("member.logged_in", at=MIDNIGHT)) == 5
    assert balance().available == 10
    assert_proven()


def test_two_log_ins_in_one_batch_count_once():
    a_rule("login", event_type="member.logged_in", formula="fixed", points=5)
    batch = [event("member.logged_in", at=NOON + n * INSTANT) for n in range(3)]
    assert [answer["status"] for answer in send_all(batch, NOON + DAY)] == ["applied", "ignored", "ignored"]


def test_an_automatic_log_in_does_not_count_nor_spoil_the_day():
    a_rule("login", event_type="member.logged_in", formula="fixed", points=5)
    assert send("member.logged_in", manual=False)["reason"] == "automatic_login"
    assert earned(send("member.logged_in")) == 5
    assert Activity.objects.count() == 1


def test_each_kind_has_a_day_of_its_own():
    for number, type in enumerate(["logged_in", "checked_in", "shared"]):
        a_rule(type, event_type=f"member.{type}", formula="fixed", points=10**number)
        send(f"member.{type}")
    assert balance().available == 111


def test_a_streak_grows_by_the_day_and_breaks_with_a_gap():
    a_rule(
        "week",
        event_type="member.checked_in",
        formula="fixed",
        points=50,
        conditions=[("activity.streak", "multiple_of", "7")],
    )
    days = [*range(8), 9]
    answers = [send("member.checked_in", at=NOON + day * DAY) for day in days]
    assert [answer["effects"]["activity"]["streak"] for answer in answers] == [1, 2, 3, 4, 5, 6, 7, 8, 1]
    assert [earned(answer) for answer in answers] == [0] * 6 + [50, 0, 0]


def test_a_streak_grows_within_a_batch():
    batch = [event("member.checked_in", at=NOON + day * DAY) for day in range(3)]
    answers = send_all(batch, NOON + 9 * DAY)
    assert [answer["effects"]["activity"]["streak"] for answer in answers] == [1, 2, 3]


def test_points_for_check_ins_can_be_kept_to_the_app():
    a_rule("app", event_type="member.checked_in", formula="fixed", conditions=[("order.channel", "is", "app")])
    assert earned(send("member.checked_in", channel="app")) == 1
    assert earned(send("member.checked_in", "bob", channel="web")) == 0


@pytest.fixture
def _fines():
    a_rule(
        "month",
        event_type="delivery.refused",
        formula="penalty",
        points=500,
        conditions=[("refusals.month", "at_least", "2")],
    )
    a_rule(
        "year",
        event_type="delivery.refused",
        formula="penalty",
        points=500,
        conditions=[("refusals.year", "at_least", "4")],
    )


def refuse(number, at=NOON):
    send("order.paid", at=at, **order(f"o-{number}", line(1)))
    return send("delivery.refused", at=at, order=f"o-{number}")


@pytest.mark.usefixtures("_fines")
def test_the_second_refusal_of_a_month_and_the_fourth_of_a_year_are_fined():
    give(5000)
    months = [NOON + n * 40 * DAY for n in range(4)]
    fined = [refuse(n, at)["effects"]["points"].get("fined", 0) for n, at in enumerate(months)]
    assert fined == [0, 0, 0, 500]
    assert refuse("again", months[3])["effects"]["points"]["fined"] == 1000
    assert balance(at=months[3]).available == 3500
    assert_proven()


@pytest.mark.usefixtures("_fines")
def test_a_fine_takes_what_is_there_and_never_makes_a_debt():
    give(120)
    refuse(1)
    assert refuse(2)["effects"]["points"]["fined"] == 120
    assert (balance().available, balance().debt) == (0, 0)
    assert list(Shortfall.objects.values_list("computed", "granted", "reason")) == [(500, 120, "points_short")]
    assert "fined" not in refuse(3)["effects"]["points"]
    assert_proven()


@pytest.mark.usefixtures("_fines")
def test_a_fine_under_a_merged_name_sees_what_the_batch_has_earned():
    a_rule("base")
    give(1, "old")
    give(1)
    refuse(1)
    send("order.paid", **order("o-2", line(1)))
    members.merge("old", "alice", NOON)
    batch = [
        event("order.completed", "alice", **order("o-3")),
        event("delivery.refused", "old", order="o-2"),
    ]
    assert send_all(batch, NOON)[1]["effects"]["points"]["fined"] == 101
    assert balance().available == 0


@pytest.mark.usefixtures("_fines")
def test_a_refusal_counts_once_an_order_and_only_for_its_member():
    give(1000)
    refuse(1)
    assert send("delivery.refused", order="o-1")["reason"] == "already_refused"
    assert send("delivery.refused", order="o-9")["reason"] == "order_unknown"
    assert send("delivery.refused", "charlie", order="o-1")["reason"] == "order_unknown"
    assert DeliveryRefusal.objects.count() == 1
    assert balance().available == 1000
