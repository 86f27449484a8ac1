"""Members see every movement of their growth and by which coefficient it came (api.md; domain.md F1, S2-04, S2-05)."""

import pytest

from loyalty.models import Standing
from loyalty.tests.api.callers import shop
from loyalty.tests.stage import DAY, NOON, a_growth_policy, a_ladder, line, order, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def grown(alice):
    """Alice: 66 by an order, 5.5 by a log-in, 60.5 by an order; then a line of the first one is given back."""
    a_ladder()
    a_growth_policy()
    complete("o-1", 66_00)
    Standing.objects.update(coefficient_percent=110)
    send("member.logged_in", at=NOON + DAY)
    complete("o-2", 55_00, at=NOON + 2 * DAY)
    refund = {"refund": "r-1", "reason": "defect", "lines": [{"line": "1", "cash": 16_00}]}
    send("order.refunded", at=NOON + 3 * DAY, order="o-1", **refund)


def complete(code, cash, at=NOON):
    send("order.completed", at=at, **order(code, line(1, cash)))


def entries(client, query="", address="/api/v1/me/growth"):
    return client.get(f"{address}{query}").json()["results"]


def test_alice_sees_every_entry_newest_first(phone, alice, grown):
    found = entries(phone(alice))
    assert [(e["number"], e["kind"], e["criterion"], e["order"]) for e in found] == [
        (4, "reversal", "consumption", "o-1"),
        (3, "order", "consumption", "o-2"),
        (2, "login", "loyalty", None),
        (1, "order", "consumption", "o-1"),
    ]


def test_an_entry_says_what_the_coefficient_made_of_the_base(phone, alice, grown):
    login = entries(phone(alice), "?kind=login")[0]
    assert (login["base"], login["coefficient_percent"], login["due_hundredths"]) == (5, 110, 5_50)
    assert (login["change"], login["change_hundredths"]) == (5, 5_50)
    assert (login["balance"], login["balance_hundredths"]) == (71, 71_50)
    assert login["at"].endswith("Z")


def test_whole_changes_add_up_to_the_growth_that_is_shown(phone, alice, grown):
    client = phone(alice)
    found = entries(client)
    assert [e["change"] for e in found] == [-16, 61, 5, 66]
    assert sum(e["change"] for e in found) == client.get("/api/v1/me").json()["progress"]["growth"] == 116


def test_what_is_taken_back_keeps_the_coefficient_and_the_day_of_its_order(phone, alice, grown):
    back = entries(phone(alice), "?kind=reversal")[0]
    assert (back["base"], back["coefficient_percent"], back["occurred_on"]) == (-16, 100, "2026-03-01")


def test_growth_from_a_review_names_the_review(phone, alice, grown):
    send("review.approved", at=NOON + 4 * DAY, review="rv-1", order="o-2", line="1", photos=0)
    newest = entries(phone(alice))[0]
    assert (newest["kind"], newest["criterion"], newest["review"]) == ("review", "content", "rv-1")


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("?kind=order", [3, 1]),
        ("?criterion=loyalty", [2]),
        ("?occurred_from=2026-03-02", [3, 2]),
        ("?occurred_until=2026-03-01", [4, 1]),
        ("?occurred_from=2026-03-02&occurred_until=2026-03-02", [2]),
        ("?kind=window", []),
    ],
)
def test_entries_are_filtered(phone, alice, grown, query, numbers):
    assert [e["number"] for e in entries(phone(alice), query)] == numbers


@pytest.mark.parametrize("query", ["kind=magic", "criterion=beauty", "occurred_from=yesterday", "cursor=x"])
def test_a_filter_that_cannot_be_read_is_refused(phone, alice, grown, query):
    answer = phone(alice).get(f"/api/v1/me/growth?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{query.split('=')[0]}")


def test_entries_are_read_page_by_page(phone, alice, grown):
    client = phone(alice)
    first = client.get("/api/v1/me/growth?limit=3").json()
    assert [e["number"] for e in first["results"]] == [4, 3, 2]
    assert [e["number"] for e in client.get(first["next"]).json()["results"]] == [1]


def test_the_shop_sees_the_same_and_nobody_anothers(server, phone, alice, charlie, grown):
    theirs = entries(server, address="/api/v1/members/alice/growth")
    assert theirs == entries(phone(alice))
    assert entries(phone(charlie)) == []
    assert phone(charlie).get("/api/v1/members/alice/growth").status_code == 401
    assert server.get("/api/v1/members/nobody/growth").status_code == 404
    assert shop("writer", ["members:write"]).get("/api/v1/members/alice/growth").status_code == 403


def test_a_page_costs_as_many_queries_for_many_entries_as_for_few(phone, alice, grown, django_assert_num_queries):
    client = phone(alice)
    with django_assert_num_queries(2):
        client.get("/api/v1/me/growth?limit=1")
    with django_assert_num_queries(2):
        client.get("/api/v1/me/growth")
