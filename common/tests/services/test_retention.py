from datetime import timedelta

import pytest

from common.models import Delivery, DeliveryAttempt, Fact, IdempotencyRecord, Look
from common.services import looks, retention
from common.services.audit import Actor
from common.tests.conftest import AT

pytestmark = pytest.mark.django_db

OLD = AT - timedelta(days=31)


def delivery(name, **members):
    fact = Fact.objects.create(topic="t", key="alice", payload={}, at=OLD, dispatched_at=OLD)
    given = {"status": "done", "done_at": OLD} | members
    return Delivery.objects.create(fact=fact, subscriber=name, next_attempt_at=OLD, **given)


def test_answers_to_idempotency_keys_are_kept_thirty_days():
    for name, at in (("old", OLD), ("new", AT - timedelta(days=29))):
        IdempotencyRecord.objects.create(principal="key:a", key=name, request_hash="x", at=at)
    assert retention.purge(AT)["idempotency_records"] == 1
    assert IdempotencyRecord.objects.get().key == "new"


def test_only_finished_deliveries_without_a_story_are_forgotten():
    delivery("gone")
    delivery("recent", done_at=AT)
    delivery("pending", status="pending", done_at=None)
    delivery("dead", status="dead", done_at=None)
    DeliveryAttempt.objects.create(delivery=delivery("with a failed attempt"), at=OLD, error="x")
    retention.purge(AT)
    assert set(Delivery.objects.values_list("subscriber", flat=True)) == {
        "recent",
        "pending",
        "dead",
        "with a failed attempt",
    }
    assert Fact.objects.count() == 5


def test_who_looked_at_whom_is_kept_three_years():
    for name, at in (("old", AT - timedelta(days=1097)), ("new", AT - timedelta(days=1095))):
        looks.note(Actor("Rosa"), Look.Kind.PAGE, "shop.order", at, subject=name)
    assert retention.purge(AT)["looks"] == 1
    assert Look.objects.get().subject == "new"


def test_an_empty_list_is_no_look():
    looks.note(Actor("Rosa"), Look.Kind.LIST, "shop.order", AT, rows=0)
    assert not Look.objects.exists()
