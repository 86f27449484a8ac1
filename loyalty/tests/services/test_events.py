"""Events that operators define, and bad input of every kind: a clear refusal, and nothing changed."""

import pytest
from django.apps import apps

from common.problems import InvalidInput
from common.services import inbox
from loyalty.models import CustomEventType, Lot
from loyalty.services import customs
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import NOON, a_rule, balance, event, give, line, order, send, send_all

pytestmark = pytest.mark.django_db

QUIZ = {
    "type": "object",
    "properties": {"score": {"type": "integer", "minimum": 0, "maximum": 100}, "channel": {"type": "string"}},
    "required": ["score"],
}


@pytest.fixture
def _quiz():
    CustomEventType.objects.create(name="app.quiz_finished", schema=QUIZ)
    a_rule(
        "quiz",
        event_type="app.quiz_finished",
        formula="fixed",
        points=30,
        cap_day=60,
        conditions=[("order.custom", "at_least", "80", "score")],
    )


@pytest.mark.usefixtures("_quiz")
def test_an_event_the_operators_defined_earns_by_their_rules():
    answers = [send("app.quiz_finished", score=score) for score in (80, 79, 100, 100)]
    assert [answer["effects"]["points"]["earned"] for answer in answers] == [30, 0, 30, 0]
    assert_proven()


@pytest.mark.usefixtures("_quiz")
def test_data_that_does_not_fit_the_schema_is_pointed_at():
    for data, pointer in [({"score": "80"}, "/data/score"), ({}, "/data"), ({"score": 101}, "/data/score")]:
        problem = send("app.quiz_finished", **data)["problem"]
        assert (problem["code"], problem["errors"][0]["pointer"]) == ("invalid_input", pointer)
    bad = event("app.quiz_finished") | {"data": [1]}
    assert send_all([bad], NOON)[0]["problem"]["errors"][0]["pointer"] == "/data"
    assert not Lot.objects.exists()


@pytest.mark.usefixtures("_quiz")
def test_an_event_type_that_was_switched_off_is_unknown():
    CustomEventType.objects.update(is_active=False)
    assert send("app.quiz_finished", score=80)["problem"]["code"] == "unknown_event_type"


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "#/nowhere"},
        {"type": "nonsense"},
        {"properties": {"a": {"pattern": "("}}},
    ],
)
def test_a_schema_that_is_broken_refuses_its_own_events_and_no_others(schema):
    CustomEventType.objects.create(name="app.broken", schema=schema)
    a_rule("base")
    broken, good = send_all([event("app.broken", a="x"), event("order.completed", **order())], NOON)
    assert broken["status"] == "rejected"
    assert good["status"] == "applied"


def test_what_is_no_schema_is_refused_when_it_is_written():
    customs.check_schema(QUIZ)
    for schema in ({"type": "nonsense"}, {"required": "score"}):
        with pytest.raises(InvalidInput):
            customs.check_schema(schema)


def bad_lines():
    return [
        [],
        [line(1, -1)],
        [line(1, 10**13 + 1)],
        [line(1, 1.5)],
        [line(1, "100")],
        [line(1, True)],
        [line("", 100)],
        [line(1, quantity=0)],
        [line(1, points=-5)],
        [line(1, surprise=1)],
        [line(1, sku="x" * 101)],
        [line(n) for n in range(1001)],
    ]


@pytest.mark.parametrize("lines", bad_lines())
def test_bad_lines_are_refused_and_change_nothing(lines):
    a_rule("base")
    give(10)
    answer = send_all([event("order.completed", order="o-1", lines=lines)], NOON)[0]
    assert answer["problem"]["code"] == "invalid_input"
    assert answer["problem"]["errors"]
    assert balance().available == 10


@pytest.mark.parametrize(
    ("type", "data"),
    [
        ("order.completed", None),
        ("order.completed", []),
        ("order.refunded", {"order": "o-1", "refund": "r", "reason": "mood", "lines": [{"line": "1", "quantity": 1}]}),
        ("order.refunded", {"order": "o-1", "refund": "r", "reason": "defect", "lines": []}),
        ("order.refunded", {"order": "o-1", "refund": "r", "reason": "defect", "lines": [{"line": "1"}]}),
        (
            "order.refunded",
            {"order": "o-1", "refund": "r", "reason": "defect", "lines": [{"line": "1", "quantity": 1, "cash": 1}]},
        ),
        (
            "order.refunded",
            {"order": "o-1", "refund": "r", "reason": "defect", "lines": [{"line": "1", "quantity": 1}] * 2},
        ),
        ("review.approved", {"review": "v", "order": "o", "line": "1", "photos": -1}),
        ("member.logged_in", {"manual": "yes"}),
        ("order.cancelled", {}),
    ],
)
def test_bad_data_is_refused_and_leaves_no_row(type, data):
    a_rule("base")
    answer = inbox.receive([event(type) | {"data": data}], NOON)[0]
    assert answer["problem"]["code"] == "invalid_input"
    assert {model.__name__ for model in _of_events() if model.objects.exists()} <= set()


def _of_events():
    names = ("Order", "OrderLine", "Refund", "ParkedEvent", "Entry", "Lot", "Review", "Activity")
    return [apps.get_model("loyalty", name) for name in names]


def test_the_largest_orders_fit_and_what_does_not_is_refused_without_harm():
    a_rule("base", points=2**31 - 1, money_unit=1)
    small, huge = (
        event("order.completed", **order("o-1", line(1, 1))),
        event("order.completed", **order("o-2", line(1, 10**13))),
    )
    answers = send_all([small, huge], NOON)
    assert [answer["status"] for answer in answers] == ["applied", "rejected"]
    assert balance().available == 2**31 - 1
    assert_proven()


def test_an_event_without_a_subject_names_nobody():
    answer = inbox.receive([event("order.completed", "", **order())], NOON)[0]
    assert answer["problem"]["code"] == "unknown_member"
