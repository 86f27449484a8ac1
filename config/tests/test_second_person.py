"""Two persons at once: what the second one agrees to is what she has looked at, and no edit writes over it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection, models, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.tests import sample
from loyalty.models import Campaign, GrowthPolicy
from loyalty.tests import gifting
from loyalty.tests.stage import DAY, STAFF
from members.models import Consent, PlanOffer, VoucherBatch
from members.tests import plus, risk
from merchants.models import LevelScheme, MerchantCampaign, Message, ProspectOffer, RebateScheme
from merchants.services import levels as level_service
from merchants.services.levels import Rung
from merchants.tests import buyers, campaigning
from rewards.tests import arcade, perks, shop

pytestmark = pytest.mark.django_db
CHANGED = "The draft has changed meanwhile. Look at it again."


def a_growth_policy() -> GrowthPolicy:
    return GrowthPolicy.objects.create(drafted_at=timezone.now())


def a_grant():
    return perks.grant(perks.benefit("parcel"), quota=2, status="draft", effective_from=None, activated_at=None)


def a_game_version():
    now = timezone.now()
    return arcade.a_draft(starts_at=now, ends_at=now + 30 * DAY)


def a_gift_campaign():
    return gifting.a_draft(ends_at=timezone.now() + 30 * DAY)


def a_campaign() -> Campaign:
    now = timezone.now()
    return Campaign.objects.create(code="spring", name="Spring", starts_at=now, ends_at=now + DAY, budget=1000)


def an_offer() -> PlanOffer:
    return PlanOffer.objects.create(
        plan=plus.plus().plan, code="month", name="A month", fee=1_990, starts_at=timezone.now()
    )


def codes() -> VoucherBatch:
    return VoucherBatch.objects.create(
        channel=plus.direct(),
        offer=plus.plus(),
        name="Acme",
        size=3,
        price=12_000,
        expires_at=timezone.now() + 30 * DAY,
    )


def levels() -> LevelScheme:
    rungs = [Rung("Base", 0), Rung("Gold", 100)]
    return level_service.draft(campaigning.a_club(), "amount", rungs, actor=STAFF, at=timezone.now())


def a_merchants_campaign() -> MerchantCampaign:
    now = timezone.now()
    return campaigning.a_draft(campaigning.a_club(), starts_at=now, ends_at=now + 30 * DAY)


def a_rebate_scheme() -> RebateScheme:
    scheme = RebateScheme.objects.create(merchant=buyers.a_merchant(), name="Partners")
    scheme.steps.create(from_spend=1000, percent=2)
    return scheme


def a_message() -> Message:
    club = campaigning.a_club()
    for name in ("alice", "bob", "carol", "dora", "emma", "fay"):
        member = buyers.a_member(name)
        buyers.a_card(member, club)
        buyers.consents(member, Consent.Purpose.CONTACT, "acme")
    return Message.objects.create(club=club, title="Hello", text="Come in")


def an_offer_to_prospects() -> ProspectOffer:
    club, now = campaigning.a_club(), timezone.now()
    return ProspectOffer.objects.create(
        merchant=club.merchant, club=club, category="books", title="Hello", message="Come in", starts_at=now,
        ends_at=now + DAY,
    )  # fmt: skip


# What is drafted, the button of the second person, and a field that the first one changes meanwhile.
KINDS: dict[str, tuple[Callable[[], models.Model], str, str, Any]] = {
    "edition": (a_growth_policy, "publish", "note", "Other"),
    "grant": (a_grant, "activate", "quota", 9),
    "game": (a_game_version, "activate", "daily_budget", 0),
    "gift campaign": (a_gift_campaign, "start", "days", 7),
    "rule": (sample.draft, "activate", "points", 999),
    "reward": (lambda: shop.a_reward("mug", status="draft", stock=5), "activate", "points", 999),
    "offer": (an_offer, "activate", "name", "Other"),
    "risk rule": (lambda: risk.draft("play"), "activate", "reason_en", "Other"),
    "campaign": (a_campaign, "start", "budget", 777),
    "codes": (codes, "release", "size", 7),
    "levels": (levels, "publish", "basis", "orders"),
    "merchant's campaign": (a_merchants_campaign, "start", "points", 99),
    "rebate scheme": (a_rebate_scheme, "start", "name", "Other"),
    "message": (a_message, "send", "text", "Other"),
    "offer to prospects": (an_offer_to_prospects, "start", "title", "Other"),
}


class Fields(HTMLParser):
    """What a browser would send of a page's form."""

    def __init__(self, page: str):
        super().__init__()
        self.values: dict[str, Any] = {}
        self._select = self._text = ""
        self._first: str | None = None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        name, value = found.get("name"), found.get("value") or ""
        if tag == "input" and name and "disabled" not in found:
            if found.get("type") not in ("checkbox", "radio", "submit", "file") or "checked" in found:
                self._put(name, value if found.get("type") != "checkbox" else found.get("value") or "on")
        elif tag == "select" and name:
            self._select, self._first = name, "" if "multiple" in found else None
        elif tag == "option" and self._select:
            self._first = value if self._first is None else self._first
            if "selected" in found:
                self._put(self._select, value)
        elif tag == "textarea" and name:
            self._text = name
            self.values[name] = ""

    def handle_endtag(self, tag):
        if tag == "select":
            if self._select and self._first:
                self.values.setdefault(self._select, [self._first])
            self._select = ""
        elif tag == "textarea":
            self._text = ""

    def handle_data(self, data):
        if self._text:
            self.values[self._text] += data.removeprefix("\n")

    def _put(self, name, value):
        self.values.setdefault(name, []).append(value)


class Words:
    """What the page of an answer says, for a test that fails."""

    def __init__(self, answer):
        self.answer = answer

    def __repr__(self) -> str:
        context = self.answer.context or {}
        faults = [
            form.errors for form in [getattr(context.get("adminform"), "form", None), context.get("form")] if form
        ]
        return f"{[str(message) for message in context.get('messages', ())]} {faults}"


def address(draft: models.Model, verb: str) -> str:
    return reverse(f"{site(draft)}:{draft._meta.app_label}_{draft._meta.model_name}_{verb}", args=[draft.pk])


def site(draft: models.Model) -> str:
    """What merchants start themselves is on their site."""
    return "merchant" if isinstance(draft, MerchantCampaign | RebateScheme | Message | ProspectOffer) else "admin"


def two_persons(draft: models.Model) -> list[Client]:
    """Edith edits, Agnes agrees."""
    clients = []
    for name in ("edith", "agnes"):
        client = Client()
        client.force_login(
            sample.merchant_staff(name) if site(draft) == "merchant" else sample.staff(name, is_superuser=True)
        )
        clients.append(client)
    return clients


def sent(client: Client, draft: models.Model, verb: str) -> dict[str, Any]:
    return Fields(client.get(address(draft, verb)).content.decode()).values


def while_it_waits(first: Callable[[], Any], second: Callable[[], Any]) -> Any:
    """Do the first thing and, before it is committed, begin the second, which must wait; what the second answers."""
    answers: list[Any] = []

    def work():
        try:
            answers.append(second())
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    with transaction.atomic():
        done = first()
        assert getattr(done, "status_code", 302) == 302, Words(done)
        thread.start()
        _until_somebody_waits()
        assert not answers
    thread.join()
    return answers[0]


def _until_somebody_waits() -> None:
    for _attempt in range(200):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    pytest.fail("nobody waited")


@pytest.mark.parametrize("kind", KINDS)
def test_who_agrees_to_what_was_edited_meanwhile_is_asked_again(kind):
    make, button, field, value = KINDS[kind]
    draft = make()
    edith, agnes = two_persons(draft)
    agree = sent(agnes, draft, button)
    edited = edith.post(address(draft, "change"), sent(edith, draft, "change") | {field: value})
    assert edited.status_code == 302, Words(edited)
    answer = agnes.post(address(draft, button), agree)
    draft.refresh_from_db()
    assert str(getattr(draft, field)) == str(value)
    assert state(draft) == "draft"
    assert CHANGED in answer.content.decode()


@pytest.mark.parametrize("kind", KINDS)
def test_an_edit_that_was_opened_before_the_agreement_changes_nothing_any_more(kind):
    make, button, field, value = KINDS[kind]
    draft = make()
    edith, agnes = two_persons(draft)
    edit = sent(edith, draft, "change") | {field: value}
    was = getattr(draft, field)
    agreed = agnes.post(address(draft, button), sent(agnes, draft, button))
    draft.refresh_from_db()
    assert state(draft) != "draft", Words(agreed)
    edith.post(address(draft, "change"), edit)
    draft.refresh_from_db()
    # A campaign and a reward may be edited later, and then wait for another agreement.
    assert getattr(draft, field) == was or (kind in ("campaign", "reward") and state(draft) in ("stopped", "draft"))


def state(draft: models.Model) -> str:
    return getattr(draft, "status", "") or getattr(draft, "mode", "")


# The lock is the same for all of them, but these two lock something else before.
RACED = pytest.mark.parametrize("kind", ["rule", "grant", "levels"])


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@RACED
def test_an_edit_that_waited_for_the_agreement_changes_nothing_any_more(kind):
    make, button, field, value = KINDS[kind]
    draft = make()
    edith, agnes = two_persons(draft)
    edit = sent(edith, draft, "change") | {field: value}
    agree = sent(agnes, draft, button)
    was = getattr(draft, field)
    while_it_waits(
        lambda: agnes.post(address(draft, button), agree), lambda: edith.post(address(draft, "change"), edit)
    )
    draft.refresh_from_db()
    assert state(draft) != "draft"
    assert getattr(draft, field) == was


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@RACED
def test_who_waited_for_an_edit_is_asked_again(kind):
    make, button, field, value = KINDS[kind]
    draft = make()
    edith, agnes = two_persons(draft)
    edit = sent(edith, draft, "change") | {field: value}
    agree = sent(agnes, draft, button)
    answer = while_it_waits(
        lambda: edith.post(address(draft, "change"), edit), lambda: agnes.post(address(draft, button), agree)
    )
    draft.refresh_from_db()
    assert state(draft) == "draft"
    assert CHANGED in answer.content.decode()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_deletion_that_waited_for_the_agreement_deletes_nothing():
    draft = sample.draft()
    edith, agnes = two_persons(draft)
    agree = sent(agnes, draft, "activate")
    while_it_waits(
        lambda: agnes.post(address(draft, "activate"), agree),
        lambda: edith.post(address(draft, "delete"), {"post": "yes"}),
    )
    draft.refresh_from_db()
    assert draft.status == "active"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_who_waited_for_an_edit_of_a_pack_is_asked_again():
    pack = perks.benefit("coupon-pack", kind="coupon_pack")
    item = pack.pack_items.create(reward=shop.a_reward("ten-off", kind="coupon"))
    draft = perks.grant(pack, value=1, status="draft", effective_from=None, activated_at=None)
    _edith, agnes = two_persons(draft)
    agree = sent(agnes, draft, "activate")
    item.quantity = 20
    answer = while_it_waits(item.save, lambda: agnes.post(address(draft, "activate"), agree))
    draft.refresh_from_db()
    assert draft.status == "draft"
    assert CHANGED in answer.content.decode()
