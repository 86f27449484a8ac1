"""Closing, merging and parting on the member's page: shown before it is done, and only for those who may."""

import pytest
from django.urls import reverse
from django.utils import timezone

from common.models import AuditEntry
from common.services import outbox
from config.tests import sample
from members.models import Member
from members.services import members

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(client):
    client.force_login(sample.staff("pia", "privacy"))
    return client


@pytest.fixture
def alice():
    sample.rule()
    sample.buy("alice", "o-1", at=timezone.now())
    sample.buy("bob", "o-2", at=timezone.now())
    return Member.objects.get(external_id="alice")


def page(verb: str, member: Member) -> str:
    return reverse(f"admin:members_member_{verb}", args=[member.pk])


def hear() -> None:
    while outbox.dispatch(timezone.now()) + outbox.deliver(timezone.now()):
        pass


def test_closing_says_what_is_lost_and_then_does_it(officer, alice):
    text = officer.get(page("close_account", alice)).content.decode()
    assert "worth 0.50 CNY" in text
    assert "This is for good" in text
    assert Member.objects.get(pk=alice.pk).status == "active"
    officer.post(page("close_account", alice), {"waive": "on", "reason": "she asked"})
    hear()
    alice.refresh_from_db()
    assert (alice.status, alice.erased_at is not None) == ("closed", True)
    assert sample.wallet("alice").account.available == 0
    assert AuditEntry.objects.get(action="members.members.close").actor_label == "pia"


def test_closing_needs_the_members_word(officer, alice):
    officer.post(page("close_account", alice), {"reason": "she asked"})
    assert Member.objects.get(pk=alice.pk).status == "active"


def test_what_hinders_is_said_and_there_is_no_button(officer, alice):
    wallet = sample.wallet("alice").account
    type(wallet).objects.filter(pk=wallet.pk).update(available=0, owed=9)
    text = officer.get(page("close_account", alice)).content.decode()
    assert "9 points are owed." in text
    assert "Close for good" not in text
    officer.post(page("close_account", alice), {"waive": "on", "reason": "she asked"})
    assert Member.objects.get(pk=alice.pk).status == "active"


def test_a_merge_shows_both_sides_first_and_is_done_when_seen(officer, alice):
    bob = Member.objects.get(external_id="bob")
    text = officer.post(page("merge", bob), {"into": "alice", "reason": "one person"}).content.decode()
    assert "100, each with its own expiry" in text
    assert Member.objects.get(pk=bob.pk).status == "active"
    officer.post(page("merge", bob), {"into": "alice", "reason": "one person", "seen": "alice"})
    hear()
    bob.refresh_from_db()
    assert bob.merged_into == alice
    assert sample.wallet("alice").account.available == 100


@pytest.mark.parametrize("into", ["bob", "nobody", ""])
def test_a_merge_into_nobody_or_oneself_is_refused(officer, alice, into):
    bob = Member.objects.get(external_id="bob")
    officer.post(page("merge", bob), {"into": into, "reason": "one person", "seen": into})
    assert Member.objects.get(pk=bob.pk).status == "active"


def test_undoing_says_what_cannot_come_back(officer, alice):
    bob = Member.objects.get(external_id="bob")
    members.merge("bob", "alice", timezone.now())
    hear()
    text = officer.get(page("unmerge", bob)).content.decode()
    assert "get 50 back" in text
    assert "What cannot come back" in text
    officer.post(page("unmerge", bob), {"reason": "a mistake"})
    hear()
    assert Member.objects.get(pk=bob.pk).status == "active"


@pytest.mark.parametrize("role", ["support", "operations", "finance", "risk"])
def test_nobody_else_closes_or_merges(client, alice, role):
    client.force_login(sample.staff(role, role))
    for verb in ("close_account", "merge", "unmerge"):
        assert client.get(page(verb, alice)).status_code == 403
