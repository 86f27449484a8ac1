"""Set-based statements, alike on both databases."""

import datetime as dt

import pytest

from common import sql
from common.models import Delivery, Fact, IdempotencyRecord

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def records(count):
    rows = [
        IdempotencyRecord(principal="shop", key=f"k{n}", request_hash="", body={"n": n}, at=NOON) for n in range(count)
    ]
    sql.insert(rows)
    return rows


@pytest.mark.parametrize("count", [1, 19, 20, 250])
def test_inserted_rows_know_their_ids(count):
    rows = records(count)
    assert {row.pk: row.key for row in rows} == dict(IdempotencyRecord.objects.values_list("pk", "key"))
    assert IdempotencyRecord.objects.get(key=f"k{count - 1}").body == {"n": count - 1}


def test_a_further_row_saved_alone_gets_an_id_of_its_own():
    records(50)
    assert IdempotencyRecord.objects.create(principal="shop", key="last", request_hash="", at=NOON).pk is not None
    assert IdempotencyRecord.objects.count() == 51


def test_each_row_is_updated_with_its_own_values():
    rows = records(1500)
    for row in rows:
        row.status_code, row.body, row.at = row.body["n"], {"was": row.key}, NOON + dt.timedelta(seconds=row.body["n"])
    assert sql.update_rows(rows, ["status_code", "body", "at"]) == 1500
    found = IdempotencyRecord.objects.get(key="k1499")
    assert (found.status_code, found.body, found.at) == (1499, {"was": "k1499"}, NOON + dt.timedelta(seconds=1499))


def test_a_row_that_changed_meanwhile_is_neither_written_nor_counted():
    rows = records(2)
    IdempotencyRecord.objects.filter(pk=rows[0].pk).update(status_code=7)
    for row in rows:
        row.status_code = 200
    assert sql.update_rows(rows, ["status_code"], guard={"status_code": [0, 0]}) == 1
    assert IdempotencyRecord.objects.get(pk=rows[0].pk).status_code == 7


def test_nulls_can_be_written():
    fact = Fact(topic="t", key="k", payload={}, at=NOON, dispatched_at=NOON)
    sql.insert([fact])
    fact.dispatched_at = None
    assert sql.update_rows([fact], ["dispatched_at"]) == 1
    assert Fact.objects.get().dispatched_at is None


def test_a_built_row_is_what_the_constructor_makes():
    values = {"principal": "shop", "key": "k", "request_hash": "", "at": NOON}
    built, made = sql.build(IdempotencyRecord, **values), IdempotencyRecord(**values)
    assert {n: v for n, v in vars(built).items() if n != "_state"} == {
        n: v for n, v in vars(made).items() if n != "_state"
    }
    assert built.body is not sql.build(IdempotencyRecord, **values).body


def test_a_built_row_takes_related_objects_saved_or_not():
    fact = Fact(topic="t", key="k", payload={}, at=NOON)
    delivery = sql.build(Delivery, fact=fact, subscriber="s", next_attempt_at=NOON, endpoint=None)
    sql.insert([fact])
    sql.insert([delivery])
    assert Delivery.objects.get().fact == fact
    assert Delivery.objects.get().endpoint is None


def test_rows_that_bring_their_ids_keep_them():
    rows = [IdempotencyRecord(pk=n, principal="shop", key=f"k{n}", request_hash="", at=NOON) for n in (700, 500)]
    sql.insert(rows)
    assert set(IdempotencyRecord.objects.values_list("pk", "key")) == {(700, "k700"), (500, "k500")}
