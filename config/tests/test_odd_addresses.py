"""Addresses and forms that no page makes: whoever types or forges them is told, and no page fails."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.urls import reverse

from common.admin.choices import RowChoices
from config.tests import sample
from merchants.admin.site import site as merchant_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client):
    client.force_login(sample.staff("boss", is_superuser=True))
    return client


@pytest.mark.parametrize("forged", ["abc", "9" * 30])
def test_what_is_no_rows_key_is_an_error_of_the_field(boss, forged):
    address = reverse("admin:members_voucherbatch_add")
    assert boss.get(address, {"offer": forged}).status_code == 200
    answer = boss.post(address, {"offer": forged, "channel": forged})
    assert set(answer.context["adminform"].form.errors) >= {"offer", "channel"}


def test_every_field_in_which_rows_are_searched_is_guarded():
    pages = [*admin.site._registry.values(), *merchant_site._registry.values()]
    parts = [part for page in pages for part in (type(page), *page.inlines) if part.autocomplete_fields]
    assert parts
    assert all(issubclass(part, RowChoices) for part in parts)


@pytest.mark.parametrize(
    "asked",
    [
        {"at__year": "10000"}, {"at__year": "9999", "at__month": "12", "at__day": "31"}, {"at__year": "9" * 30},
        {"action__range": "x"}, {"id__range": "9" * 30}, {"id__in": ","}, {"o": "99"}, {"p": "-1"}, {"e": "1"},
    ],
    ids=str,
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_answered_with_the_plain_list(boss, asked):
    answer = boss.get(reverse("admin:common_auditentry_changelist"), asked, follow=True)
    assert answer.status_code == 200
    assert "cl" in answer.context


@pytest.mark.parametrize("owed", ["9" * 30, "x"])
def test_a_number_that_no_column_holds_is_one_too(boss, owed):
    answer = boss.get(reverse("admin:loyalty_account_changelist"), {"owed__in": owed}, follow=True)
    assert "cl" in answer.context


def test_a_file_of_rows_that_cannot_be_is_refused(boss):
    address = reverse("admin:rewards_redemption_export")
    assert boss.get(address, {"uuid__range": "x"}).status_code == 400


def test_a_null_character_is_refused(boss):
    assert boss.get(reverse("admin:common_auditentry_changelist"), {"actor_label": "\x00"}).status_code == 400


@pytest.mark.parametrize("verb", ["change", "delete", "history", "activate"])
def test_what_is_no_rows_key_is_not_found(boss, verb):
    assert boss.get(reverse(f"admin:loyalty_earningruleversion_{verb}", args=["x"])).status_code == 404


def test_an_address_fills_a_new_form_with_what_its_fields_can_read(boss):
    address = reverse("admin:loyalty_earningruleversion_add")
    asked = {"effective_until": "x", "effective_from": "2026-03-01 12:00", "points": "7"}
    form = boss.get(address, asked).context["adminform"].form
    assert (form.initial["points"], "effective_until" in form.initial) == (7, False)
    assert form.initial["effective_from"].year == 2026
