"""Credit scores come as a file: tried first, taken as a whole, told as facts; and leave as one, harmless."""

import datetime as dt
import io

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from common.models import AuditEntry, Fact
from config.tests import sample
from members.models import CreditScore, Member

pytestmark = pytest.mark.django_db

AT = dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)
CSV, XLSX = 0, 1
GOOD = "external_id,score,at\nalice,85,2026-03-01T10:00:00Z\nbob,12,2026-03-01T10:00:00Z\n"


@pytest.fixture(autouse=True)
def members(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    for name in ("alice", "bob"):
        Member.objects.create(external_id=name, registered_at=AT)


@pytest.fixture
def olivia(client):
    person = sample.staff("olivia", "operations")
    client.force_login(person)
    return person


def try_file(client, text: str | bytes, format: int = CSV):
    """Upload a file; the answer shows row by row what would happen."""
    content = text.encode() if isinstance(text, str) else text
    data = {"import_file": SimpleUploadedFile("scores.csv", content), "format": format, "resource": ""}
    return client.post(reverse("admin:members_creditscore_import"), data)


def confirm(client, answer):
    """Press the button of the page that showed the file."""
    form = answer.context["confirm_form"]
    return client.post(reverse("admin:members_creditscore_process_import"), form.initial, follow=True)


def scores() -> list[tuple]:
    return list(CreditScore.objects.order_by("pk").values_list("member__external_id", "score", "at"))


def test_a_file_is_tried_and_then_taken(client, olivia):
    answer = try_file(client, GOOD)
    page = answer.content.decode()
    assert ("Confirm import" in page, "alice" in page, "85" in page) == (True, True, True)
    assert (scores(), Fact.objects.count(), AuditEntry.objects.count()) == ([], 0, 0)

    confirm(client, answer)
    assert scores() == [("alice", 85, AT), ("bob", 12, AT)]
    facts = Fact.objects.filter(topic="member.credit_updated").order_by("pk")
    assert [(fact.key, "score" in fact.payload) for fact in facts] == [("alice", False), ("bob", False)]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.summary) == ("members.credit.import", olivia, "Imported 2 credit scores.")


def test_the_same_file_again_changes_nothing(client, olivia):
    confirm(client, try_file(client, GOOD))
    confirm(client, try_file(client, GOOD))
    assert (len(scores()), Fact.objects.count()) == (2, 2)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("zoe,85,2026-03-01T10:00:00Z", "No such member: zoe"),
        ("bob,minus one,2026-03-01T10:00:00Z", "whole number"),
        ("bob,-1,2026-03-01T10:00:00Z", "greater than or equal to 0"),
        ("bob,1000001,2026-03-01T10:00:00Z", "less than or equal to 1000000"),
        ("bob,12,yesterday", "valid date/time"),
        ("bob,12,2999-01-01T10:00:00Z", "future"),
        ("bob,,2026-03-01T10:00:00Z", "required"),
        ("alice,86,2026-03-01T10:00:00Z", "Another score is known for this instant: 85"),
    ],
)
def test_one_bad_row_refuses_the_whole_file(client, olivia, row, complaint):
    answer = try_file(client, f"external_id,score,at\nalice,85,2026-03-01T10:00:00Z\n{row}\n")
    page = answer.content.decode()
    assert complaint in page
    assert "Confirm import" not in page
    assert scores() == []


def test_a_member_who_left_gets_no_score(client, olivia):
    Member.objects.filter(external_id="bob").update(status="closed")
    assert "bob is no active member" in try_file(client, GOOD).content.decode()


def test_another_score_for_a_known_instant_is_refused(client, olivia):
    confirm(client, try_file(client, GOOD))
    page = try_file(client, GOOD.replace("85", "86")).content.decode()
    assert "Another score is known for this instant: 85" in page


def test_a_file_that_went_bad_after_the_trial_changes_nothing(client, olivia):
    answer = try_file(client, GOOD)
    Member.objects.filter(external_id="bob").update(status="closed")
    page = confirm(client, answer).content.decode()
    assert "Nothing was imported" in page
    assert (scores(), Fact.objects.count(), AuditEntry.objects.count()) == ([], 0, 0)


def test_a_file_without_a_column_is_refused(client, olivia):
    assert "has no column “at”" in try_file(client, "external_id,score\nalice,85\n").content.decode()


def test_a_spreadsheet_is_read_as_well(client, olivia):
    book = openpyxl.Workbook()
    book.active.append(["external_id", "score", "at"])
    book.active.append(["alice", 85, dt.datetime(2026, 3, 1, 18)])  # noqa: DTZ001  a cell has no time zone
    data = io.BytesIO()
    book.save(data)
    confirm(client, try_file(client, data.getvalue(), XLSX))
    assert scores() == [("alice", 85, AT)]


def test_the_upload_is_gone_after_the_import(client, olivia, tmp_path):
    confirm(client, try_file(client, GOOD))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_costs_the_same_for_many_rows(client, olivia, django_assert_max_num_queries):
    Member.objects.bulk_create(Member(external_id=f"m-{n}", registered_at=AT) for n in range(100))
    rows = "".join(f"m-{n},{n},2026-03-01T10:00:00Z\n" for n in range(100))
    answer = try_file(client, f"external_id,score,at\n{rows}")
    with django_assert_max_num_queries(35):
        confirm(client, answer)
    assert len(scores()) == 100


@pytest.mark.parametrize("role", ["finance", "risk", "support"])
def test_who_may_only_look_cannot_import(client, role):
    client.force_login(sample.staff(role, role))
    assert try_file(client, GOOD).status_code == 403
    assert client.post(reverse("admin:members_creditscore_process_import"), {}).status_code == 403
    page = client.get(reverse("admin:members_creditscore_changelist")).content.decode()
    assert reverse("admin:members_creditscore_import") not in page


def test_the_list_leaves_as_a_file_in_which_no_formula_lives(client, olivia):
    evil = Member.objects.create(external_id='=HYPERLINK("http://x")', registered_at=AT)
    CreditScore.objects.create(member=evil, score=7, at=AT)
    data = {"format": CSV, "resource": "", "external_id": "on", "score": "on", "at": "on"}
    answer = client.post(reverse("admin:members_creditscore_export"), data)
    text = answer.content.decode()
    assert text.splitlines()[0] == "external_id,score,at"
    assert "'=HYPERLINK(" in text
    assert AuditEntry.objects.get().action == "members.creditscore.export"
