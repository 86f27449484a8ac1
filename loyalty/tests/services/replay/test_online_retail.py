import gzip
from itertools import pairwise
from pathlib import Path

import pytest
from django.conf import settings

from loyalty.services.replay import online_retail

REAL = Path(settings.BASE_DIR).parent / "shared/data/online_retail/online_retail.csv.gz"
HEADER = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,CustomerID,Country"


@pytest.fixture
def read(tmp_path):
    """Reads rows "invoice,sku,quantity,time,price,customer"; returns events and the reader."""

    def read(*rows):
        path = tmp_path / "shop.csv.gz"
        lines = [HEADER]
        for row in rows:
            invoice, sku, quantity, time, price, customer = row.split(",")
            lines.append(f"{invoice},{sku},,{quantity},{time},{price},{customer},United Kingdom")
        with gzip.open(path, "wt") as file:
            file.write("\n".join(lines))
        reader = online_retail.Reader(path)
        return list(reader.events()), reader

    return read


def fates(reader):
    return {key: part.rows for key, part in reader.tally.sums.items()}


def test_an_invoice_is_one_order_with_numbered_lines_and_repeated_ones_are_kept(read):
    (event,), _reader = read(
        "536365,85123A,6,2010-12-01 08:26:00,2.55,17850",
        "536365,71053,6,2010-12-01 08:26:00,3.39,17850",
        "536365,85123A,1,2010-12-01 08:26:00,2.55,17850",
    )
    assert event["type"] == "order.completed"
    assert event["subject"] == "17850"
    assert event["time"] == "2010-12-01T08:26:00Z"
    lines = [(x["line"], x["sku"], x["quantity"], x["cash"]) for x in event["data"]["lines"]]
    assert lines == [("1", "85123A", 6, 1530), ("2", "71053", 6, 2034), ("3", "85123A", 1, 255)]


def test_summer_time_in_the_shop_is_an_hour_ahead_of_utc(read):
    (event,), _reader = read("1,85123A,1,2011-07-01 12:00:00,1.00,7")
    assert event["time"] == "2011-07-01T11:00:00Z"


@pytest.mark.parametrize(
    ("quantity", "price", "pence"),
    [(1, "0.001", 0), (5, "0.001", 1), (4, "0.001", 0), (3, "1.335", 401), (1, "2.1", 210)],
)
def test_a_line_is_rounded_half_up_on_its_total(read, quantity, price, pence):
    (event,), _reader = read(f"1,85123A,{quantity},2011-01-01 12:00:00,{price},7")
    assert event["data"]["lines"][0]["cash"] == pence


def test_a_cancellation_becomes_one_refund_for_each_order_it_touches(read):
    events, _reader = read(
        "1,mug,2,2011-01-01 12:00:00,1.50,7",
        "2,mug,3,2011-01-02 12:00:00,1.50,7",
        "C3,mug,-4,2011-01-03 12:00:00,1.50,7",
    )
    assert [e["data"] for e in events[2:]] == [
        {"order": "2", "refund": "C3", "reason": "no_reason", "cash": 450, "lines": [{"line": "1", "quantity": 3}]},
        {"order": "1", "refund": "C3", "reason": "no_reason", "cash": 150, "lines": [{"line": "1", "quantity": 1}]},
    ]
    assert len({e["id"] for e in events}) == 4


def test_two_rows_of_a_return_on_the_same_line_are_one_part(read):
    events, _reader = read(
        "1,mug,5,2011-01-01 12:00:00,1.50,7",
        "C2,mug,-1,2011-01-03 12:00:00,1.50,7",
        "C2,mug,-2,2011-01-03 12:00:00,1.00,7",
    )
    assert events[1]["data"]["lines"] == [{"line": "1", "quantity": 3}]
    assert events[1]["data"]["cash"] == 350


def test_what_was_never_bought_is_a_refund_of_an_unknown_order(read):
    events, reader = read(
        "1,mug,1,2011-01-01 12:00:00,1.50,7",
        "C2,mug,-3,2011-01-03 12:00:00,1.50,7",
    )
    assert [(e["data"]["order"], e["data"]["lines"]) for e in events[1:]] == [
        ("1", [{"line": "1", "quantity": 1}]),
        ("unknown-C2", [{"line": "1", "quantity": 2}]),
    ]
    assert reader.tally.sums["cancelled", "refund_of_unknown_order"].units == -2


@pytest.mark.parametrize(
    ("row", "fate"),
    [
        ("1,mug,1,2011-01-01 12:00:00,1.50,", ("sold", "guest")),
        ("1,mug,1,2011-01-01 12:00:00,0,7", ("sold", "free_of_charge")),
        ("1,mug,-1,2011-01-01 12:00:00,1.50,7", ("sold", "stock_correction")),
        ("A1,B,1,2011-01-01 12:00:00,-11062.06,", ("sold", "bad_debt")),
        ("1,POST,1,2011-01-01 12:00:00,18.00,7", ("sold", "freight_without_goods")),
        ("1,M,1,2011-01-01 12:00:00,18.00,7", ("sold", "manual_entry")),
        ("1,BANK CHARGES,1,2011-01-01 12:00:00,15.00,7", ("sold", "fee")),
        ("1,gift_0001_20,1,2011-01-01 12:00:00,16.67,7", ("sold", "gift_voucher")),
        ("C1,D,-1,2011-01-01 12:00:00,27.50,7", ("cancelled", "discount")),
        ("C1,POST,-1,2011-01-01 12:00:00,18.00,7", ("cancelled", "freight")),
        ("C1,S,-1,2011-01-01 12:00:00,18.00,7", ("cancelled", "samples")),
    ],
)
def test_what_earns_nothing_is_counted_with_its_reason(read, row, fate):
    events, reader = read(row)
    assert events == []
    assert fates(reader) == {fate: 1}


def test_freight_goes_to_the_order_and_not_to_its_lines(read):
    (event,), _reader = read("1,mug,1,2011-01-01 12:00:00,1.50,7", "1,POST,2,2011-01-01 12:00:00,18.00,7")
    assert event["data"]["freight"] == 3600
    assert len(event["data"]["lines"]) == 1


def test_an_invoice_whose_rows_are_a_minute_apart_is_still_one_order(read):
    events, _reader = read(
        "1,mug,1,2011-01-01 12:00:00,1.50,7",
        "2,mug,1,2011-01-01 12:00:00,1.50,8",
        "1,lamp,1,2011-01-01 12:01:00,1.50,7",
    )
    assert [(e["data"]["order"], len(e["data"]["lines"])) for e in events] == [("1", 2), ("2", 1)]


@pytest.mark.skipif(not REAL.exists(), reason="the data set is not on this machine (../shared/data)")
def test_the_real_file_reconciles_to_the_tenth_of_a_penny():
    reader = online_retail.Reader(REAL)
    events = list(reader.events())
    assert len(events) == 22_706
    assert len({event["id"] for event in events}) == len(events)
    assert all(before["time"] <= after["time"] for before, after in pairwise(events))
    assert reader.tally.total("sold").amount == 10_644_560_424
    assert reader.tally.total("cancelled").amount == -896_812_490
    assert reader.tally.total("sold").rows + reader.tally.total("cancelled").rows == 541_909
    matched = reader.tally.sums["cancelled", "refund_line"].units
    unmatched = reader.tally.sums["cancelled", "refund_of_unknown_order"].units
    assert 0.92 <= matched / (matched + unmatched) <= 0.94
    sold = sum(line["cash"] for e in events if e["type"] == "order.completed" for line in e["data"]["lines"])
    assert sold == (reader.tally.sums["sold", "order_line"].amount - 3) // 10
