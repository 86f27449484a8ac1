import datetime as dt

import pytest
from django.utils import timezone

from common.services import inbox
from loyalty.models import Shortfall
from loyalty.services import ledger
from loyalty.tests.api.callers import grant, one_point_per_yuan

pytestmark = pytest.mark.django_db


def complete(order, cash, at):
    (result,) = inbox.receive(
        [
            {
                "specversion": "1.0",
                "id": f"{order}-completed",
                "source": "/shop",
                "type": "order.completed",
                "time": at.isoformat(),
                "subject": "alice",
                "data": {"order": order, "lines": [{"line": "1", "sku": "s", "cash": cash}]},
            }
        ],
        at,
    )
    assert result["status"] == "applied", result


@pytest.mark.parametrize("caller", ["alice", "server"])
def test_every_point_is_explained_with_rule_order_and_draws(phone, server, alice, caller):
    one_point_per_yuan()
    now = timezone.now()
    complete("o-1", 12300, now)
    account = alice.wallet.account
    with ledger.open_book([account.pk], now) as book:
        book.take(account.pk, 23, kind="redeem", contra="redeemed", reference="order:o-2")

    who, address = (
        (server, "/api/v1/members/alice/explain") if caller == "server" else (phone(alice), "/api/v1/me/points/explain")
    )
    (row,) = who.get(address).json()["results"]
    lot = row["lot"]
    assert row["shortfall"] is None
    assert lot["rule"] == {"code": "basic", "name": "One point per yuan", "version": 1, "campaign": None}
    assert (lot["order"], lot["line"], lot["funder"]) == ("o-1", "1", "platform")
    assert (lot["earned"], lot["remaining"], lot["pending"]) == (123, 100, False)
    (draw,) = lot["draws"]
    assert (draw["number"], draw["kind"], draw["points"], draw["reference"]) == (2, "redeem", 23, "order:o-2")


def test_what_was_capped_stands_beside_what_was_given(phone, alice):
    one_point_per_yuan(cap_order=50)
    complete("o-1", 12300, timezone.now())
    lot, shortfall = phone(alice).get("/api/v1/me/points/explain").json()["results"]
    if lot["lot"] is None:
        lot, shortfall = shortfall, lot
    assert lot["lot"]["earned"] == 50
    assert (shortfall["shortfall"]["computed"], shortfall["shortfall"]["granted"]) == (123, 50)
    assert (shortfall["shortfall"]["reason"], shortfall["shortfall"]["text"]) == ("cap_order", "Cap per order")
    assert shortfall["shortfall"]["rule"]["code"] == "basic"


def mixed(owner, count):
    """Lots and shortfalls in turn, several of them at the same instant; newest first: what they say."""
    start = timezone.now() - dt.timedelta(days=10)
    for number in range(count):
        at = start + dt.timedelta(hours=number // 3)
        account = grant(owner, number + 1, at=at)
        Shortfall.objects.create(
            account=account, reference=f"s{number}", computed=9, granted=0, reason="cap_day", at=at
        )


def told(page):
    return [
        str(row["lot"]["earned"]) if row["lot"] else row["shortfall"]["reference"] for row in page.json()["results"]
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_neither_skip_nor_repeat_forwards_and_backwards(phone, alice, limit):
    mixed(alice, 8)
    me = phone(alice)
    everything = told(me.get("/api/v1/me/points/explain?limit=200"))
    assert len(everything) == len(set(everything)) == 16

    address, forwards, pages = f"/api/v1/me/points/explain?limit={limit}", [], []
    while address:
        page = me.get(address)
        forwards += told(page)
        pages.append(told(page))
        last, address = page, page.json()["next"]
    assert forwards == everything

    address = last.json()["previous"]
    backwards = [pages[-1]]
    while address:
        page = me.get(address)
        backwards.insert(0, told(page))
        address = page.json()["previous"]
    assert [row for page in backwards for row in page] == everything


def test_a_page_costs_the_same_for_many_lots(phone, alice, django_assert_max_num_queries):
    mixed(alice, 30)
    with django_assert_max_num_queries(5):
        phone(alice).get("/api/v1/me/points/explain?limit=50")


@pytest.mark.parametrize(
    "query", ["cursor=rubbish", "cursor=WzEsMl0=", "limit=0", "limit=201", "limit=x", "limit=%C2%B2"]
)
def test_bad_parameters_are_refused(phone, alice, query):
    answer = phone(alice).get(f"/api/v1/me/points/explain?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


def test_somebody_without_points_has_nothing_to_explain(server, alice):
    assert server.get("/api/v1/members/alice/explain").json() == {"next": None, "previous": None, "results": []}
    assert server.get("/api/v1/members/nobody/explain").status_code == 404
