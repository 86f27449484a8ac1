"""Points are quarantined and released in a real Chromium, by two people, and the member sees them held meanwhile."""

import pytest
from django.core.management import call_command
from django.urls import reverse

from config.tests import sample
from config.tests.test_browser_operators import chromium, enter  # noqa: F401  fixtures
from loyalty.models import Quarantine
from loyalty.tests import stage
from loyalty.tests.api import callers
from loyalty.tests.api.callers import phone  # noqa: F401  fixture
from members.models import Member

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=False)]


@pytest.fixture
def house(transactional_db):
    """Alice has a hundred points; somebody of risk and somebody of finance."""
    call_command("sync_roles", verbosity=0)
    sample.staff("rita", "risk")
    sample.staff("felix", "finance")
    callers.member("alice", name="Alice")
    callers.grant(Member.objects.get(), 100)


def test_points_are_set_aside_seen_as_held_and_given_back_by_a_second_person(enter, live_server, phone, settings):  # noqa: F811
    settings.MEMBER_JWT_KEY, settings.MEMBER_JWT_ALGORITHMS = callers.SECRET, ["HS256"]
    app = phone(Member.objects.get())
    rita = enter("rita")
    rita.goto(live_server.url + reverse("admin:loyalty_lot_changelist"))
    rita.check("input[name=_selected_action]")
    rita.select_option("select[name=action]", "set_aside", force=True)
    rita.click("button[name=index]")
    rita.wait_for_selector("text=100 points of 1 member")
    rita.fill("#id_title", "Chargebacks")
    rita.fill("#id_evidence", "Letter 17 of the bank")
    rita.click("button[name=confirm]")
    rita.wait_for_selector("text=The points are set aside.")
    points = app.get("/api/v1/me").json()["points"]
    assert (points["available"], points["held"]) == (0, 100)

    felix = enter("felix")
    felix.goto(live_server.url + reverse("admin:loyalty_quarantine_change", args=[Quarantine.objects.get().pk]))
    felix.click("text=Release")
    felix.wait_for_selector("text=Letter 17 of the bank")
    felix.fill("#id_note", "The bank was mistaken")
    felix.click("button[name=confirm]")
    felix.wait_for_selector("text=Chargebacks: Released.")
    points = app.get("/api/v1/me").json()["points"]
    assert (points["available"], points["held"]) == (100, 0)
    assert stage.balance("alice").available == 100
