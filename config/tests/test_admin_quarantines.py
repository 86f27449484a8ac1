"""Points are set aside from the list of lots and decided on by a second person, with the reasons in words."""

import pytest
from django.urls import reverse

from config.tests import sample
from loyalty.models import Lot, Quarantine
from loyalty.tests.stage import balance, give

pytestmark = pytest.mark.django_db


@pytest.fixture
def lot():
    give(100)
    return Lot.objects.get()


@pytest.fixture
def rita(client):
    person = sample.staff("rita", "risk")
    client.force_login(person)
    return person


def set_aside(client, lot):
    data = {"action": "set_aside", "_selected_action": [lot.pk]}
    asked = client.post(reverse("admin:loyalty_lot_changelist"), data, follow=True)
    assert "100 points of 1 members" in asked.content.decode()
    client.post(reverse("admin:loyalty_quarantine_open"), {"title": "Chargebacks", "evidence": "Bank letter 17"})
    return Quarantine.objects.get()


def test_lots_are_set_aside_and_taken_back_by_somebody_else(client, rita, lot):
    case = set_aside(client, lot)
    assert (case.title, case.opened_by, balance().available) == ("Chargebacks", rita, 0)
    address = reverse("admin:loyalty_quarantine_reverse", args=[case.pk])
    refused = client.post(address, {"note": "fraud"}, follow=True)
    assert "Somebody else" in refused.content.decode()
    client.force_login(sample.staff("felix", "finance"))
    assert "Bank letter 17" in client.get(address).content.decode()
    client.post(address, {"note": "fraud"})
    case.refresh_from_db()
    assert (case.status, case.note) == ("reversed", "fraud")


def test_a_case_is_released_with_a_note(client, rita, lot):
    case = set_aside(client, lot)
    client.post(reverse("admin:loyalty_quarantine_release", args=[case.pk]), {"note": "all in order"})
    case.refresh_from_db()
    assert (case.status, balance().available) == ("released", 100)
    seen = client.get(reverse("admin:loyalty_quarantine_change", args=[case.pk])).content.decode()
    assert "all in order" in seen
    assert "alice" in seen


def test_support_can_set_nothing_aside(client, lot):
    client.force_login(sample.staff("sam", "support"))
    client.post(reverse("admin:loyalty_lot_changelist"), {"action": "set_aside", "_selected_action": [lot.pk]})
    assert client.get(reverse("admin:loyalty_quarantine_open")).status_code == 403
    assert not Quarantine.objects.exists()
