import json

import pytest
from django.db import OperationalError
from django.test import override_settings
from django.utils import timezone

from common.models import ApiKey, InboxEvent
from common.services import api_keys, event_types, inbox
from common.tests.conftest import AT, OPERATOR, event

pytestmark = pytest.mark.django_db


def problem(response) -> dict:
    """The problem document of an error answer, which must be one."""
    assert response["Content-Type"] == "application/problem+json"
    document = json.loads(response.content)
    assert document["status"] == response.status_code
    assert set(document) >= {"type", "title", "status", "detail", "code"}
    assert b"Traceback" not in response.content
    return document


def test_one_event_is_created(post):
    response = post(event(amount=7))
    assert response.status_code == 201
    assert response.json() == {"id": "e-1", "source": "/shop", "status": "applied", "effects": {"amount": 7}}


def test_a_duplicate_is_ok_and_answers_the_same(post, deeds):
    post(event(amount=7))
    response = post(event(amount=7))
    assert (response.status_code, response.json()["status"]) == (200, "duplicate")
    assert response.json()["effects"] == {"amount": 7}
    assert deeds() == 1


def test_an_ignored_event_is_created_with_its_reason(post):
    response = post(event(do="ignore"))
    assert (response.status_code, response.json()["status"], response.json()["reason"]) == (
        201,
        "ignored",
        "nothing_to_do",
    )


def test_a_reused_id_is_a_409_problem(post):
    post(event(amount=7))
    assert problem(post(event(amount=8))) | {"detail": ""} == {
        "type": "/problems/event_id_reused",
        "title": "This event id was used before, for an event with another body.",
        "status": 409,
        "detail": "",
        "code": "event_id_reused",
    }


def test_a_rejected_event_is_the_problem_with_its_status(post):
    response = post(event(do="reject"))
    assert (response.status_code, problem(response)["code"]) == (422, "too_silly")


def test_a_bug_of_ours_is_a_500_problem_that_gives_nothing_away(post, deeds):
    response = post(event(do="explode"))
    assert (response.status_code, problem(response)["code"]) == (500, "internal_error")
    assert b"bug" not in response.content
    assert deeds() == 0


def test_a_lost_lock_is_a_503_with_retry_after(post, monkeypatch):
    def process(events, at):
        raise OperationalError("lock timeout")

    monkeypatch.setitem(event_types._types, "test.locked", inbox.EventType("test.locked", lambda data: data, process))
    response = post(event(type="test.locked"))
    assert (response.status_code, problem(response)["code"], response["Retry-After"]) == (503, "unavailable", "1")


def test_a_database_that_is_down_is_a_503_with_retry_after(post, monkeypatch):
    def receive(bodies, at):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(inbox, "receive", receive)
    response = post(event())
    assert (problem(response)["code"], response["Retry-After"]) == ("unavailable", "1")


def test_a_batch_answers_each_event_in_order(post):
    batch = [event("a"), event("b", do="reject"), event("c", do="ignore"), event("a"), "nonsense", event("d")]
    response = post(batch)
    assert response.status_code == 200
    assert [result["status"] for result in response.json()] == [
        "applied",
        "rejected",
        "ignored",
        "duplicate",
        "rejected",
        "applied",
    ]
    assert response.json()[1]["problem"]["code"] == "too_silly"


def test_an_empty_batch_is_an_empty_answer(post):
    response = post([])
    assert (response.status_code, response.json()) == (200, [])


def test_a_thousand_events_are_taken_and_one_more_is_too_many(post):
    batch = [event(str(i)) for i in range(1000)]
    assert {result["status"] for result in post(batch).json()} == {"applied"}
    response = post([*batch, event("1000")])
    assert (response.status_code, problem(response)["code"]) == (413, "batch_too_large")
    assert not InboxEvent.objects.filter(event_id="1000").exists()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/cloudevents+json", event()),
        ("application/cloudevents+json; charset=utf-8", event()),
        ("application/cloudevents-batch+json", [event()]),
    ],
)
def test_the_cloudevents_media_types_are_accepted(post, content_type, body):
    assert post(body, content_type=content_type).status_code in (200, 201)
    assert InboxEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 422, "invalid_input"),
        (b"{", 400, "malformed_body"),
        (b"not json", 400, "malformed_body"),
        (b"\xff\xfe", 400, "malformed_body"),
        (b'{"id": "\xff"}', 400, "malformed_body"),
        (b"[" * 10_000 + b"]" * 10_000, 400, "malformed_body"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400, "malformed_body"),
        (json.dumps(event(data={"amount": float("nan")})).encode(), 400, "malformed_body"),
        (json.dumps(event(data={"amount": float("inf")})).encode(), 400, "malformed_body"),
        (json.dumps(event(data={"amount": 7})).encode().replace(b"7", b"1e999"), 400, "malformed_body"),
        (json.dumps(event(data={"amount": 7})).encode().replace(b"7", b"9" * 5000), 400, "malformed_body"),
        (json.dumps(event(data={"amount": "\ud800"})).encode(), 400, "malformed_body"),
        (json.dumps(event(data={"amount": "\udc00\ud800"})).encode(), 400, "malformed_body"),
        (json.dumps(event(data={"amount": "a\0b"})).encode(), 400, "malformed_body"),
        (json.dumps(event(data={"a\0b": 1})).encode(), 400, "malformed_body"),
        (json.dumps(event(data={"amount": "7"})).encode(), 422, "invalid_input"),
        (json.dumps(event(type="no.such")).encode(), 422, "unknown_event_type"),
        (json.dumps(event(time="2999-01-01T00:00:00Z")).encode(), 422, "event_in_future"),
        (b'"text"', 422, "invalid_input"),
        (b"null", 422, "invalid_input"),
        (b"7", 422, "invalid_input"),
    ],
)
def test_malformed_input_is_a_problem_and_changes_nothing(post, body, status, code):
    response = post(body)
    assert (response.status_code, problem(response)["code"]) == (status, code)
    assert not InboxEvent.objects.exists()


def test_nesting_of_any_depth_is_never_a_500(post):
    for depth in range(100, 1100, 25):
        body = json.dumps(event(data=0)).encode().replace(b'"data": 0', b'"data": ' + b"[" * depth + b"]" * depth)
        assert post(body).status_code in (400, 422)
        assert post(b"[" + body + b"]").status_code in (200, 400)


def test_an_integer_beyond_64_bits_does_not_reach_the_database(post):
    assert post(event(data={"amount": 10**30})).status_code in (201, 422)


def test_ten_megabytes_are_too_large(post):
    response = post(b"[" + b" " * 10_000_000 + b"]")
    assert (response.status_code, problem(response)["code"]) == (413, "body_too_large")


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000)
def test_the_size_limit_does_not_trust_the_content_length(post):
    assert problem(post(b"[" + b" " * 2000 + b"]"))["code"] == "body_too_large"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "nonsense",
    ],
)
def test_other_content_types_are_a_415_problem(post, content_type):
    assert problem(post(event(), content_type=content_type))["status"] == 415


def test_other_methods_are_a_405_problem_with_allow(client, key):
    response = client.get("/api/v1/events", HTTP_AUTHORIZATION=f"Key {key}")
    assert (response.status_code, problem(response)["code"]) == (405, "method_not_allowed")
    assert "POST" in response["Allow"]


def test_only_json_is_spoken(post):
    assert problem(post(event(), HTTP_ACCEPT="text/html"))["status"] == 406


@pytest.mark.parametrize(
    "authorization",
    ["", "Key", "Key ", "Key x", "Key x.y", "Key \0.\0", "Bearer abc", "Key é.é", "Key " + "x" * 5000, "Key a.b.c"],
)
def test_a_missing_or_wrong_key_is_a_401_problem(post, authorization):
    response = post(event(), authorization=authorization)
    assert problem(response)["status"] == 401
    assert response["WWW-Authenticate"].startswith("Key")
    assert not InboxEvent.objects.exists()


def test_the_secret_of_another_key_does_not_open(post, key):
    other = api_keys.issue("another", ["events:write"], OPERATOR, AT)[1]
    mixed = key.split(".")[0] + "." + other.split(".")[1]
    assert post(event(), authorization=f"Key {mixed}").status_code == 401


def test_a_key_without_the_scope_is_a_403_problem(post):
    text = api_keys.issue("reader", [ApiKey.Scope.MEMBERS_READ], OPERATOR, AT)[1]
    assert problem(post(event(), authorization=f"Key {text}"))["code"] == "forbidden"
    assert not InboxEvent.objects.exists()


def test_an_expired_key_is_refused(post):
    text = api_keys.issue("old", ApiKey.Scope.values, OPERATOR, AT, expires_at=timezone.now())[1]
    assert post(event(), authorization=f"Key {text}").status_code == 401


def test_a_revoked_key_is_refused_at_once(post):
    made, text = api_keys.issue("lost", ApiKey.Scope.values, OPERATOR, AT)
    assert post(event(), authorization=f"Key {text}").status_code == 201
    api_keys.revoke(made, OPERATOR, AT)
    assert post(event(), authorization=f"Key {text}").status_code == 401


def test_too_many_calls_are_a_429_problem_with_retry_after(post, monkeypatch):
    from common.api.throttles import ScopedThrottle

    monkeypatch.setattr(ScopedThrottle, "THROTTLE_RATES", {"server": "2/day"})
    assert [post([]).status_code for _ in range(3)] == [200, 200, 429]
    response = post([])
    assert problem(response)["code"] == "throttled"
    assert int(response["Retry-After"]) > 0


def test_an_unknown_address_is_a_404_problem(client):
    for path in ("/api/", "/api/v1/nonsense", "/api/v1/events/", "/api/%00"):
        assert problem(client.get(path))["code"] == "not_found"


def test_one_event_over_http_costs_the_key_and_the_inbox(post, django_assert_num_queries, monkeypatch):
    nothing = inbox.EventType("test.other", lambda data: data, lambda events, at: [inbox.Outcome.applied({})])
    monkeypatch.setitem(event_types._types, "test.other", nothing)
    with django_assert_num_queries(5):  # the key; known? savepoint, insert, release
        assert post(event(type="test.other")).status_code == 201
