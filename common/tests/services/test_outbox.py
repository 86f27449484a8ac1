import threading
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import ClassVar

import pytest
from django.db import connection, transaction

from common.models import AuditEntry, Delivery, DeliveryAttempt, Fact, WebhookEndpoint
from common.services import audit, outbox, webhooks
from common.tests.conftest import AT, OPERATOR

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class BellRung:
    topic: ClassVar[str] = "bell.rung"
    key: str
    times: int


def ring(*keys):
    outbox.publish([BellRung(key, times) for times, key in enumerate(keys, start=1)], AT)


@pytest.fixture
def subscribers(monkeypatch):
    """Subscribe handlers for the length of a test."""
    monkeypatch.setattr(outbox, "_subscribers", defaultdict(dict))
    return outbox.subscribe


def hear(payload, at):
    audit.record(audit.Actor("listener"), "heard", None, payload["key"], at, data=payload)


def heard():
    return list(AuditEntry.objects.filter(action="heard").order_by("id").values_list("summary", flat=True))


def carry(at=AT):
    outbox.dispatch(at)
    return outbox.deliver(at)


@pytest.fixture
def endpoint(db):
    return WebhookEndpoint.objects.create(name="shop", url="https://93.184.216.34/", secret="whsec_" + "QUFB" * 8)


@pytest.fixture
def answers(monkeypatch):
    """What the outside world answers, one after the other; then always 204."""
    queue, sent = [], []

    def send(endpoint, fact, at):
        sent.append((endpoint.name, fact.key))
        code = queue.pop(0) if queue else 204
        return webhooks.Answer(code < 300, code, "" if code < 300 else f"HTTP {code}", 12)

    monkeypatch.setattr(webhooks, "send", send)
    return SimpleNamespace(queue=queue, sent=sent)


def test_a_fact_reaches_each_subscriber_once_with_its_key_and_its_own_time(subscribers):
    calls = []
    subscribers("bell.rung", "a", lambda payload, at: calls.append(("a", payload, at)))
    subscribers("bell.rung", "b", lambda payload, at: calls.append(("b", payload, at)))
    subscribers("other", "c", lambda payload, at: calls.append("c"))
    ring("alice")
    later = AT + timedelta(hours=1)
    assert carry(later) == 2
    assert sorted(calls) == [(name, {"key": "alice", "times": 1}, AT) for name in "ab"]
    assert carry(later) == 0
    assert set(Delivery.objects.values_list("status", flat=True)) == {"done"}


def test_a_fact_that_is_rolled_back_was_never_published(subscribers):
    subscribers("bell.rung", "a", hear)
    with transaction.atomic():
        ring("alice")
        transaction.set_rollback(True)
    assert carry() == 0


def test_facts_are_handed_over_in_their_order(subscribers):
    subscribers("bell.rung", "a", hear)
    ring("alice", "bob", "charlie")
    carry()
    assert heard() == ["alice", "bob", "charlie"]


def test_a_fact_without_subscribers_is_done_with(subscribers):
    ring("alice")
    assert (outbox.dispatch(AT), outbox.dispatch(AT)) == (1, 0)
    assert Fact.objects.get().dispatched_at == AT


def test_a_handler_that_fails_leaves_nothing_behind_and_is_called_again(subscribers):
    failures = [RuntimeError("not yet")]

    def hear_or_fail(payload, at):
        hear(payload, at)
        if failures:
            raise failures.pop()

    subscribers("bell.rung", "a", hear_or_fail)
    ring("alice")
    carry()
    assert heard() == []
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.next_attempt_at) == ("pending", 1, AT + outbox.BACKOFF[0])
    assert "not yet" in DeliveryAttempt.objects.get().error
    assert carry(AT) == 0
    assert carry(AT + outbox.BACKOFF[0]) == 1
    assert heard() == ["alice"]


def test_a_failing_subscriber_does_not_hold_up_the_others(subscribers):
    def fail(payload, at):
        raise RuntimeError

    subscribers("bell.rung", "a", fail)
    subscribers("bell.rung", "b", hear)
    ring("alice", "bob")
    carry()
    assert heard() == ["alice", "bob"]


def test_ten_failures_make_a_dead_letter_that_can_be_replayed(subscribers):
    broken = [True]

    def hear_or_fail(payload, at):
        if broken:
            raise RuntimeError("broken")
        hear(payload, at)

    subscribers("bell.rung", "a", hear_or_fail)
    ring("alice")
    outbox.dispatch(AT)
    now, tries = AT, 0
    while outbox.deliver(now):
        tries += 1
        now = Delivery.objects.get().next_attempt_at
    delivery = Delivery.objects.get()
    assert (tries, delivery.status, delivery.attempts) == (10, "dead", 10)
    assert outbox.deliver(AT + timedelta(days=365)) == 0
    broken.clear()
    outbox.replay(delivery, OPERATOR, now)
    assert outbox.deliver(now) == 1
    assert heard() == ["alice"]
    assert DeliveryAttempt.objects.count() == 10
    assert AuditEntry.objects.get(action="common.outbox.replay").actor_label == "Olivia"


def test_what_is_on_its_way_cannot_be_replayed(subscribers):
    subscribers("bell.rung", "a", hear)
    ring("alice")
    outbox.dispatch(AT)
    with pytest.raises(outbox.DeliveryPending):
        outbox.replay(Delivery.objects.get(), OPERATOR, AT)


def test_a_webhook_that_is_taken_is_done_and_its_attempt_kept(subscribers, endpoint, answers):
    ring("alice")
    assert carry() == 1
    assert answers.sent == [("shop", "alice")]
    assert Delivery.objects.get().status == "done"
    attempt = DeliveryAttempt.objects.get()
    assert (attempt.status_code, attempt.error, attempt.duration_ms) == (204, "", 12)
    assert carry() == 0


def test_a_webhook_is_tried_again_by_the_schedule_until_it_is_dead(subscribers, endpoint, answers):
    answers.queue.extend([500] * 20)
    ring("alice")
    outbox.dispatch(AT)
    now, waits = AT, []
    while outbox.deliver(now):
        delivery = Delivery.objects.get()
        waits.append(delivery.next_attempt_at - now)
        now = delivery.next_attempt_at
    assert waits[:9] == outbox.BACKOFF
    assert delivery.status == "dead"
    assert (len(answers.sent), DeliveryAttempt.objects.count(), delivery.last_error) == (10, 10, "HTTP 500")


def test_an_endpoint_that_fails_rests_while_the_others_are_served(subscribers, endpoint, answers):
    ring("alice", "bob")
    answers.queue.append(500)
    WebhookEndpoint.objects.create(name="well", url="https://93.184.216.34/", secret="whsec_" + "QUFB" * 8)
    carry()
    assert answers.sent == [("shop", "alice"), ("well", "alice"), ("well", "bob")]


def test_an_endpoint_hears_its_topics_only_and_nothing_while_it_is_off(subscribers, endpoint, answers):
    endpoint.topics = ["other"]
    endpoint.save()
    WebhookEndpoint.objects.create(name="off", url="https://93.184.216.34/", secret="x", is_active=False)
    ring("alice")
    assert carry() == 0
    assert not Delivery.objects.exists()


def test_an_endpoint_that_is_turned_off_is_sent_nothing_more_until_it_is_on_again(subscribers, endpoint, answers):
    ring("alice")
    outbox.dispatch(AT)
    WebhookEndpoint.objects.update(is_active=False)
    assert outbox.deliver(AT) == 0
    WebhookEndpoint.objects.update(is_active=True)
    assert outbox.deliver(AT) == 1


def test_a_worker_that_dies_while_sending_leaves_the_webhook_to_the_next_one(subscribers, endpoint, monkeypatch):
    def die(endpoint, fact, at):
        raise KeyboardInterrupt

    ring("alice")
    outbox.dispatch(AT)
    with monkeypatch.context() as patch:
        patch.setattr(webhooks, "send", die)
        with pytest.raises(KeyboardInterrupt):
            outbox.deliver(AT)
    monkeypatch.setattr(webhooks, "send", lambda endpoint, fact, at: webhooks.Answer(True, 204))
    assert outbox.deliver(AT) == 0
    assert outbox.deliver(AT + outbox.LEASE) == 1
    assert Delivery.objects.get().status == "done"


def test_drain_carries_everything_that_is_due(subscribers):
    subscribers("bell.rung", "a", hear)
    ring(*map(str, range(120)))
    assert outbox.drain(lambda: AT) == 120
    assert len(heard()) == 120


def test_publishing_a_thousand_facts_is_one_statement(django_assert_max_num_queries):
    with django_assert_max_num_queries(1):
        ring(*["alice"] * 1000)


@dataclass(frozen=True)
class BellMended:
    topic: ClassVar[str] = "bell.mended"
    key: str


@pytest.fixture
def batches(monkeypatch):
    """Subscribe handlers that take many facts at once; what each call heard is kept as (subscriber, keys)."""
    monkeypatch.setattr(outbox, "_subscribers", defaultdict(dict))
    calls = []

    def subscribe(topic, name, bad=()):
        def handler(facts):
            calls.append((name, [payload["key"] for payload, _at in facts]))
            for payload, at in facts:
                hear(payload, at)
                if payload["key"] in bad:
                    raise RuntimeError("bad fact")

        outbox.subscribe_batch(topic, name, handler)

    subscribe.calls = calls
    return subscribe


def test_a_batch_handler_hears_many_facts_at_once_each_with_its_own_time(monkeypatch):
    monkeypatch.setattr(outbox, "_subscribers", defaultdict(dict))
    heard = []
    outbox.subscribe_batch("bell.rung", "a", heard.append)
    outbox.publish_all([(BellRung("alice", 1), AT), (BellRung("bob", 2), AT + timedelta(hours=1))])
    assert carry(AT + timedelta(hours=2)) == 2
    assert heard == [
        [({"key": "alice", "times": 1}, AT), ({"key": "bob", "times": 2}, AT + timedelta(hours=1))],
    ]


def test_a_batch_costs_the_same_queries_however_many_facts_it_has(batches, django_assert_max_num_queries):
    outbox.subscribe_batch("bell.rung", "a", lambda facts: None)
    ring(*map(str, range(400)))
    with django_assert_max_num_queries(12):
        assert carry() == 400


def test_one_bad_fact_fails_alone_and_its_neighbours_are_heard_once(batches):
    batches("bell.rung", "a", bad=["5"])
    ring(*map(str, range(9)))
    assert carry() == 9
    assert heard() == [str(n) for n in range(9) if n != 5]
    waiting = Delivery.objects.get(status="pending")
    assert (waiting.fact.key, waiting.attempts) == ("5", 1)
    assert "bad fact" in DeliveryAttempt.objects.get().error


def test_a_bad_fact_of_a_batch_is_a_dead_letter_after_ten_attempts_alone(batches):
    batches("bell.rung", "a", bad=["bad"])
    ring("alice", "bad", "bob")
    now = AT
    while carry(now):
        now += max(outbox.BACKOFF)
    assert dict(Delivery.objects.values_list("fact__key", "status")) == {"alice": "done", "bad": "dead", "bob": "done"}
    assert dict(Delivery.objects.values_list("fact__key", "attempts")) == {"alice": 1, "bad": 10, "bob": 1}
    assert sorted(heard()) == ["alice", "bob"]


def test_facts_about_one_subject_stay_in_their_order_over_subscribers(batches):
    batches("bell.rung", "rung")
    batches("bell.mended", "mended")
    facts = [BellRung("alice", 1), BellRung("bob", 1), BellMended("alice"), BellRung("alice", 2), BellRung("bob", 2)]
    outbox.publish(facts, AT)
    carry()
    assert batches.calls == [("rung", ["alice", "bob"]), ("mended", ["alice"]), ("rung", ["alice", "bob"])]


def test_a_handler_that_takes_one_fact_waits_for_all_before_it_and_holds_up_all_after_it(batches):
    batches("bell.rung", "many")
    outbox.subscribe("bell.mended", "one", lambda payload, at: batches.calls.append(("one", [payload["key"]])))
    facts = [BellRung("alice", 1), BellRung("bob", 1), BellMended("charlie"), BellRung("dora", 1), BellRung("eve", 1)]
    outbox.publish(facts, AT)
    carry()
    assert batches.calls == [("many", ["alice", "bob"]), ("one", ["charlie"]), ("many", ["dora", "eve"])]


def test_a_worker_that_dies_in_a_batch_has_done_nothing_and_the_next_one_does_all(monkeypatch, subscribers):
    dying = [True]

    def hear_and_die(facts):
        for place, (payload, at) in enumerate(facts):
            if dying and place == 3:
                raise KeyboardInterrupt
            hear(payload, at)

    outbox.subscribe_batch("bell.rung", "a", hear_and_die)
    keys = [str(n) for n in range(6)]
    ring(*keys)
    with pytest.raises(KeyboardInterrupt):
        carry()
    assert heard() == []
    dying.clear()
    assert carry() == 6
    assert heard() == keys


def test_who_subscribes_no_more_leaves_a_failure_and_holds_up_nobody(batches):
    batches("bell.rung", "a")
    batches("bell.rung", "gone")
    ring("alice", "bob")
    outbox.dispatch(AT)
    del outbox._subscribers["bell.rung"]["gone"]
    outbox.deliver(AT)
    assert heard() == ["alice", "bob"]
    assert set(Delivery.objects.filter(status="pending").values_list("subscriber", "attempts")) == {("gone", 1)}


def together(work, count=4):
    start, errors = threading.Barrier(count), []

    def run():
        try:
            start.wait()
            work()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_at_once_hand_each_fact_to_each_subscriber_once(subscribers):
    subscribers("bell.rung", "a", hear)
    subscribers("bell.rung", "b", hear)
    keys = [str(i) for i in range(60)]
    ring(*keys)

    def work():
        for _ in range(20):
            outbox.dispatch(AT, limit=7)
            outbox.deliver(AT, limit=20)

    together(work)
    carry()
    assert sorted(heard()) == sorted(keys * 2)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_at_once_hear_each_fact_of_their_batches_once(batches):
    batches("bell.rung", "a", bad=["7"])
    batches("bell.rung", "b")
    keys = [str(i) for i in range(60)]
    ring(*keys)

    def work():
        for _ in range(20):
            outbox.dispatch(AT, limit=7)
            outbox.deliver(AT, limit=20)

    together(work)
    carry()
    assert sorted(heard()) == sorted([*keys, *(key for key in keys if key != "7")])


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_at_once_send_each_webhook_once(subscribers, endpoint, answers):
    ring(*map(str, range(30)))
    outbox.dispatch(AT)
    together(lambda: outbox.deliver(AT))
    assert sorted(answers.sent) == sorted(("shop", str(i)) for i in range(30))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_breaks_inside_a_handler_loses_and_doubles_nothing(subscribers):
    broken = [True]

    def hear_and_break(payload, at):
        hear(payload, at)
        if broken and broken.pop():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    subscribers("bell.rung", "a", hear_and_break)
    ring("alice")
    outbox.dispatch(AT)
    outbox.deliver(AT)
    assert heard() == []
    assert outbox.deliver(AT + outbox.BACKOFF[0]) == 1
    assert heard() == ["alice"]
