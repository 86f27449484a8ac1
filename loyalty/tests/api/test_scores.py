import datetime as dt

import pytest

from loyalty.models import ScoreThreshold
from loyalty.tests.api.callers import shop
from loyalty.tests.ratings import a_policy, a_source, bought, logged_in, settlement

pytestmark = pytest.mark.django_db

D = dt.date


@pytest.fixture
def scored(alice):
    """Alice's March: 300 of shopping and two log-ins are settled, a third log-in is not."""
    a_policy(
        a_source("cash", 1, "consumption", cap_month=200),
        a_source("login", 10),
        a_source("phone", 20, "account"),
        consumption=(100, 5000),
        activity=(50, 100),
    )
    ScoreThreshold.objects.create(code="birthday", name="Birthday gift", value=201)
    ScoreThreshold.objects.create(code="plus", name="PLUS discount", value=310, is_strict=True)
    bought(alice, D(2025, 3, 5))
    bought(alice, D(2026, 2, 5), {"cash": 30_000})
    logged_in(alice, D(2026, 2, 5), D(2026, 2, 6), D(2026, 3, 2))
    settlement(D(2026, 3, 3))
    return alice


def test_a_member_sees_the_score_and_why(phone, scored):
    answer = phone(scored).get("/api/v1/me/score").json()

    assert (answer["provisional"], answer["counted_on"]) == (100 + 200 + 15, "2026-03-03")
    assert (answer["settled"], answer["month"]) == (100 + 200 + 10, "2026-03-01")
    consumption, activity, account = (
        next(row for row in answer["dimensions"] if row["code"] == code)
        for code in ("consumption", "activity", "account")
    )
    assert consumption == {
        "code": "consumption",
        "name": "Consumption",
        "provisional": 300,
        "settled": 300,
        "cap": 5000,
        "weight_percent": 100,
        "sources": [{"kind": "cash", "name": "Money paid in an order", "value": 300}],
    }
    assert (activity["provisional"], activity["settled"], activity["weight_percent"]) == (30, 20, 50)
    assert account["provisional"] == 0


def test_it_says_what_drops_out_and_what_is_missing_and_what_would_help(phone, scored):
    answer = phone(scored).get("/api/v1/me/score").json()

    assert answer["drops_out"] == {
        "on": "2026-04-02",
        "month": "2025-03-01",
        "score_without": 210,
        "sources": [{"kind": "cash", "name": "Money paid in an order", "value": 100}],
    }
    birthday, plus = answer["thresholds"]
    assert (birthday["least"], birthday["is_met"], birthday["missing"]) == (201, True, 0)
    assert plus == {"code": "plus", "name": "PLUS discount", "least": 311, "is_met": False, "missing": 1}
    assert answer["next"] == plus
    assert [(idea["kind"], idea["units"], idea["gain"]) for idea in answer["ideas"]] == [
        ("cash", 100, 100),
        ("phone", 1, 20),
        ("login", 1, 5),
    ]


def test_the_shop_sees_the_same(server, phone, scored):
    assert server.get("/api/v1/members/alice/score").json() == phone(scored).get("/api/v1/me/score").json()


def test_charlie_sees_his_own(phone, scored, charlie):
    answer = phone(charlie).get("/api/v1/me/score").json()
    assert (answer["provisional"], answer["settled"], answer["dimensions"], answer["drops_out"]) == (
        None,
        None,
        [],
        None,
    )
    assert [line["is_met"] for line in answer["thresholds"]] == [False, False]


def test_nobody_else_gets_in(client, server, scored):
    assert client.get("/api/v1/me/score").status_code == 401
    assert shop("writer", ["events:write"]).get("/api/v1/members/alice/score").status_code == 403
    assert server.get("/api/v1/members/nobody/score").status_code == 404


def test_the_history_does_not_cost_queries(phone, scored, django_assert_num_queries):
    with django_assert_num_queries(8):
        phone(scored).get("/api/v1/me/score")
