"""A merchant's messages reach those who agreed, once, within limits, and never tell who did not (S1-30)."""

import pytest

from common.models import Fact
from common.problems import InvalidInput
from loyalty.tests.stage import STAFF
from members.models import Consent
from members.services import consents
from merchants.models import CardSegment, Message
from merchants.selectors import messages as selectors
from merchants.services import audiences, messages
from merchants.tests import buyers
from merchants.tests.buyers import DAY, NOON
from merchants.tests.campaigning import a_club, cards

pytestmark = pytest.mark.django_db
NAMES = [f"m-{n}" for n in range(7)]


def agree(*names, merchant="acme"):
    for name in names:
        consents.give(buyers.a_member(name), Consent.Purpose.CONTACT, merchant, "app", NOON)


def a_message(club, **values):
    return Message.objects.create(club=club, **({"title": "Spring", "text": "New tea is here."} | values))


def told():
    return list(Fact.objects.filter(topic="merchant.message").order_by("pk").values_list("key", flat=True))


def test_only_those_who_agreed_with_this_merchant_hear_it_and_hear_it_once():
    club = a_club()
    buyers.a_merchant("zeta")
    cards(club, *NAMES)
    agree("m-0", "m-1")
    agree("m-2", merchant="zeta")
    sent = messages.send(a_message(club), STAFF, NOON)
    assert messages.deliver_due(NOON) == 1
    assert messages.deliver_due(NOON) == 0
    assert told() == ["m-0", "m-1"]
    sent.refresh_from_db()
    assert (sent.status, sent.reached, selectors.about(sent.reached)) == ("sent", 2, 0)
    payload = Fact.objects.filter(topic="merchant.message").first().payload
    assert (payload["merchant"], payload["title"], payload["text"]) == ("acme", "Spring", "New tea is here.")


def test_a_consent_that_is_withdrawn_before_the_delivery_counts():
    club = a_club()
    cards(club, *NAMES)
    agree(*NAMES)
    messages.send(a_message(club), STAFF, NOON)
    consents.withdraw(buyers.a_member("m-3"), Consent.Purpose.CONTACT, "acme", NOON)
    messages.deliver_due(NOON)
    assert told() == [name for name in NAMES if name != "m-3"]


def test_so_small_a_group_is_refused_because_it_would_tell_who_agreed():
    club = a_club()
    cards(club, *NAMES[:4])
    with pytest.raises(messages.AudienceTooSmall):
        messages.send(a_message(club), STAFF, NOON)
    assert Message.objects.get().status == "draft"


@pytest.mark.parametrize(("members", "said"), [(0, 0), (4, 0), (5, 5), (14, 10)])
def test_numbers_are_told_in_steps_of_five(members, said):
    assert selectors.about(members) == said


def test_one_message_a_day_and_four_a_month():
    club = a_club()
    cards(club, *NAMES)
    messages.send(a_message(club), STAFF, NOON)
    with pytest.raises(messages.TooManyMessages):
        messages.send(a_message(club), STAFF, NOON)
    for day in (1, 2, 3):
        messages.send(a_message(club), STAFF, NOON + day * DAY)
    with pytest.raises(messages.TooManyMessages):
        messages.send(a_message(club), STAFF, NOON + 4 * DAY)
    messages.send(a_message(club), STAFF, NOON + 31 * DAY)


def test_a_message_is_sent_once():
    club = a_club()
    cards(club, *NAMES)
    sent = messages.send(a_message(club), STAFF, NOON)
    with pytest.raises(messages.MessageSent):
        messages.send(sent, STAFF, NOON + DAY)


def test_killed_half_way_nobody_hears_it_twice(monkeypatch):
    monkeypatch.setattr(messages, "CARDS_PER_CHUNK", 3)
    club = a_club()
    cards(club, *NAMES)
    agree(*NAMES)
    messages.send(a_message(club), STAFF, NOON)
    publish, calls = messages.outbox.publish, []

    def die_in_the_second(facts, at):
        calls.append(facts)
        publish(facts, at)
        if len(calls) == 2:
            raise MemoryError

    monkeypatch.setattr(messages.outbox, "publish", die_in_the_second)
    with pytest.raises(MemoryError):
        messages.deliver_due(NOON)
    assert len(told()) == 3
    messages.deliver_due(NOON)
    assert sorted(told()) == NAMES
    assert Message.objects.get().reached == 7


def test_a_segment_chooses_and_another_clubs_segment_is_refused():
    club, other = a_club(), a_club("zeta")
    cards(club, *NAMES[:5], level=2)
    cards(club, *NAMES[5:])
    agree(*NAMES)
    high = CardSegment.objects.create(club=club, name="high", level_from=2)
    messages.send(a_message(club, audience="segment", segment=high), STAFF, NOON)
    messages.deliver_due(NOON)
    assert told() == NAMES[:5]
    foreign = CardSegment.objects.create(club=other, name="theirs")
    with pytest.raises(InvalidInput):
        messages.send(a_message(club, audience="segment", segment=foreign), STAFF, NOON + DAY)


def test_a_list_names_every_row_that_is_no_open_card_and_changes_nothing():
    club, other = a_club(), a_club("zeta")
    alice, bob = cards(club, "alice", "bob")
    (theirs,) = cards(other, "charlie", external_card="Z-1")
    alice.external_card = "A-1"
    alice.save()
    message = a_message(club, audience="list")
    with pytest.raises(InvalidInput) as refusal:
        audiences.list_cards(message, ["A-1", "Z-1", str(theirs.uuid), "nobody"], STAFF, NOON)
    assert [error["pointer"] for error in refusal.value.errors] == ["/cards/1", "/cards/2", "/cards/3"]
    assert not message.listed.exists()
    assert audiences.list_cards(message, ["A-1", str(bob.uuid), "A-1"], STAFF, NOON) == 2
    assert set(message.listed.all()) == {alice, bob}


def test_what_is_no_draft_for_a_list_takes_none():
    club = a_club()
    with pytest.raises(InvalidInput):
        audiences.list_cards(a_message(club), ["A-1"], STAFF, NOON)
