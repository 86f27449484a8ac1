import datetime as dt

import pytest

from common.models import Fact, RejectedEvent
from common.services import inbox
from members.models import CreditScore, Member
from members.selectors import credit
from members.services import admission

pytestmark = pytest.mark.django_db

AT = dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)


def event(type, subject="alice", data=None, *, id="e1", time="2026-03-01T09:00:00Z"):
    return {
        "specversion": "1.0",
        "id": id,
        "source": "/shop",
        "type": type,
        "time": time,
        "subject": subject,
        "data": {} if data is None else data,
    }


def send(*events):
    return inbox.receive(list(events), AT)


def test_a_registration_enters_the_member_with_the_time_of_the_event():
    (result,) = send(event("member.registered", data={"name": "Alice", "kind": "business"}))

    assert (result["status"], result["effects"]) == ("applied", {"member": {"registered": True, "status": "active"}})
    alice = Member.objects.get(external_id="alice")
    assert (alice.name, alice.kind, alice.registered_at) == ("Alice", "business", AT - dt.timedelta(hours=1))


def test_a_registration_of_somebody_met_before_fills_in_the_profile(alice):
    (result,) = send(event("member.registered", data={"name": "Alice A.", "registered_at": "2020-01-01T00:00:00Z"}))
    alice.refresh_from_db()
    assert result["effects"]["member"]["registered"] is False
    assert (alice.name, alice.registered_at.year) == ("Alice A.", 2020)


def test_the_same_event_counts_once():
    first, second = send(event("member.registered"), event("member.registered"))
    assert (first["status"], second["status"]) == ("applied", "duplicate")
    assert first["effects"] == second["effects"]
    assert Fact.objects.count() == 1


def test_an_update_of_an_unknown_member_registers_if_the_programme_says_so(monkeypatch):
    monkeypatch.setattr(admission, "_decide", lambda: False)
    (refused,) = send(event("member.updated", data={"name": "A"}))
    assert (refused["status"], refused["problem"]["code"]) == ("rejected", "unknown_member")
    monkeypatch.setattr(admission, "_decide", lambda: True)
    (taken,) = send(event("member.updated", data={"name": "A"}))
    assert taken["status"] == "applied"
    assert Member.objects.get().name == "A"


def test_a_refused_merge_registers_nobody(bob):
    send(event("member.closed", "bob", id="e0"))
    (result,) = send(event("member.merged", "new", {"into": "bob"}))
    assert result["problem"]["code"] == "member_closed"
    assert not Member.objects.filter(external_id="new").exists()


def test_two_members_nobody_knew_can_be_merged():
    (result,) = send(event("member.merged", "old", {"into": "new"}))
    assert result["effects"] == {"member": {"status": "merged", "merged_into": "new"}}
    assert Member.objects.get(external_id="old").merged_into.external_id == "new"


def test_what_changes_nothing_is_ignored_with_a_reason(alice, bob):
    first, second = send(event("member.closed", id="a"), event("member.closed", id="b"))
    assert (first["status"], second["status"], second["reason"]) == ("applied", "ignored", "already_closed")
    (same,) = send(event("member.updated", "bob", {"name": ""}, id="c"))
    assert (same["status"], same["reason"]) == ("ignored", "nothing_changed")


def test_late_credit_scores_take_their_place_in_the_past(alice):
    send(
        event("member.credit_updated", data={"score": 720}, id="new", time="2026-03-01T09:00:00Z"),
        event("member.credit_updated", data={"score": 650}, id="old", time="2026-02-01T09:00:00Z"),
    )
    assert credit.newest(alice, AT) == 720
    assert credit.newest(alice, AT - dt.timedelta(days=2)) == 650


def test_a_batch_of_many_members_is_taken_in_with_few_queries(django_assert_max_num_queries):
    events = [event("member.registered", f"m{n}", {"name": f"N{n}"}, id=f"r{n}") for n in range(200)]
    updates = [event("member.updated", f"m{n}", {"name": f"U{n}"}, id=f"u{n}") for n in range(200)]
    with django_assert_max_num_queries(12):
        results = send(*events, *updates)
    assert {result["status"] for result in results} == {"applied"}
    assert Member.objects.filter(name__startswith="U").count() == 200
    assert Fact.objects.count() == 400


BAD = [
    ("member.registered", {"birthday": "1990-02-30"}, "/data/birthday"),
    ("member.registered", {"birthday": "2999-01-01"}, "/data/birthday"),
    ("member.registered", {"birthday": 19900230}, "/data/birthday"),
    ("member.registered", {"phone_verified": "yes"}, "/data/phone_verified"),
    ("member.registered", {"kind": "alien"}, "/data/kind"),
    ("member.registered", {"name": "x" * 201}, "/data/name"),
    ("member.registered", {"name": ["Alice"]}, "/data/name"),
    ("member.registered", {"registered_at": "2026-01-01"}, "/data/registered_at"),
    ("member.registered", {"registered_at": "0001-01-01T00:00:00+14:00"}, "/data/registered_at"),
    ("member.registered", {"attributes": {"a": {"b": 1}}}, "/data/attributes"),
    ("member.registered", {"attributes": {"a": 10**30}}, "/data/attributes"),
    ("member.registered", [], "/data"),
    ("member.registered", "Alice", "/data"),
    ("member.merged", {}, "/data"),
    ("member.merged", {"into": ""}, "/data/into"),
    ("member.merged", {"into": "a/b"}, "/data/into"),
    ("member.credit_updated", {}, "/data"),
    ("member.credit_updated", {"score": -1}, "/data/score"),
    ("member.credit_updated", {"score": 10**12}, "/data/score"),
    ("member.credit_updated", {"score": 7.5}, "/data/score"),
    ("member.credit_updated", {"score": "720"}, "/data/score"),
]


@pytest.mark.parametrize(("type", "data", "pointer"), BAD)
def test_bad_data_is_rejected_with_a_pointer_and_changes_nothing(type, data, pointer):
    (result,) = send(event(type, data=data))
    assert result["status"] == "rejected"
    assert result["problem"]["code"] == "invalid_input"
    assert result["problem"]["errors"][0]["pointer"].startswith(pointer)
    assert (Member.objects.count(), CreditScore.objects.count(), RejectedEvent.objects.count()) == (0, 0, 1)


@pytest.mark.parametrize("subject", ["", "a/b", "tab\t", None])
def test_a_subject_that_names_nobody_is_rejected(subject):
    (result,) = send(event("member.registered", subject))
    assert result["problem"]["errors"][0]["pointer"] == "/subject"
    assert not Member.objects.exists()


def test_an_instant_with_an_odd_offset_is_an_instant_like_any_other():
    (result,) = send(
        event(
            "member.registered", data={"registered_at": "2020-03-01T10:00:00-20:20"}, time="2026-02-28T10:00:00-20:20"
        )
    )
    assert result["status"] == "applied"
    assert Member.objects.get().registered_at == dt.datetime(2020, 3, 2, 6, 20, tzinfo=dt.UTC)
