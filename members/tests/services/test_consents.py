"""Consents: separate, named, revocable; the history stays (PIPL 23)."""

import datetime as dt
import threading

import pytest
from django.db import connection

from common.models import Fact
from common.services import outbox
from members.models import Consent, Member
from members.selectors import consents as selector
from members.services import consents, members, recipients

AT = dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
INSIGHT, CONTACT, PERSONALISE = Consent.Purpose.INSIGHT, Consent.Purpose.CONTACT, Consent.Purpose.PERSONALISE


@pytest.fixture(autouse=True)
def merchants(monkeypatch):
    known = {code: recipients.Recipient(code, code.title()) for code in ("acme", "other")}
    monkeypatch.setattr(recipients, "_find", lambda codes: {code: known[code] for code in codes if code in known})


def hear():
    while outbox.dispatch(AT) + outbox.deliver(AT):
        pass


@pytest.mark.django_db
class TestGiving:
    def test_a_consent_stands_for_its_purpose_and_recipient_only(self, alice, bob):
        consents.give(alice, INSIGHT, "acme", "app", AT)
        assert selector.has(alice, INSIGHT, "acme")
        assert not selector.has(alice, CONTACT, "acme")
        assert not selector.has(alice, INSIGHT, "other")
        assert list(selector.members_with(INSIGHT, "acme")) == [alice.pk]
        assert not selector.has(bob, INSIGHT, "acme")

    def test_giving_twice_is_giving_once(self, alice):
        first = consents.give(alice, INSIGHT, "acme", "app", AT)
        assert consents.give(alice, INSIGHT, "acme", "shop", AT + HOUR).pk == first.pk
        assert Fact.objects.filter(topic="consent.given").count() == 1

    @pytest.mark.parametrize(("purpose", "recipient"), [(INSIGHT, ""), (INSIGHT, "nobody"), (PERSONALISE, "acme")])
    def test_a_consent_to_nobody_in_particular_is_none(self, alice, purpose, recipient):
        with pytest.raises(consents.UnknownRecipient):
            consents.give(alice, purpose, recipient, "app", AT)
        assert not Consent.objects.exists()

    def test_withdrawing_keeps_the_history(self, alice):
        consents.give(alice, INSIGHT, "acme", "app", AT)
        assert consents.withdraw(alice, INSIGHT, "acme", AT + HOUR)
        assert not consents.withdraw(alice, INSIGHT, "acme", AT + HOUR)
        consents.give(alice, INSIGHT, "acme", "shop", AT + 2 * HOUR)
        rows = Consent.objects.order_by("given_at").values_list("source", "withdrawn_at")
        assert list(rows) == [("app", AT + HOUR), ("shop", None)]
        assert Fact.objects.get(topic="consent.withdrawn").payload == {"purpose": "insight", "recipient": "acme"}


@pytest.mark.django_db
class TestEnds:
    def test_no_consent_outlives_the_account(self, alice):
        consents.give(alice, INSIGHT, "acme", "app", AT)
        members.close("alice", AT + HOUR)
        hear()
        assert selector.open_of(alice) == set()

    def test_merged_members_keep_what_both_agreed_to(self, alice, bob):
        for member, purpose in ((alice, INSIGHT), (alice, CONTACT), (bob, INSIGHT), (bob, PERSONALISE)):
            consents.give(member, purpose, "" if purpose == PERSONALISE else "acme", "app", AT)
        members.merge("alice", "bob", AT + HOUR)
        hear()
        assert selector.open_of(bob) == {(INSIGHT, "acme")}
        assert selector.open_of(alice) == set()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_giving_at_once_opens_one(alice):
    given, errors = [], []

    def give():
        try:
            given.append(consents.give(alice, INSIGHT, "acme", "app", AT).pk)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=give) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(set(given)) == 1
    assert Consent.objects.count() == 1


@pytest.mark.django_db
class TestParting:
    """Merged by mistake: each has again what she had agreed to herself (domain.md E58)."""

    def test_each_gets_her_own_consents_back(self, alice, bob):
        consents.give(alice, INSIGHT, "acme", "app", AT)
        consents.give(bob, CONTACT, "acme", "shop", AT)
        consents.intersect(bob, alice, AT + HOUR)
        assert not selector.open_of(alice) | selector.open_of(bob)
        assert consents.part(bob, alice, AT + 2 * HOUR) == 2
        assert (selector.open_of(alice), selector.open_of(bob)) == ({("insight", "acme")}, {("contact", "acme")})
        assert Consent.objects.get(member=bob, withdrawn_at=None).source == "shop"

    def test_what_was_taken_back_meanwhile_stays_taken_back_for_both(self, alice, bob):
        for member in (alice, bob):
            consents.give(member, INSIGHT, "acme", "app", AT)
        consents.intersect(bob, alice, AT + HOUR)
        consents.withdraw(alice, INSIGHT, "acme", AT + 2 * HOUR)
        consents.part(bob, alice, AT + 3 * HOUR)
        assert not selector.open_of(alice) | selector.open_of(bob)

    def test_what_was_taken_back_further_along_a_chain_of_merges_stays_taken_back(self, alice, bob):
        charlie = Member.objects.create(external_id="charlie", registered_at=AT)
        for member in (alice, bob, charlie):
            consents.give(member, INSIGHT, "acme", "app", AT)
        consents.give(bob, CONTACT, "acme", "app", AT)
        consents.intersect(bob, alice, AT + HOUR)
        consents.intersect(alice, charlie, AT + HOUR)
        Member.objects.filter(pk=alice.pk).update(merged_into=charlie, status="merged")
        alice.refresh_from_db()
        consents.withdraw(charlie, INSIGHT, "acme", AT + 2 * HOUR)
        consents.part(bob, alice, AT + 3 * HOUR)
        assert selector.open_of(bob) == {("contact", "acme")}
        assert not selector.open_of(alice)

    def test_parting_twice_is_parting_once(self, alice, bob):
        consents.give(bob, INSIGHT, "acme", "app", AT)
        consents.intersect(bob, alice, AT + HOUR)
        assert [consents.part(bob, alice, AT + 2 * HOUR) for _ in range(2)] == [1, 0]

    def test_what_she_gave_anew_is_not_given_twice(self, alice, bob):
        consents.give(alice, INSIGHT, "acme", "app", AT)
        consents.intersect(bob, alice, AT + HOUR)
        consents.give(alice, INSIGHT, "acme", "app", AT + 2 * HOUR)
        assert consents.part(bob, alice, AT + 3 * HOUR) == 0
        assert selector.open_of(alice) == {("insight", "acme")}
