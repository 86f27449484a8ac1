import datetime as dt
from unittest import mock

import pytest
import time_machine

from common import clock
from common.models import InboxEvent, RejectedEvent
from common.services import inbox
from loyalty.api import check_ins
from loyalty.models import Activity
from loyalty.tests.api.callers import one_point_per_yuan

pytestmark = pytest.mark.django_db

MORNING = dt.datetime(2026, 3, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def five_points(db):
    with time_machine.travel(MORNING):
        one_point_per_yuan(event_type="member.checked_in", formula="fixed", points=5)


def test_a_check_in_counts_once_a_local_day(phone, alice, five_points):
    with time_machine.travel(MORNING):
        first = phone(alice).post("/api/v1/me/check-ins", {})
    with time_machine.travel(MORNING + dt.timedelta(hours=5)):
        again = phone(alice).post("/api/v1/me/check-ins", {"channel": "wap"})

    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json()["day"], first.json()["status"], again.json()["status"]) == (
        "2026-03-01",
        "applied",
        "duplicate",
    )
    assert first.json()["effects"]["points"]["earned"] == 5
    assert again.json()["effects"] == first.json()["effects"]
    assert Activity.objects.count() == 1
    assert alice.wallet.account.available == 5


def test_the_next_local_day_continues_the_streak(phone, alice, five_points):
    for days in (0, 1):
        with time_machine.travel(MORNING + dt.timedelta(days=days)):
            answer = phone(alice).post("/api/v1/me/check-ins", {})
    assert answer.json()["effects"]["activity"]["streak"] == 2


def test_the_day_is_the_programmes_not_utcs(phone, alice):
    with time_machine.travel(dt.datetime(2026, 3, 1, 16, 30, tzinfo=dt.UTC)):
        assert phone(alice).post("/api/v1/me/check-ins", {}).json()["day"] == "2026-03-02"
        assert clock.local_date(dt.datetime.now(dt.UTC)) == dt.date(2026, 3, 2)


def test_the_second_of_two_taps_at_once_hears_what_the_first_one_did(phone, alice):
    """The twin has taken the event in between the look and the deed."""
    with time_machine.travel(MORNING):
        first = phone(alice).post("/api/v1/me/check-ins", {}).json()
        looks = [None, InboxEvent.objects.get()]
    with (
        mock.patch.object(check_ins, "_first", side_effect=looks),
        time_machine.travel(MORNING + dt.timedelta(seconds=1)),
    ):
        again = phone(alice).post("/api/v1/me/check-ins", {})
    assert (again.status_code, again.json()["effects"]) == (200, first["effects"])
    assert RejectedEvent.objects.get().problem["code"] == inbox.EventIdReused.code


def test_bob_and_alice_check_in_each_for_themselves(phone, alice, bob):
    assert phone(alice).post("/api/v1/me/check-ins", {}).status_code == 201
    assert phone(bob).post("/api/v1/me/check-ins", {}).status_code == 201


def test_a_strangers_check_in_is_refused(client):
    assert client.post("/api/v1/me/check-ins", {}, content_type="application/json").status_code == 401
