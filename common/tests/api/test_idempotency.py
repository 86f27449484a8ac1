import json
import threading

import pytest
from django.db import connection
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from common.api import idempotency
from common.api.authentication import ApiKeyAuthentication
from common.api.permissions import HasScope
from common.models import AuditEntry, IdempotencyRecord
from common.problems import Conflict
from common.services import api_keys, audit
from common.tests.conftest import AT, OPERATOR, TooSilly

pytestmark = pytest.mark.django_db


class PaymentsView(APIView):
    """Moves value: one audit entry a call."""

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    required_scopes = {"POST": "points:write"}
    pause = threading.Event()
    arrived = threading.Event()

    @idempotency.once
    def post(self, request):
        audit.record(audit.Actor("test"), "did", None, "paid", AT)
        match request.data.get("do"):
            case "refuse":
                raise TooSilly("No.")
            case "misread":
                raise ValidationError({"lines": [{"cash": ["Not a number."]}]})
            case "lose":
                raise Conflict(retry_after=1)
            case "break":
                raise RuntimeError("a bug")
            case "wait":
                self.arrived.set()
                self.pause.wait(10)
        return Response({"paid": request.data["amount"]}, status=201)


def pay(key, idempotency_key="k-1", path="/payments", **data):
    request = APIRequestFactory().post(path, data={"amount": 5} | data, format="json")
    request.META["HTTP_AUTHORIZATION"] = f"Key {key}"
    if idempotency_key is not None:
        request.META["HTTP_IDEMPOTENCY_KEY"] = idempotency_key
    return PaymentsView.as_view()(request).render()


def body(response):
    return json.loads(response.content)


def test_the_first_answer_is_replayed_and_nothing_is_done_again(key, deeds):
    first, second = pay(key), pay(key)
    assert (first.status_code, body(first)) == (second.status_code, body(second)) == (201, {"paid": 5})
    assert "Idempotency-Replayed" not in first.headers
    assert second["Idempotency-Replayed"] == "true"
    assert deeds() == 1


def test_without_a_key_every_call_counts(key, deeds):
    pay(key, None), pay(key, None)
    assert deeds() == 2


def test_another_body_is_refused(key, deeds):
    pay(key)
    response = pay(key, amount=6)
    assert (response.status_code, body(response)["code"]) == (422, "idempotency_key_reused")
    assert deeds() == 1


def test_another_address_is_refused(key, deeds):
    pay(key)
    assert body(pay(key, path="/refunds"))["code"] == "idempotency_key_reused"
    assert deeds() == 1


def test_the_same_body_written_in_another_order_is_the_same_request(key, deeds):
    pay(key, note="a")
    request = APIRequestFactory().post("/payments", data=b'{"note":"a",  "amount":5}', content_type="application/json")
    request.META |= {"HTTP_AUTHORIZATION": f"Key {key}", "HTTP_IDEMPOTENCY_KEY": "k-1"}
    assert PaymentsView.as_view()(request)["Idempotency-Replayed"] == "true"
    assert deeds() == 1


def test_each_caller_has_its_own_keys(key, deeds):
    other = api_keys.issue("another shop", ["points:write"], OPERATOR, AT)[1]
    assert (pay(key).status_code, pay(other).status_code) == (201, 201)
    assert deeds() == 2


@pytest.mark.parametrize(("do", "code"), [("refuse", "too_silly"), ("misread", "invalid_input")])
def test_a_refusal_changes_nothing_and_is_replayed_as_a_problem(key, deeds, do, code):
    first, second = pay(key, do=do), pay(key, do=do)
    assert body(first) == body(second)
    assert body(first)["code"] == code
    assert second["Content-Type"] == "application/problem+json"
    assert second["Idempotency-Replayed"] == "true"
    assert deeds() == 0


@pytest.mark.parametrize(("do", "status"), [("lose", 409), ("break", 500)])
def test_an_answer_that_asks_to_try_again_is_not_kept(key, deeds, do, status):
    assert pay(key, do=do).status_code == status
    assert not IdempotencyRecord.objects.exists()
    assert deeds() == 0
    assert pay(key).status_code == 201


@pytest.mark.parametrize("bad", ["", "x" * 201, "é", "a\tb"])
def test_a_key_that_cannot_be_stored_is_refused(key, deeds, bad):
    assert body(pay(key, bad))["code"] == "invalid_input"
    assert deeds() == 0


def test_a_call_that_may_not_be_made_leaves_no_record(db, deeds):
    reader = api_keys.issue("reader", ["members:read"], OPERATOR, AT)[1]
    assert pay(reader).status_code == 403
    assert not IdempotencyRecord.objects.exists()


def in_thread(work):
    def run():
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_key_in_flight_is_a_409_with_retry_after(key):
    PaymentsView.pause.clear()
    PaymentsView.arrived.clear()
    answers = []
    thread = in_thread(lambda: answers.append(pay(key, do="wait")))
    assert PaymentsView.arrived.wait(10)
    response = pay(key, do="wait")
    assert (response.status_code, body(response)["code"]) == (409, "idempotency_key_in_flight")
    assert response["Retry-After"] == "1"
    PaymentsView.pause.set()
    thread.join()
    assert answers[0].status_code == 201
    assert pay(key, do="wait")["Idempotency-Replayed"] == "true"
    assert AuditEntry.objects.filter(action="did").count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_eight_twins_at_once_pay_once(key, deeds):
    start, codes = threading.Barrier(8), []

    def send():
        start.wait()
        codes.append(pay(key).status_code)

    for thread in [in_thread(send) for _ in range(8)]:
        thread.join()
    assert deeds() == 1
    assert set(codes) <= {201, 409}
    assert 201 in codes


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_work_has_the_usual_lock_timeout_again(key, monkeypatch):
    seen = []
    monkeypatch.setattr(audit, "record", lambda *args: seen.append(lock_timeout()))
    before = lock_timeout()
    pay(key)
    assert seen == [before]
    assert before != f"{idempotency.WAIT_MS}ms"


def lock_timeout():
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return cursor.fetchone()[0]
