"""Lists cost the same number of queries for five rows as for fifty."""

import datetime as dt

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from common.models import AuditEntry, Delivery, Fact, InboxEvent, JobChunk, JobRun, RejectedEvent
from config.tests import sample
from loyalty.models import Shortfall
from loyalty.tests import stage
from members.models import CreditScore

pytestmark = pytest.mark.django_db

LISTS = [
    f"{model._meta.app_label}_{model._meta.model_name}_changelist"
    for model in admin.site._registry
    if model._meta.model_name not in {"pointtariff", "programme", "proof"}
]


def grow(first: int, last: int) -> None:
    """Members first…last with an order, a review, an event, a refusal and a night each."""
    now = timezone.now()
    events = []
    for number in range(first, last):
        at, name, order = now - dt.timedelta(hours=number + 1), f"m-{number}", f"x-{number}"
        line = {"line": "1", "sku": f"sku-{number}", "category": "books", "store": "acme-1", "cash": 100_00}
        events.append(stage.event("order.completed", name, at, order=order, channel="app", lines=[line]))
        events.append(stage.event("member.logged_in", name, at, channel="app"))
        events.append(stage.event("review.approved", name, at, review=f"r-{number}", order=order, line="1", photos=1))
        refunded = [{"line": "1", "cash": 10_00}]
        events.append(
            stage.event(
                "order.refunded", name, at, order=order, refund="f", reason="defect", cash=10_00, lines=refunded
            )
        )
        events.append(stage.event("order.cancelled", name, at, order=f"later-{number}"))
        events.append(stage.event("no.such_type", name, at))
    stage.send_all(events, now)
    for number in range(first, last):
        run = JobRun.objects.create(job="test", as_of=now - dt.timedelta(days=number), started_at=now)
        JobChunk.objects.create(run=run, first_id=1, last_id=2)
        CreditScore.objects.create(member=sample.wallet(f"m-{number}").member, score=number, at=now)


def count_queries(client, name: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(reverse(f"admin:{name}")).status_code == 200
    return len(queries)


def test_every_list_costs_the_same_for_five_rows_and_for_fifty(client):
    sample.everything()
    grow(0, 5)
    client.force_login(sample.staff("root", is_superuser=True))
    client.get(reverse("admin:index"))
    few = {name: count_queries(client, name) for name in LISTS}
    grow(5, 45)
    many = {name: count_queries(client, name) for name in LISTS}
    for model in (InboxEvent, RejectedEvent, Shortfall, Fact, JobRun, AuditEntry):
        assert model.objects.count() > 5 or model is AuditEntry
    assert Delivery.objects.exists()
    assert {name: (few[name], many[name]) for name in LISTS if many[name] > few[name]} == {}
    assert max(many.values()) <= 20


def test_the_overview_costs_few_queries(client):
    sample.everything()
    client.force_login(sample.staff("root", is_superuser=True))
    with CaptureQueriesContext(connection) as queries:
        page = client.get(reverse("admin:index")).content.decode()
    assert "Outstanding" in page
    assert len(queries) <= 16


def test_a_members_page_costs_the_same_for_a_long_history(client):
    sample.everything()
    client.force_login(sample.staff("root", is_superuser=True))
    address = reverse("admin:members_member_change", args=[sample.wallet("charlie").member_id])

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    def shop(first: int, last: int) -> None:
        for number in range(first, last):
            sample.buy("charlie", f"long-{number}", at=timezone.now() - dt.timedelta(hours=number))

    shop(0, 25)  # which also brings the tier, and what the tier may use
    few = cost()
    shop(25, 50)
    assert cost() <= few
