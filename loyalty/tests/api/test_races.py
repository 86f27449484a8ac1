"""Requests that come at the same instant; on a real PostgreSQL, where there are locks to wait for."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from loyalty.models import Hold
from loyalty.tests.api.callers import grant
from members.models import Member

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def at_once(call, times=8):
    """Call so many times at once; how often which status was answered."""

    def once(_):
        try:
            return call().status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return Counter(pool.map(once, range(times)))


def test_a_member_who_is_registered_eight_times_at_once_is_registered_once(server):
    answers = at_once(lambda: server.post("/api/v1/members", {"external_id": "alice"}))
    assert answers == {201: 1, 409: 7}
    assert Member.objects.count() == 1


def test_a_hold_that_is_asked_for_eight_times_at_once_with_one_key_is_placed_once(server, alice):
    account = grant(alice, 9000)
    body = {"member": "alice", "points": 1000, "lines": [{"line": "1", "cash": 4000}]}
    answers = at_once(lambda: server.post("/api/v1/holds", body, headers={"Idempotency-Key": "k"}))
    assert answers.keys() <= {201, 409}
    assert answers[201] >= 1
    account.refresh_from_db()
    assert (Hold.objects.count(), account.available) == (1, 8000)


def test_eight_holds_at_once_never_take_more_than_there_is(server, alice):
    account = grant(alice, 3500)
    body = {"member": "alice", "points": 1000, "lines": [{"line": "1", "cash": 4000}]}
    assert at_once(lambda: server.post("/api/v1/holds", body)) == {201: 3, 409: 5}
    account.refresh_from_db()
    assert (account.available, account.held) == (500, 3000)


def test_a_hold_is_captured_or_released_but_never_both(server, alice):
    account = grant(alice, 1000)
    body = {"member": "alice", "points": 1000, "lines": [{"line": "1", "cash": 4000}]}
    hold = server.post("/api/v1/holds", body).json()["uuid"]
    verbs = iter(["capture", "release"] * 4)
    at_once(lambda: server.post(f"/api/v1/holds/{hold}/{next(verbs)}"))
    account.refresh_from_db()
    status = Hold.objects.get().status
    assert (status, account.available, account.held) in [("captured", 0, 0), ("released", 1000, 0)]
