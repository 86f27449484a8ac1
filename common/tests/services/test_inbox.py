import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from common.models import InboxEvent, RejectedEvent
from common.services import event_types, inbox
from common.tests.conftest import AT, event

pytestmark = pytest.mark.django_db


def statuses(bodies, at=AT):
    return [result["status"] for result in inbox.receive(bodies, at)]


def test_an_event_is_applied_and_says_what_it_did(deeds):
    assert inbox.receive([event(amount=7)], AT) == [
        {"id": "e-1", "source": "/shop", "status": "applied", "effects": {"amount": 7}}
    ]
    assert deeds("e-1") == 1
    row = InboxEvent.objects.get()
    assert (row.subject, row.data, row.received_at) == ("alice", {"amount": 7, "do": "apply"}, AT)


def test_a_duplicate_changes_nothing_and_answers_what_was_answered_first(deeds):
    inbox.receive([event(amount=7)], AT)
    (result,) = inbox.receive([event(amount=7)], AT + timedelta(days=90))
    assert result == {"id": "e-1", "source": "/shop", "status": "duplicate", "effects": {"amount": 7}}
    assert deeds() == 1


def test_the_order_of_members_in_the_json_does_not_make_another_event():
    inbox.receive([event()], AT)
    assert statuses([dict(reversed(event().items()))]) == ["duplicate"]


def test_an_ignored_event_is_a_duplicate_the_second_time_with_its_reason():
    inbox.receive([event(do="ignore")], AT)
    (result,) = inbox.receive([event(do="ignore")], AT)
    assert (result["status"], result["reason"]) == ("duplicate", "nothing_to_do")


def test_an_id_with_another_body_is_refused(deeds):
    inbox.receive([event(amount=1)], AT)
    (result,) = inbox.receive([event(amount=2)], AT)
    assert (result["status"], result["problem"]["code"], result["problem"]["status"]) == (
        "rejected",
        "event_id_reused",
        409,
    )
    assert deeds() == 1
    assert InboxEvent.objects.get().data["amount"] == 1


def test_the_same_id_from_another_source_is_another_event(deeds):
    assert statuses([event(), event(source="/other")]) == ["applied", "applied"]
    assert deeds() == 2


def test_the_same_event_twice_in_a_batch_counts_once(deeds):
    assert statuses([event(), event("e-2"), event(), event(amount=9)]) == [
        "applied",
        "applied",
        "duplicate",
        "rejected",
    ]
    assert deeds() == 2


def test_a_corrected_twin_in_the_same_batch_is_taken_after_the_bad_one_was_rejected(deeds):
    assert statuses([event(do="reject"), event(do="apply"), event(do="apply")]) == ["rejected", "applied", "duplicate"]
    assert deeds() == 1


def test_a_rejected_event_is_remembered_and_may_be_sent_again_corrected(deeds):
    assert statuses([event(do="reject")]) == ["rejected"]
    row = RejectedEvent.objects.get()
    assert (row.event_id, row.problem["code"], row.body["data"]["do"]) == ("e-1", "too_silly", "reject")
    assert not InboxEvent.objects.exists()
    assert statuses([event(do="apply")]) == ["applied"]


@pytest.mark.parametrize("poison", ["explode", "violate"])
def test_a_poisoned_event_in_a_batch_of_a_thousand_spoils_no_other(deeds, poison):
    batch = [event(f"e-{i}", do=poison if i == 617 else "apply") for i in range(1000)]
    results = inbox.receive(batch, AT)
    assert [r["id"] for r in results] == [e["id"] for e in batch]
    assert [r["id"] for r in results if r["status"] != "applied"] == ["e-617"]
    assert results[617]["problem"]["code"] == "internal_error"
    assert "bug" not in str(results[617])
    assert deeds() == 999
    assert RejectedEvent.objects.get().event_id == "e-617"


def test_a_deadlock_is_tried_again(monkeypatch, deeds):
    failures = iter([OperationalError("deadlock detected")] * 2)
    real = event_types._types["test.deed"].process

    def process(events, at):
        for failure in failures:
            raise failure
        return real(events, at)

    monkeypatch.setitem(
        event_types._types, "test.deed", inbox.EventType("test.deed", event_types._types["test.deed"].decode, process)
    )
    assert statuses([event()]) == ["applied"]
    assert deeds() == 1


def test_an_endless_lock_is_a_503_that_asks_to_come_back(monkeypatch):
    def process(events, at):
        raise OperationalError("lock timeout")

    monkeypatch.setitem(
        event_types._types, "test.deed", inbox.EventType("test.deed", event_types._types["test.deed"].decode, process)
    )
    (result,) = inbox.receive([event()], AT)
    assert (result["problem"]["code"], result["problem"]["retry_after"]) == ("unavailable", 1)
    assert not InboxEvent.objects.exists()


def test_events_stay_in_their_order_across_different_services(monkeypatch):
    seen = []

    def recorder(events, at):
        seen.append([e.id for e in events])
        return [inbox.Outcome.applied({}) for _ in events]

    monkeypatch.setitem(event_types._types, "test.other", inbox.EventType("test.other", lambda data: data, recorder))
    batch = [event(str(i), type="test.other" if i in (1, 2, 4) else "test.deed") for i in range(6)]
    assert statuses(batch) == ["applied"] * 6
    assert seen == [["1", "2"], ["4"]]


def test_a_process_that_forgets_an_outcome_is_a_fault_not_a_silent_loss(monkeypatch):
    monkeypatch.setitem(
        event_types._types, "test.other", inbox.EventType("test.other", lambda data: data, lambda events, at: [])
    )
    (result,) = inbox.receive([event(type="test.other")], AT)
    assert result["problem"]["code"] == "internal_error"


def test_five_minutes_of_clock_skew_are_forgiven_and_not_a_second_more():
    soon, later = AT + timedelta(minutes=5), AT + timedelta(minutes=5, seconds=1)
    results = inbox.receive([event("a", time=soon.isoformat()), event("b", time=later.isoformat())], AT)
    assert [r["status"] for r in results] == ["applied", "rejected"]
    assert results[1]["problem"]["code"] == "event_in_future"


def test_an_event_without_a_time_happens_now():
    body = event()
    del body["time"]
    inbox.receive([body], AT)
    assert InboxEvent.objects.get().time == AT


def test_operators_types_are_looked_up_once_a_batch(monkeypatch):
    asked = []

    def resolver(names):
        asked.append(set(names))
        return {"app.quiz": inbox.EventType("app.quiz", lambda data: data, event_types._types["test.deed"].process)}

    monkeypatch.setattr(event_types, "_resolvers", [resolver])
    monkeypatch.setitem(event_types._types, "app.known", event_types._types["test.deed"])
    assert statuses([event("1", type="app.nope"), event("2"), event("3", type="app.none")]) == [
        "rejected",
        "applied",
        "rejected",
    ]
    assert asked == [{"app.nope", "app.none"}]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (event(id=""), "/id"),
        (event(id="x" * 201), "/id"),
        (event(id=5), "/id"),
        (event(source=None), "/source"),
        (event(specversion="2.0"), "/specversion"),
        (event(time="yesterday"), "/time"),
        (event(time="2026-03-01T10:00:00"), "/time"),
        (event(time="0001-01-01T00:00:00+14:00"), "/time"),
        (event(subject="x" * 101), "/subject"),
        (event(data={"amount": "7"}), "/data/amount"),
        (event(data={"amount": 1.0}), "/data/amount"),
        (event(data={"amount": True}), "/data/amount"),
        (event(data=None), "/data"),
        ("text", ""),
        (None, ""),
        ([], ""),
    ],
)
def test_a_malformed_event_is_rejected_with_a_pointer_to_the_place(body, pointer):
    (result,) = inbox.receive([body], AT)
    assert result["problem"]["code"] == "invalid_input"
    assert [error["pointer"] for error in result["problem"]["errors"]] == [pointer]
    assert RejectedEvent.objects.count() == 1


@pytest.mark.parametrize(
    "data", [{"amount": 1, "do": "a\0b"}, {"\0": 1}, {"amount": 1, "do": "\ud800"}, {"amount": float("nan")}, object()]
)
def test_what_no_database_can_store_is_rejected_and_still_remembered(data):
    assert statuses([event(data=data), event("e-2")]) == ["rejected", "applied"]
    assert RejectedEvent.objects.get().event_id == "e-1"


def test_nesting_without_end_is_rejected():
    deep = []
    for _ in range(5000):
        deep = [deep]
    assert statuses([event(data=deep), event("e-2")]) == ["rejected", "applied"]


def test_a_literal_backslash_u0000_is_ordinary_text():
    assert statuses([event(data={"amount": 1, "note": "\\u0000"})]) == ["applied"]


def test_one_event_costs_two_queries_beside_its_work(django_assert_num_queries, monkeypatch):
    monkeypatch.setitem(
        event_types._types,
        "test.other",
        inbox.EventType("test.other", lambda data: data, lambda events, at: [inbox.Outcome.applied({})]),
    )
    with django_assert_num_queries(4):  # known? savepoint, insert, release
        inbox.receive([event(type="test.other")], AT)


def test_a_thousand_events_cost_no_more_queries_than_their_two_chunks(django_assert_num_queries, monkeypatch):
    nothing = inbox.EventType(
        "test.other", lambda data: data, lambda events, at: [inbox.Outcome.applied({}) for _ in events]
    )
    monkeypatch.setitem(event_types._types, "test.other", nothing)
    with django_assert_num_queries(7):
        inbox.receive([event(str(i), type="test.other") for i in range(1000)], AT)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("size", [1, 20])
def test_the_same_events_sent_eight_times_at_once_count_once(deeds, size):
    batch = [event(f"e-{i}") for i in range(size)]
    start, answers = threading.Barrier(8), []

    def send():
        start.wait()
        try:
            answers.append(statuses(batch))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert deeds() == size
    for column in zip(*answers, strict=True):
        assert sorted(column) == ["applied"] + ["duplicate"] * 7
