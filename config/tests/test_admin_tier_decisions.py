"""Tiers that people decide on come as a file, all or nothing; the history of tiers leaves as one."""

import datetime as dt

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from common import clock
from common.models import AuditEntry
from config.tests import sample
from loyalty.models import TierChange
from loyalty.tests import stage

pytestmark = pytest.mark.django_db

CSV = 0
UNTIL = (clock.local_date(timezone.now()) + dt.timedelta(days=30)).isoformat()
GOOD = f"external_id,tier,until,note\nalice,gold,{UNTIL},A complaint\nbob,silver,{UNTIL},From the old programme\n"


@pytest.fixture(autouse=True)
def members(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    stage.a_ladder()
    stage.a_growth_policy()
    for name in ("alice", "bob"):
        stage.send("member.logged_in", name, timezone.now())


@pytest.fixture
def fiona(client):
    person = sample.staff("fiona", "finance")
    client.force_login(person)
    return person


def try_file(client, text: str):
    data = {"import_file": SimpleUploadedFile("tiers.csv", text.encode()), "format": CSV, "resource": ""}
    return client.post(reverse("admin:loyalty_tierchange_import"), data)


def confirm(client, answer):
    form = answer.context["confirm_form"]
    return client.post(reverse("admin:loyalty_tierchange_process_import"), form.initial, follow=True)


def tiers() -> list[str]:
    return [stage.standing(name).tier.code for name in ("alice", "bob")]


def by_hand():
    return TierChange.objects.filter(reason="override").order_by("pk")


def test_a_file_is_tried_and_then_each_row_is_a_tier_set_by_hand(client, fiona):
    before = tiers()
    answer = try_file(client, GOOD)
    assert "Confirm import" in answer.content.decode()
    assert (tiers(), by_hand().count(), AuditEntry.objects.count()) == (before, 0, 0)

    confirm(client, answer)
    assert tiers() == ["gold", "silver"]
    rows = by_hand().values_list("member__external_id", "note", "decided_by__username")
    assert list(rows) == [("alice", "A complaint", "fiona"), ("bob", "From the old programme", "fiona")]
    assert stage.standing("alice").override_until == clock.day_end(dt.date.fromisoformat(UNTIL))
    assert AuditEntry.objects.filter(action="loyalty.overrides.set_tier", actor=fiona).count() == 2


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (f"zoe,gold,{UNTIL},why", "No such member"),
        (f"alice,gold,{UNTIL},why", "twice in this file"),
        (f"bob,platinum,{UNTIL},why", "No such tier: platinum"),
        ("bob,gold,2020-01-01,why", "last day must not have passed"),
        ("bob,gold,some day,why", "valid date"),
        (f"bob,gold,{UNTIL},", "required"),
    ],
)
def test_one_bad_row_refuses_the_whole_file(client, fiona, row, complaint):
    page = try_file(client, f"external_id,tier,until,note\nalice,gold,{UNTIL},why\n{row}\n").content.decode()
    assert complaint in page
    assert "Confirm import" not in page
    assert by_hand().count() == 0


def test_what_goes_wrong_after_the_trial_leaves_no_row_behind(client, fiona):
    answer = try_file(client, GOOD)
    stage.send("member.closed", "bob", timezone.now())
    before = tiers()
    page = confirm(client, answer).content.decode()
    assert "Nothing was imported" in page
    assert (tiers(), by_hand().count()) == (before, 0)


@pytest.mark.parametrize("role", ["operations", "risk", "support"])
def test_who_may_not_set_a_tier_cannot_import_one(client, role):
    client.force_login(sample.staff(role, role))
    assert try_file(client, GOOD).status_code == 403


def test_the_history_leaves_as_a_file(client, fiona):
    confirm(client, try_file(client, GOOD))
    columns = ("at", "external_id", "before", "after", "reason", "growth", "until", "note", "decided_by")
    data = {"format": CSV, "resource": ""} | dict.fromkeys(columns, "on")
    lines = client.post(reverse("admin:loyalty_tierchange_export"), data).content.decode().splitlines()
    assert lines[0] == ",".join(columns)
    assert [line.split(",")[1] for line in lines if ",override," in line] == ["bob", "alice"]
    assert ",0.00," in lines[1]
