"""Facts out: written in the transaction that made them so, handed to each subscriber afterwards."""

from __future__ import annotations

import dataclasses
import functools
import logging
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple, Protocol

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from common import sql
from common.models import Delivery, DeliveryAttempt, Fact, WebhookEndpoint
from common.problems import Conflict
from common.services import audit, faults, webhooks

logger = logging.getLogger(__name__)


class Heard(NamedTuple):
    """A fact as its subscribers hear it: its fields, its `key` among them, and the fact's own time."""

    payload: dict
    at: datetime


Handler = Callable[[dict, datetime], None]
BatchHandler = Callable[[Sequence[Heard]], None]

BATCH = 500
BACKOFF = [timedelta(seconds=s) for s in (5, 60, 300, 1800, 7200, 18000, 36000, 50400, 72000)]
MAX_ATTEMPTS = len(BACKOFF) + 1
LEASE = timedelta(seconds=60)


class FactLike(Protocol):
    """A frozen dataclass: `topic` is a class variable, `key` says whom it is about, the rest is JSON-able payload."""

    topic: ClassVar[str]

    @property
    def key(self) -> str: ...


class DeliveryPending(Conflict):
    """A delivery that is on its way needs no replay."""

    code = "delivery_pending"
    title = _("This delivery is still on its way.")


_FACT_COLUMNS = ("uuid", "topic", "key", "payload", "at")


@dataclass(frozen=True, slots=True)
class _Subscriber:
    hear: BatchHandler
    takes_many: bool


_subscribers: dict[str, dict[str, _Subscriber]] = defaultdict(dict)


def subscribe(topic: str, name: str, handler: Handler) -> None:
    """Call `handler(payload, at)` once for each fact of the topic; called from apps.py.

    `name` is the subscriber's identity in the database and must not change. The payload has the fact's fields, its
    `key` among them; `at` is the fact's own time. The handler runs inside the transaction that marks the delivery
    done, so what it does in this database is done exactly once; it must not open a durable transaction.
    """

    def hear(facts: Sequence[Heard]) -> None:
        for payload, at in facts:
            handler(payload, at)

    _subscribers[topic][name] = _Subscriber(hear, takes_many=False)


def subscribe_batch(topic: str, name: str, handler: BatchHandler) -> None:
    """The same for a handler that works many facts at once, set-based, as the inbox does: `handler(facts)`, in order.

    All of them are one transaction. If it fails, halves are tried, each on its own: one bad fact fails alone.
    """
    _subscribers[topic][name] = _Subscriber(handler, takes_many=True)


def publish(facts: Iterable[FactLike], at: datetime) -> None:
    """Write facts in the caller's transaction; they are heard of if and only if it commits."""
    publish_all((fact, at) for fact in facts)


def publish_all(facts: Iterable[tuple[FactLike, datetime]]) -> None:
    """The same for facts that each have a time of their own; one statement."""
    rows = [(uuid.uuid4(), fact.topic, fact.key, _payload(fact), at) for fact, at in facts]
    sql.insert_rows(Fact, _FACT_COLUMNS, rows)


def _payload(fact: Any) -> dict:
    fact_type: Any = type(fact)
    return {name: getattr(fact, name) for name in _payload_fields(fact_type)}


@functools.cache
def _payload_fields(fact_type: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(fact_type) if field.name != "key"]


def dispatch(at: datetime, limit: int = 1000) -> int:
    """Turn facts into one delivery per subscriber and endpoint; return how many facts that were.

    Workers may do this at once: a fact is taken by one of them, and a delivery is unique per fact and subscriber.
    """
    with transaction.atomic(durable=True):
        waiting = Fact.objects.select_for_update(skip_locked=True).filter(dispatched_at=None)
        facts = list(waiting.only("id", "topic").order_by("id")[:limit])
        if not facts:
            return 0
        endpoints = list(WebhookEndpoint.objects.filter(is_active=True))
        deliveries = [delivery for fact in facts for delivery in _deliveries(fact, endpoints, at)]
        sql.insert_rows(Delivery, _DELIVERY_COLUMNS, deliveries)
        Fact.objects.filter(id__in=[fact.id for fact in facts]).update(dispatched_at=at)
        return len(facts)


def drain(clock: Callable[[], datetime], seconds: float = 4) -> int:
    """Dispatch and deliver until nothing is due or the time is up; return how many deliveries were tried."""
    end = time.monotonic() + seconds
    total = 0
    while time.monotonic() < end:
        done = dispatch(clock()), deliver(clock())
        total += done[1]
        if not any(done):
            break
    return total


_DELIVERY_COLUMNS = ("fact_id", "subscriber", "endpoint_id", "status", "attempts", "next_attempt_at", "last_error")


def _deliveries(fact: Fact, endpoints: list[WebhookEndpoint], at: datetime) -> list[tuple]:
    subscribers: list[tuple[str, int | None]] = [(name, None) for name in _subscribers.get(fact.topic, ())]
    subscribers += [
        (f"webhook:{endpoint.uuid}", endpoint.pk)
        for endpoint in endpoints
        if not endpoint.topics or fact.topic in endpoint.topics
    ]
    return [(fact.pk, name, endpoint, Delivery.Status.PENDING, 0, at, "") for name, endpoint in subscribers]


def deliver(at: datetime, limit: int = BATCH) -> int:
    """Hand over what is due, handlers first; return how many deliveries were tried.

    A handler is called in the transaction that marks the delivery done. A webhook is sent outside any transaction, at
    least once; an endpoint that fails rests until the next call. What fails is tried again after BACKOFF and is a dead
    letter after ten attempts.
    """
    due = Delivery.objects.filter(status=Delivery.Status.PENDING, next_attempt_at__lte=at)
    due = due.order_by("next_attempt_at", "id").select_related("fact", "endpoint")
    tried = sum(_hand_over(group, at) for group in _groups(due.filter(endpoint=None)[:limit]))
    resting: set[int | None] = set()
    for delivery in due.filter(endpoint__is_active=True)[: max(limit - tried, 0)]:
        if delivery.endpoint_id in resting or not _lease(delivery, at):
            continue
        tried += 1
        if not _send_webhook(delivery, at):
            resting.add(delivery.endpoint_id)
    return tried


def _groups(deliveries: Iterable[Delivery]) -> list[list[Delivery]]:
    """What one subscriber takes at once, put together as far as nobody's facts change their order.

    A handler that takes one fact at a time waits for all before it, and all after it wait for it.
    """
    groups: list[list[Delivery]] = []
    open_at: dict[str, int] = {}  # the group that a subscriber's next fact may join
    last_at: dict[str, int] = {}  # the group that holds the latest fact about somebody
    for delivery in deliveries:
        name, key = delivery.subscriber, delivery.fact.key
        if not _takes_many(delivery):
            open_at.clear()
            groups.append([])
        elif open_at.get(name, -1) < last_at.get(key, 0):
            open_at[name] = len(groups)
            groups.append([])
        place = open_at.get(name, len(groups) - 1)
        groups[place].append(delivery)
        last_at[key] = place
    return groups


def _takes_many(delivery: Delivery) -> bool:
    """A subscriber that is no more is found missing when it is called."""
    subscriber = _subscribers.get(delivery.fact.topic, {}).get(delivery.subscriber)
    return subscriber is not None and subscriber.takes_many


def _hand_over(group: Sequence[Delivery], at: datetime) -> int:
    """Call a handler with the facts of a group; if that fails, with halves of them. How many were tried."""
    try:
        with transaction.atomic(durable=True):
            held = _lock(group, at)
            if held:
                handler = _subscribers[held[0].fact.topic][held[0].subscriber].hear
                handler([Heard({"key": row.fact.key, **row.fact.payload}, row.fact.at) for row in held])
                _close(held, at, attempts=F("attempts") + 1)
            return len(held)
    except Exception as error:
        if len(group) == 1:
            return _note_failure(group[0], error, at)
        logger.warning("%s failed on %d facts and is tried in halves", group[0].subscriber, len(group), exc_info=True)
    middle = len(group) // 2
    return _hand_over(group[:middle], at) + _hand_over(group[middle:], at)


def _note_failure(delivery: Delivery, error: Exception, at: datetime) -> int:
    logger.error("%s failed on %s", delivery.subscriber, delivery.fact, exc_info=error)
    with transaction.atomic(durable=True):
        if _lock([delivery], at):
            DeliveryAttempt.objects.create(delivery=delivery, at=at, error=faults.words(error)[:2000])
            delivery.attempts += 1
            _postpone(delivery, faults.words(error), at)
    return 1


def _lock(deliveries: Sequence[Delivery], at: datetime) -> list[Delivery]:
    """Take the rows that are still due and that no other worker is at."""
    rows = Delivery.objects.filter(
        pk__in=[delivery.pk for delivery in deliveries], status=Delivery.Status.PENDING, next_attempt_at__lte=at
    )
    held = set(rows.select_for_update(skip_locked=True).order_by().values_list("pk", flat=True))
    return [delivery for delivery in deliveries if delivery.pk in held]


def _lease(delivery: Delivery, at: datetime) -> bool:
    """Claim a webhook for LEASE: should this worker die on the way, it is due again when the lease is over."""
    with transaction.atomic(durable=True):
        if not _lock([delivery], at):
            return False
        delivery.attempts += 1
        delivery.next_attempt_at = at + LEASE
        delivery.save(update_fields=["attempts", "next_attempt_at"])
        return True


def _send_webhook(delivery: Delivery, at: datetime) -> bool:
    """Send one webhook and write down what came back; whether it was taken."""
    assert delivery.endpoint is not None
    answer = webhooks.send(delivery.endpoint, delivery.fact, at)
    with transaction.atomic(durable=True):
        DeliveryAttempt.objects.create(
            delivery=delivery,
            at=at,
            status_code=answer.status_code,
            error=answer.error,
            duration_ms=answer.duration_ms,
        )
        if answer.taken:
            _close([delivery], at)
        else:
            _postpone(delivery, answer.error, at)
    return answer.taken


def _close(deliveries: Sequence[Delivery], at: datetime, **values: Any) -> None:
    rows = Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries])
    rows.update(status=Delivery.Status.DONE, done_at=at, last_error="", **values)


def _postpone(delivery: Delivery, error: str, at: datetime) -> None:
    delivery.last_error = error[:2000]
    if delivery.attempts >= MAX_ATTEMPTS:
        delivery.status = Delivery.Status.DEAD
    else:
        delivery.next_attempt_at = at + BACKOFF[delivery.attempts - 1]
    delivery.save(update_fields=["status", "attempts", "next_attempt_at", "last_error"])


def replay(delivery: Delivery, actor: audit.Actor, at: datetime) -> Delivery:
    """Send a dead or done delivery again, with ten fresh attempts; the kept attempts stay."""
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().get(pk=delivery.pk)
        if delivery.status == Delivery.Status.PENDING:
            raise DeliveryPending()
        delivery.status, delivery.attempts = Delivery.Status.PENDING, 0
        delivery.next_attempt_at, delivery.done_at = at, None
        delivery.save(update_fields=["status", "attempts", "next_attempt_at", "done_at"])
        audit.record(actor, "common.outbox.replay", delivery, _("A delivery is sent again."), at)
        return delivery
