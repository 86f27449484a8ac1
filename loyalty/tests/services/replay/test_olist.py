from itertools import pairwise
from pathlib import Path

import pytest
from django.conf import settings

from loyalty.services.replay import olist

REAL = Path(settings.BASE_DIR).parent / "shared/data/olist"
TABLES = {
    "customers": ["c1,alice,01000,sao paulo,SP", "c2,bob,02000,rio,RJ", "c3,alice,01000,sao paulo,SP"],
    "orders": [
        "o1,c1,delivered,2018-01-01 10:00:00,2018-01-01 11:00:00,2018-01-02 10:00:00,2018-01-05 23:30:00,2018-01-20 00:00:00",
        "o2,c2,canceled,2018-01-02 10:00:00,2018-01-02 11:00:00,,,2018-01-10 00:00:00",
        "o3,c3,shipped,2018-01-03 10:00:00,2018-01-03 11:00:00,2018-01-04 10:00:00,,2018-01-20 00:00:00",
    ],
    "items": [
        "o1,1,p1,s1,2018-01-03 00:00:00,10.00,3.00",
        "o1,2,p1,s1,2018-01-03 00:00:00,10.00,3.00",
        "o1,3,p2,s2,2018-01-03 00:00:00,9.99,1.50",
        "o2,1,p2,s2,2018-01-03 00:00:00,9.99,1.50",
        "o3,1,p2,s2,2018-01-03 00:00:00,9.99,1.50",
    ],
    "payments": ["o1,1,voucher,1,10.00", "o1,2,credit_card,1,27.49", "o2,1,boleto,1,11.49", "o3,1,boleto,1,11.49"],
    "products": ["p1,beleza_saude,1,1,1,1,1,1,1", "p2,pc_gamer,1,1,1,1,1,1,1"],
    "category_translation": ["beleza_saude,health_beauty"],
    "reviews": ["r1,o1,5,2018-01-06 00:00:00,2018-01-07 12:00:00", "r1,o3,1,2018-01-06 00:00:00,2018-01-08 12:00:00"],
}


@pytest.fixture
def reader(tmp_path):
    for name, rows in TABLES.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(["header", *rows]))
    return olist.Reader(tmp_path)


def test_events_come_in_time_order_with_one_person_for_several_customer_numbers(reader):
    told = [(e["type"], e["subject"], e["time"]) for e in reader.events()]
    assert told == [
        ("order.paid", "bob", "2018-01-02T13:00:00Z"),
        ("order.completed", "alice", "2018-01-06T01:30:00Z"),
        ("review.approved", "alice", "2018-01-07T14:00:00Z"),
        ("review.approved", "alice", "2018-01-08T14:00:00Z"),
        ("order.cancelled", "bob", "2018-01-10T02:00:00Z"),
    ]


def test_units_are_gathered_by_product_and_seller_and_vouchers_reduce_the_cash(reader):
    data = next(e["data"] for e in reader.events() if e["type"] == "order.completed")
    assert data["freight"] == 750
    lines = [(x["store"], x["category"], x["quantity"], x["cash"], x["discount"]) for x in data["lines"]]
    # 10.00 of vouchers over 20.00 and 9.99: 6.67 and 3.33 by largest remainder.
    assert lines == [("s1", "health_beauty", 2, 1333, 667), ("s2", "pc_gamer", 1, 666, 333)]


def test_a_review_id_that_names_two_orders_is_two_reviews(reader):
    reviews = [e["data"]["review"] for e in reader.events() if e["type"] == "review.approved"]
    assert reviews == ["r1-o1", "r1-o3"]


def test_an_order_that_never_arrived_is_counted_and_not_told(reader):
    list(reader.events())
    fates = {fate: part.rows for (stream, fate), part in reader.tally.sums.items() if stream == "orders"}
    assert fates == {"completed": 1, "paid_and_cancelled": 1, "not_delivered_shipped": 1}


@pytest.mark.skipif(not REAL.exists(), reason="the data set is not on this machine (../shared/data)")
def test_every_order_of_the_real_sample_is_told_or_counted():
    reader = olist.Reader(REAL)
    events = list(reader.events())
    assert len({event["id"] for event in events}) == len(events)
    assert all(before["time"] <= after["time"] for before, after in pairwise(events))
    assert reader.tally.total("orders").rows == 46_077
    assert reader.tally.total("reviews").rows == 32_036
    assert all(line["cash"] >= 0 for e in events for line in e["data"].get("lines", ()))
