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
from loyalty.tests.stage import DAY
from members.models import PlanOffer, VoucherBatch
from members.tests import plus, risk
from rewards.tests import arcade, perks, shop

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


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
}
SEEN = dict(KINDS)
KINDS |= {
    "campaign": (a_campaign, "start", "budget", 777),
    "codes": (codes, "release", "size", 7),
}


class Fields(HTMLParser):
    """What a browser would send of a page's form."""

    def __init__(self, page: str):
        super().__init__()
        self.values: dict[str, Any] = {}
        self._select = self._text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        name, value = found.get("name"), found.get("value") or ""
        if tag == "input" and name and "disabled" not in found:
            if found.get("type") not in ("checkbox", "radio", "submit", "file") or "checked" in found:
                self._put(name, value if found.get("type") != "checkbox" else found.get("value") or "on")
        elif tag == "select" and name:
            self._select = name
        elif tag == "option" and self._select and "selected" in found:
            self._put(self._select, value)
        elif tag == "textarea" and name:
            self._text = name
            self.values[name] = ""

    def handle_endtag(self, tag):
        if tag == "select":
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
    return reverse(f"admin:{draft._meta.app_label}_{draft._meta.model_name}_{verb}", args=[draft.pk])


def person(name: str) -> Client:
    client = Client()
    client.force_login(sample.staff(name, is_superuser=True))
    return client


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
def test_an_edit_that_waited_for_the_agreement_changes_nothing_any_more(kind):
    make, button, field, value = KINDS[kind]
    draft = make()
    edith, agnes = person("edith"), person("agnes")
    edit = sent(edith, draft, "change") | {field: value}
    agree = sent(agnes, draft, button)
    was = getattr(draft, field)
    while_it_waits(
        lambda: agnes.post(address(draft, button), agree), lambda: edith.post(address(draft, "change"), edit)
    )
    draft.refresh_from_db()
    agreed = {getattr(draft, name, None) for name in ("status", "mode")} & {
        "active",
        "running",
        "published",
        "released",
    }
    # A campaign and a reward may be edited later, and then wait for another agreement.
    assert (agreed and getattr(draft, field) == was) or (kind in ("campaign", "reward") and not agreed)


@pytest.mark.parametrize("kind", SEEN)
def test_who_waited_for_an_edit_is_asked_again(kind):
    make, button, field, value = KINDS[kind]
    draft = make()
    edith, agnes = person("edith"), person("agnes")
    edit = sent(edith, draft, "change") | {field: value}
    agree = sent(agnes, draft, button)
    answer = while_it_waits(
        lambda: edith.post(address(draft, "change"), edit), lambda: agnes.post(address(draft, button), agree)
    )
    draft.refresh_from_db()
    assert str(getattr(draft, field)) == str(value)
    assert getattr(draft, "status", "") == "draft" or getattr(draft, "mode", "") == "draft"
    assert "The draft has changed meanwhile. Look at it again." in answer.content.decode()


def test_who_waited_for_an_edit_of_a_pack_is_asked_again():
    pack = perks.benefit("coupon-pack", kind="coupon_pack")
    item = pack.pack_items.create(reward=shop.a_reward("ten-off", kind="coupon"))
    draft = perks.grant(pack, value=1, status="draft", effective_from=None, activated_at=None)
    agnes = person("agnes")
    agree = sent(agnes, draft, "activate")
    item.quantity = 20
    answer = while_it_waits(item.save, lambda: agnes.post(address(draft, "activate"), agree))
    draft.refresh_from_db()
    assert draft.status == "draft"
    assert "The draft has changed meanwhile. Look at it again." in answer.content.decode()
