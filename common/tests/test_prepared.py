"""A prepared query answers what the query set answers, and is put together once."""

import datetime as dt

import pytest
from django.db import transaction
from django.db.models import Count, F, Q
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError

from common.models import Delivery, Fact, IdempotencyRecord
from common.prepared import FEW, prepared

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
pytestmark = pytest.mark.django_db


@prepared
def by_key(*keys):
    return IdempotencyRecord.objects.filter(key__in=keys, principal="shop").order_by("key")


@prepared
def deliveries_of(*facts):
    return Delivery.objects.select_related("fact", "endpoint").filter(fact__pk__in=facts).order_by("pk")


@prepared
def locked(key):
    return IdempotencyRecord.objects.select_for_update().filter(key=key)


@prepared
def counted(since, least):
    late = Count("pk", filter=Q(at__gte=since))
    return (
        IdempotencyRecord.objects.filter(status_code__gte=least)
        .order_by()
        .values_list("principal")
        .annotate(late=late, all=Count("pk"))
    )


@pytest.fixture
def records():
    rows = [
        IdempotencyRecord(
            principal="shop",
            key=f"k{n:02}",
            request_hash="",
            body={"n": n},
            status_code=n,
            at=NOON + dt.timedelta(days=n),
        )
        for n in range(12)
    ]
    return IdempotencyRecord.objects.bulk_create([*rows, IdempotencyRecord(principal="other", key="k00", at=NOON)])


@pytest.mark.parametrize("count", [0, 1, 2, FEW, FEW + 1, 12])
def test_it_finds_what_the_query_set_finds_however_many_values_it_is_given(records, count):
    keys = [record.key for record in records[:count]]
    found = by_key(*keys)
    assert [(row.key, row.body, row.at) for row in found] == [(row.key, row.body, row.at) for row in records[:count]]


def test_other_values_find_other_rows(records):
    assert [by_key(f"k{n:02}")[0].body for n in (3, 5)] == [{"n": 3}, {"n": 5}]
    assert by_key("unknown") == []


def test_it_is_put_together_once(records, monkeypatch):
    by_key("k01")
    monkeypatch.setattr(SQLCompiler, "as_sql", lambda *_: pytest.fail("it was put together again"))
    assert by_key("k02")[0].body == {"n": 2}


def test_related_rows_come_along_and_missing_ones_are_none(django_assert_num_queries):
    facts = Fact.objects.bulk_create([Fact(topic="t", key=key, payload={"to": key}, at=NOON) for key in ("a", "b")])
    Delivery.objects.bulk_create([Delivery(fact=fact, subscriber="s", next_attempt_at=NOON) for fact in facts])
    with django_assert_num_queries(1):
        found = deliveries_of(facts[0].pk, facts[1].pk)
        assert [(row.fact.key, row.fact.payload, row.endpoint) for row in found] == [
            ("a", {"to": "a"}, None),
            ("b", {"to": "b"}, None),
        ]


def test_what_it_found_can_be_changed_and_saved(records):
    (row,) = by_key("k01")
    row.status_code = 299
    row.save()
    assert IdempotencyRecord.objects.get(pk=records[1].pk).status_code == 299


def test_it_counts_by_instants(records):
    assert counted(NOON + dt.timedelta(days=9), 1) == [("shop", 3, 11)]
    assert counted(NOON + dt.timedelta(days=1), 10) == [("shop", 2, 2)]


def test_what_is_reckoned_besides_comes_along(records):
    doubled = prepared(lambda key: IdempotencyRecord.objects.annotate(twice=F("status_code") * 2).filter(key=key))
    assert [(row.key, row.twice) for row in doubled("k04")] == [("k04", 8)]


def test_what_prefetches_is_refused():
    with pytest.raises(TypeError, match="prefetches"):
        prepared(lambda: Fact.objects.prefetch_related("deliveries"))()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_what_locks_is_refused_outside_a_transaction_also_the_second_time(records):
    with transaction.atomic():
        assert locked("k01")[0].body == {"n": 1}
    with pytest.raises(TransactionManagementError):
        locked("k01")
