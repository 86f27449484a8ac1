"""Phones are matched and never read: no table, log or refusal holds a number."""

import datetime as dt
import logging

import pytest
from django.apps import apps
from django.core import serializers

from common.models import Fact, RejectedEvent
from common.services import inbox, outbox
from members.models import Identity, Member
from members.services import identities, members
from members.services.profiles import Profile

AT = dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)
PHONE, NUMBER = "+86 138-0013-8000", "13800138000"


def event(type="member.registered", subject="alice", *, id="e1", time="2026-03-01T09:00:00Z", **data):
    return {
        "specversion": "1.0", "id": id, "source": "/shop", "type": type, "time": time, "subject": subject, "data": data
    }  # fmt: skip


def send(*events):
    return inbox.receive(list(events), AT)


def everything() -> str:
    """Every row of every table, as text."""
    return "".join(serializers.serialize("json", model.objects.all()) for model in apps.get_models())


@pytest.mark.parametrize(
    "written",
    ["+8613800138000", "+86 138 0013 8000", "008613800138000", "13800138000", "(138) 0013-8000", "+86138001３８０００"],
)
def test_one_number_has_one_digest_however_it_is_written(written):
    assert identities.normalise(written) == "+8613800138000"
    assert identities.digest(written) == identities.digest(PHONE)


@pytest.mark.parametrize("written", ["", "phone", "+0123456", "123", "+861380013800099999", "+86;drop"])
def test_what_is_no_number_has_no_digest(written):
    assert identities.digest(written) is None


def test_the_digest_depends_on_the_key(settings):
    before = identities.digest(PHONE)
    settings.IDENTITY_KEY = "another key"
    assert identities.digest(PHONE) != before


@pytest.mark.django_db
class TestEvents:
    def test_a_phone_is_kept_as_its_digest(self):
        assert send(event(phone=PHONE))[0]["status"] == "applied"
        row = Identity.objects.get()
        assert (row.member.external_id, row.digest) == ("alice", identities.digest(PHONE))

    def test_no_table_and_no_log_holds_the_number(self, caplog):
        caplog.set_level(logging.DEBUG)
        results = send(
            event(phone=PHONE),
            event("member.updated", id="e2", phone=NUMBER),
            event("member.updated", id="e3", phone=NUMBER, birthday="3026-01-01"),
            event("member.misspelt", id="e4", phone=NUMBER),
            event("member.updated", id="e5", phone=int(NUMBER)),
            event("order.completed", id="e6", phone=NUMBER),
        )
        assert [result["status"] for result in results] == ["applied", *["applied"], *["rejected"] * 4]
        assert RejectedEvent.objects.count() == 4
        kept = everything() + caplog.text + str(results)
        assert NUMBER not in kept
        assert "138-0013" not in kept
        assert identities.digest(PHONE) in kept

    def test_what_is_no_number_is_refused_and_changes_nothing(self):
        (result,) = send(event(phone="call me", name="Alice"))
        assert result["problem"]["errors"][0]["pointer"] == "/data/phone"
        assert not Member.objects.exists()

    def test_the_same_event_is_a_duplicate_and_another_number_is_another_event(self):
        send(event(phone=PHONE))
        assert send(event(phone=PHONE))[0]["status"] == "duplicate"
        assert send(event(phone="+8613900139000"))[0]["problem"]["code"] == "event_id_reused"

    def test_the_newest_word_counts_and_null_removes(self):
        send(event(phone=PHONE))
        send(event("member.updated", id="late", phone="+8613900139000", time="2026-03-01T08:00:00Z"))
        assert Identity.objects.get().digest == identities.digest(PHONE)
        send(event("member.updated", id="gone", phone=None, time="2026-03-01T09:30:00Z"))
        assert not Identity.objects.exists()

    def test_that_a_phone_was_said_is_told_but_not_which(self):
        send(event(), event("member.updated", id="e2", phone=PHONE))
        fact = Fact.objects.get(topic="member.updated")
        assert fact.payload["changed"] == ["phone"]

    def test_a_batch_of_phones_costs_no_more_queries_than_one(self, django_assert_max_num_queries):
        with django_assert_max_num_queries(12):
            send(*(event(subject=f"m-{n}", id=f"e-{n}", phone=f"+86138001380{n:02d}") for n in range(50)))
        assert Identity.objects.count() == 50


@pytest.mark.django_db
class TestMembers:
    def test_a_door_that_forgets_to_seal_is_refused(self):
        with pytest.raises(Exception, match="invalid_input"):
            members.register("alice", Profile(phone=NUMBER), AT)
        assert not Member.objects.exists()

    def test_who_leaves_can_be_matched_no_more(self):
        send(event(phone=PHONE))
        members.close("alice", AT)
        while outbox.dispatch(AT) + outbox.deliver(AT):
            pass
        assert not Identity.objects.exists()

    def test_a_merge_brings_the_phone_along(self):
        send(event(phone=PHONE), event(subject="bob", id="e2"))
        members.merge("alice", "bob", AT)
        while outbox.dispatch(AT) + outbox.deliver(AT):
            pass
        assert Identity.objects.get().member.external_id == "bob"
