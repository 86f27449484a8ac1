"""Orders through the inbox: what they cost, what they earn, and what they do when told twice, late or wrongly."""

import itertools
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from common.services import inbox
from loyalty.models import Lot, Order, ParkedEvent, Segment, Standing, Tier
from loyalty.services import rules
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import (
    DAY,
    NOON,
    a_rule,
    balance,
    event,
    give,
    line,
    order,
    send,
    send_all,
    set_programme,
)
from members.models import Member, Plan, Subscription
from members.services import members

pytestmark = pytest.mark.django_db


def earned(*lines, code="o-1", subject="alice", at=NOON, **data):
    return send("order.completed", subject, at, **order(code, *lines, **data))["effects"]["points"]["earned"]


def refund(number=1, order="o-1", code="r-1", quantity=1, **more):
    lines = [{"line": str(number), "quantity": quantity}]
    return {"order": order, "refund": code, "reason": "no_reason", "lines": lines} | more


# What rules are told ------------------------------------------------------------------------------------------


def test_only_cash_earns_and_neither_points_nor_freight_do():
    a_rule("base")
    give(1000)
    assert earned(line(1, 9000, points=1000), freight=1500) == 90


def test_virtual_lines_can_be_left_out():
    a_rule("goods", conditions=[("line.virtual", "is", "no")])
    assert earned(line(1, 5000), line(2, 5000, virtual=True)) == 50


def test_a_first_order_is_first_once_also_within_a_batch():
    a_rule("first", formula="fixed", points=500, conditions=[("order.first", "is", "yes")])
    batch = [event("order.completed", **order(f"o-{n}")) for n in range(3)]
    assert [answer["effects"]["points"]["earned"] for answer in send_all(batch, NOON)] == [500, 0, 0]
    assert earned(code="o-9") == 0
    assert earned(code="o-bob", subject="bob") == 500


def test_a_merged_member_gets_no_second_first_order():
    a_rule("first", formula="fixed", points=500, conditions=[("order.first", "is", "yes")])
    assert earned(subject="old") == 500
    give(1, "alice")
    members.merge("old", "alice", NOON)
    assert earned(code="o-2", subject="alice") == 0


def test_a_new_category_earns_on_its_lines_once():
    a_rule("new", points=10, conditions=[("line.new_category", "is", "yes")])
    assert earned(line(1, 1000, category="books"), line(2, 2000, category="toys")) == 300
    assert earned(line(1, 1000, category="books"), line(2, 500, category="food"), code="o-2") == 50


def test_tier_plan_and_segment_are_those_of_the_member():
    give(1)
    alice = Member.objects.get()
    a_rule("gold", points=2, conditions=[("member.tier", "is", "gold")])
    a_rule("plus", points=3, conditions=[("member.plan", "is", "plus")])
    a_rule("mothers", points=5, conditions=[("member.segment", "is", "mothers")])
    assert earned(line(1, 100), code="o-1") == 0
    Standing.objects.filter(member=alice).update(tier=Tier.objects.create(code="gold", name="Gold", rank=2))
    assert earned(line(1, 100), code="o-2") == 2
    plan = Plan.objects.create(code="plus", name="PLUS")
    Subscription.objects.create(member=alice, plan=plan, starts_at=NOON, ends_at=NOON + DAY)
    assert earned(line(1, 100), code="o-3") == 5
    assert earned(line(1, 100), code="o-4", at=NOON + DAY) == 2
    Segment.objects.create(code="mothers", name="Mothers").members.add(alice)
    assert earned(line(1, 100), code="o-5") == 10


def test_the_day_and_hour_are_those_of_the_programme():
    a_rule("sunday", conditions=[("time.weekday", "is", "7")])
    a_rule("night", points=10, conditions=[("time.of_day", "between", "00:00,05:59")])
    saturday_in_greenwich = (
        NOON.replace(day=1, month=3) - DAY + DAY * 13 / 24
    )  # 17:00 UTC = 01:00 on Sunday in Shanghai
    assert earned(at=saturday_in_greenwich) == 100 + 1000
    assert earned(at=NOON + DAY, code="o-2") == 0


def test_a_custom_attribute_of_the_order_decides():
    a_rule("green", conditions=[("order.custom", "is", "bike", "delivery")])
    assert earned(attributes={"delivery": "bike"}) == 100
    assert earned(attributes={"delivery": "van"}, code="o-2") == 0


def test_a_late_event_is_paid_by_the_version_that_was_in_force_when_it_happened():
    a_rule("base", points=1)
    a_rule("base", points=5, effective_from=NOON)
    late = event("order.completed", at=NOON - DAY, **order("o-1"))
    assert send_all([late], NOON + DAY)[0]["effects"]["points"]["earned"] == 100
    assert earned(code="o-2") == 500
    assert list(Lot.objects.order_by("pk").values_list("rule_version__number", flat=True)) == [1, 2]


def test_a_refund_re_tests_the_version_that_paid():
    a_rule("base", points=1)
    assert earned(line(1), line(2)) == 200
    a_rule("base", points=5, effective_from=NOON + DAY)
    answer = send("order.refunded", at=NOON + 2 * DAY, **refund())
    assert answer["effects"]["points"]["clawed_back"] == 100


def test_a_version_ends_when_it_says():
    a_rule("base", effective_until=NOON)
    assert earned(at=NOON - DAY / 10**6) == 100
    assert earned(at=NOON, code="o-2") == 0


def test_what_is_granted_too_late_has_expired_and_cannot_be_spent():
    a_rule("base", expiry="days", expiry_count=1)
    give(50, at=NOON)
    batch = [
        event("order.completed", at=NOON - 30 * DAY, **order("o-old")),
        event("order.completed", **order("o-new", line(1, 0, points=80))),
    ]
    answers = send_all(batch, NOON)
    assert answers[0]["effects"]["points"]["earned"] == 100
    assert answers[1]["effects"]["points"]["spent"] == 50
    assert balance().available == 0
    assert_proven()


def test_a_shop_whose_clock_runs_ahead_makes_nothing_pending():
    a_rule("base")
    ahead = NOON + DAY / 24 / 60
    answer = send_all([event("order.completed", at=ahead, **order())], NOON)[0]
    assert answer["effects"]["points"] == {"earned": 100, "pending": 0, "capped": []}
    assert balance().available == 100


def test_a_rule_that_cannot_be_read_keeps_no_other_from_paying():
    a_rule("base")
    a_rule("broken", conditions=[("order.cash", "at_least", "a lot")])
    assert earned() == 100


# Paid, completed, cancelled -----------------------------------------------------------------------------------


def test_an_order_that_is_paid_twice_or_completed_twice_counts_once():
    a_rule("base")
    give(1000)
    told = order("o-1", line(1, 9000, points=1000))
    assert send("order.paid", **told)["effects"]["points"] == {"spent": 1000}
    assert send("order.paid", **told)["reason"] == "order_already_paid"
    assert send("order.completed", **told)["effects"]["points"]["earned"] == 90
    assert send("order.completed", **told)["reason"] == "order_already_completed"
    assert send("order.paid", **told)["reason"] == "order_already_paid"
    assert balance().available == 90
    assert_proven()


def test_an_order_must_complete_with_the_lines_that_were_paid():
    send("order.paid", **order("o-1", line(1), line(2)))
    answer = send("order.completed", **order("o-1", line(1)))
    assert answer["problem"]["code"] == "order_lines_changed"
    assert Order.objects.get().status == "paid"


def test_the_order_of_another_member_is_refused_and_untouched():
    a_rule("base")
    send("order.paid", "alice", **order())
    for type, data in [
        ("order.completed", order()),
        ("order.refunded", refund()),
        ("order.cancelled", {"order": "o-1"}),
    ]:
        assert send(type, "charlie", **data)["problem"]["code"] == "order_of_another_member"
    assert Order.objects.get().status == "paid"
    assert balance("charlie").available == 0


def test_a_line_that_is_named_twice_is_pointed_at_and_leaves_no_trace():
    a_rule("base")
    batch = [
        event("order.completed", **order("o-1", line(1), line(1))),
        event("order.completed", **order("o-2", line(1))),
    ]
    bad, good = send_all(batch, NOON)
    assert [error["pointer"] for error in bad["problem"]["errors"]] == ["/data/lines/0/line", "/data/lines/1/line"]
    assert good["status"] == "applied"
    assert list(Order.objects.values_list("code", flat=True)) == ["o-2"]


def test_unknown_members_are_registered_or_refused_as_the_programme_says():
    assert send("order.completed", "new", **order())["status"] == "applied"
    set_programme(register_unknown_members=False)
    answer = send("order.completed", "stranger", **order("o-2"))
    assert answer["problem"]["code"] == "unknown_member"
    assert not Order.objects.filter(code="o-2").exists()


def test_a_member_who_has_left_earns_no_more():
    give(1)
    members.close("alice", NOON)
    assert send("order.completed", **order())["problem"]["code"] == "member_closed"


def test_a_merged_members_name_earns_for_the_other():
    a_rule("base")
    give(1, "old")
    give(1, "alice")
    members.merge("old", "alice", NOON)
    assert earned(subject="old") == 100
    assert balance("alice").available == 101


def test_cancelling_an_unknown_order_waits_for_it():
    a_rule("base")
    assert send("order.cancelled", order="o-1")["reason"] == "order_unknown"
    answer = send("order.completed", **order())
    assert answer["effects"]["parked"][0]["type"] == "order.cancelled"
    assert balance().available == 0
    assert ParkedEvent.objects.get().applied_at == NOON
    assert_proven()


def test_what_a_member_sent_waits_for_the_order_of_the_one_she_was_merged_into():
    a_rule("base")
    give(1, "bob")
    send("order.refunded", "alice", **refund())
    members.merge("alice", "bob", NOON)
    assert send("order.completed", "bob", **order())["effects"]["parked"][0]["points"]["clawed_back"] == 100
    assert send("order.refunded", "charlie", **refund(order="o-2"))["reason"] == "order_unknown"
    parked = send("order.completed", "bob", **order("o-2"))["effects"]["parked"]
    assert parked == [{"type": "order.refunded", "refused": "order_of_another_member"}]


def test_a_waiting_refund_that_does_not_fit_its_order_is_kept_with_the_reason():
    a_rule("base")
    send("order.refunded", **refund(7))
    answer = send("order.completed", **order())
    assert answer["effects"]["parked"] == [{"type": "order.refunded", "refused": "unknown_line"}]
    assert ParkedEvent.objects.get().refusal == "unknown_line"
    assert balance().available == 100


def test_a_batch_of_an_orders_whole_life_in_any_order_of_arrival():
    a_rule("base")
    give(1000)
    told = order("o-1", line(1, 9000, points=1000), line(2))
    life = [("order.paid", told), ("order.completed", told), ("order.refunded", refund())]
    for number, arrival in enumerate(itertools.permutations(life)):
        batch = [event(type, **(data | {"order": f"o-{number}"})) for type, data in arrival]
        answers = send_all(batch, NOON)
        assert {answer["status"] for answer in answers} <= {"applied", "ignored"}
        placed = Order.objects.get(code=f"o-{number}")
        assert (placed.status, placed.points_due) == ("completed", 100), arrival
    assert balance().available == 1000 + 6 * 100
    assert_proven()


# Refunds ------------------------------------------------------------------------------------------------------


def test_fixed_points_of_an_order_go_when_nothing_of_it_is_kept():
    a_rule("bonus", formula="fixed", points=50)
    assert earned(line(1), line(2)) == 50
    assert send("order.refunded", **refund(1))["effects"]["points"]["clawed_back"] == 0
    assert send("order.refunded", **refund(2, code="r-2"))["effects"]["points"]["clawed_back"] == 50


def test_an_exchange_takes_no_multiplied_points_though_a_cap_left_nothing_of_their_base():
    a_rule("base", cap_day=0)
    a_rule("double", formula="multiplier", multiplier_percent=200)
    assert earned(line(1), line(2)) == 200
    exchanged = send("order.refunded", **refund(1, reason="exchange"))
    assert exchanged["effects"]["points"]["clawed_back"] == 0
    assert send("order.refunded", **refund(1, code="r-2"))["effects"]["points"]["clawed_back"] == 100


def test_points_of_a_rule_that_can_no_longer_be_read_stay_until_nothing_is_kept():
    version = a_rule("base")
    assert earned(line(1), line(2)) == 200
    version.conditions.create(attribute="order.cash", operator="at_least", value="a lot")
    rules.changed()
    assert send("order.refunded", **refund(1))["effects"]["points"]["clawed_back"] == 0
    assert send("order.refunded", **refund(2, code="r-2"))["effects"]["points"]["clawed_back"] == 200
    assert_proven()


def test_what_was_taken_back_is_not_due_again_when_a_condition_holds_again():
    a_rule("even", conditions=[("order.cash", "multiple_of", "20000")])
    assert earned(line(1), line(2), line(3), line(4)) == 400
    taken = [send("order.refunded", **refund(n, code=f"r-{n}"))["effects"]["points"]["clawed_back"] for n in (1, 2, 3)]
    assert taken == [400, 0, 0]
    assert_proven()


def test_a_refund_after_a_merge_finds_the_pending_points_of_the_order():
    a_rule("late", available_after_days=7)
    give(1, "bob")
    assert earned(subject="alice") == 100
    _merge("alice", "bob")
    answer = send("order.refunded", "bob", **refund())
    assert answer["effects"]["points"] == {
        "clawed_back": 100,
        "restored": 0,
        "not_restored": 0,
        "cash_deduction": 0,
        "debt": 0,
    }
    assert (balance("bob").pending, balance("bob").available) == (0, 1)
    assert_proven()


def test_an_order_paid_before_and_completed_after_a_merge_is_given_back_whole():
    a_rule("base")
    give(1000, "alice")
    give(1, "bob")
    told = order("o-1", line(1, 9000, points=1000))
    send("order.paid", "alice", **told)
    _merge("alice", "bob")
    assert send("order.completed", "alice", **told)["effects"]["points"]["earned"] == 90
    answer = send("order.refunded", "alice", **refund())
    assert (answer["effects"]["points"]["clawed_back"], answer["effects"]["points"]["restored"]) == (90, 1000)
    assert balance("bob").available == 1001
    assert_proven()


def _merge(source, target):
    from loyalty.services import transfers

    members.merge(source, target, NOON)
    transfers.merge(Member.objects.get(external_id=source), Member.objects.get(external_id=target), NOON)


class TestPartialRefunds(TestCase):
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        lines=st.lists(st.tuples(st.integers(0, 9999), st.integers(1, 4), st.integers(0, 400)), min_size=1, max_size=3),
        rule=st.fixed_dictionaries(
            {
                "points": st.integers(1, 9),
                "money_unit": st.sampled_from([100, 700]),
                "money_step": st.sampled_from([1, 1000]),
                "min_cash": st.sampled_from([0, 3000]),
                "basis": st.sampled_from(["order", "line"]),
                "cap_order": st.none() | st.integers(0, 90),
            }
        ),
        data=st.data(),
    )
    def test_refunds_in_any_order_of_partial_amounts_sum_to_the_whole(self, lines, rule, data):
        a_rule("any", **rule)
        placed = [line(n, cash, quantity=units, points=points) for n, (cash, units, points) in enumerate(lines)]
        tendered = sum(points for _cash, _units, points in lines)
        give(tendered + 1)
        granted = earned(*placed, code="o-1")
        units = data.draw(st.permutations([n for n, (_cash, count, _points) in enumerate(lines) for _ in range(count)]))
        clawed = restored = 0
        for number, unit in enumerate(units):
            points = send("order.refunded", **refund(unit, code=f"r-{number}"))["effects"]["points"]
            clawed, restored = clawed + points["clawed_back"], restored + points["restored"]
        assert (clawed, restored) == (granted, tendered)
        assert balance().available == tendered + 1
        assert_proven()


# Cost ---------------------------------------------------------------------------------------------------------


_TABLE = re.compile(r"^(?:\d+ times: )?(SELECT|INSERT|UPDATE|COPY)\b.*?\b((?:common|loyalty|members)_\w+)", re.DOTALL)


def queries(events, at=NOON):
    """The statements that some events cost, as (verb, table); rows are inserted in one go or cut in pieces."""
    with CaptureQueriesContext(connection) as captured:
        answers = inbox.receive(events, at)
    assert {answer["status"] for answer in answers} == {"applied"}
    statements = [query["sql"] for query in captured if "nextval" not in query["sql"]]
    found = [match.groups() for match in map(_TABLE.match, statements) if match]
    found = [("INSERT" if verb == "COPY" else verb, table) for verb, table in found]
    return [now for before, now in zip([None, *found], found, strict=False) if now != before or now[0] == "SELECT"]


def test_one_order_costs_at_most_thirteen_queries_however_many_lots_there_are():
    a_rule("base")
    earned(code="o-0")
    few = queries([event("order.completed", **order())])
    for number in range(40):
        give(10, at=NOON + number * DAY / 1000)
        give(10, f"m-{number}")
    many = queries([event("order.completed", **order("o-2"))])
    assert few == many
    assert len(many) <= 13


def test_a_batch_costs_as_many_queries_whatever_its_size():
    a_rule("base", cap_month=10**6)
    a_rule("plus", points=2, conditions=[("member.plan", "is", "plus")])
    for name in range(100):
        give(1, f"m-{name}")

    def batch(size, start):
        return [event("order.completed", f"m-{n % 100}", **order(f"o-{start + n}")) for n in range(size)]

    queries(batch(5, 0))
    small, large = queries(batch(20, 100)), queries(batch(400, 1000))
    assert small == large
    assert len(large) <= 17


def test_a_batch_of_orders_paid_with_points_costs_as_many_queries_whatever_its_size():
    for name in range(100):
        give(100, f"m-{name}")

    def batch(some, start):
        return [event("order.completed", f"m-{n}", **order(f"o-{start + n}", line(1, 0, points=10))) for n in some]

    assert queries(batch(range(5), 0)) == queries(batch(range(100), 1000))


def test_a_batch_of_refunds_costs_as_many_queries_whatever_its_size():
    a_rule("base")
    names = [f"m-{n}" for n in range(60)]
    send_all([event("order.completed", name, **order(f"o-{name}", line(1), line(2))) for name in names], NOON)

    def batch(some):
        return [event("order.refunded", name, **refund(1, f"o-{name}")) for name in some]

    assert queries(batch(names[:10])) == queries(batch(names[10:]))
