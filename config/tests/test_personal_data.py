"""Personal data: no table of it is forgotten, and nobody of the staff sees it unseen."""

from __future__ import annotations

import json
import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from common.models import AuditEntry, Look
from common.services.audit import Actor
from config.tests import sample
from config.tests.test_admin_pages import pages
from loyalty.models import Account, Order
from members.models import Member
from members.selectors import records
from members.services import exports, members
from merchants.admin.site import site as merchant_site

pytestmark = pytest.mark.django_db

NOT_ABOUT_MEMBERS = {
    "loyalty.Campaign": "its funder is a merchant's purse",
    "loyalty.HistoricalCampaign": "its funder is a merchant's purse",
    "merchants.Purse": "the account of a merchant",
    "merchants.MerchantCampaign_pockets": "parts of a merchant's purse",
    "merchants.Pocket": "a part of a merchant's purse",
}
"""Tables from which a foreign key leads to a member or an account, and yet no row is about one: why."""
OTHERS_ACCOUNT = {"funder", "contra_account", "merged_into", "pocket"}


def about_members() -> set[type[models.Model]]:
    """Every table from which foreign keys lead to a member, directly or over others of them."""
    found, left_out = {Member}, set(NOT_ABOUT_MEMBERS)
    while True:
        more = {
            model
            for model in apps.get_models(include_auto_created=True)
            if model not in found and model._meta.label not in left_out
            for column in model._meta.concrete_fields
            if column.related_model in found | {Account} and column.name not in OTHERS_ACCOUNT
        }
        if not more:
            return found | {Account}
        found |= more


def test_every_table_about_members_is_named_or_left_out_for_a_reason():
    named = {record.model for record in records.each()}
    forgotten = {model._meta.label for model in about_members() - named}
    assert not forgotten, f"name them in the app's selectors/records.py, or in NOT_ABOUT_MEMBERS: {forgotten}"
    assert set(NOT_ABOUT_MEMBERS) <= {model._meta.label for model in apps.get_models(include_auto_created=True)}


def test_every_record_leads_to_members_and_names_fields_that_are_there():
    alice = Member.objects.create(external_id="alice", registered_at=timezone.now())
    codes = [record.code for record in records.each()]
    assert len(codes) == len(set(codes))
    for record in records.each():
        record.rows([alice]).count()
        names = {column.name for column in record.model._meta.concrete_fields}
        assert set(record.hidden) | set(record.erased) <= names, record.code
        assert all(record.hidden.values()), f"{record.code}: a reason for what is hidden"


@pytest.fixture
def house():
    """The sample, before anybody has looked."""
    sample.everything()
    models.QuerySet(Look).delete()


def document(member: str) -> dict:
    found = Member.objects.get(external_id=member)
    return json.loads(b"".join(exports.export(found, Actor("a test"), timezone.now())))


def test_the_export_holds_what_stands_in_every_table_about_the_member(house):
    parts = document("alice")["parts"]
    alice = Member.objects.get(external_id="alice")
    for record in records.each():
        if record.withheld:
            assert record.code not in parts
        else:
            assert len(parts[record.code]["rows"]) == record.rows([alice]).count()
    assert {order["code"] for order in parts["orders"]["rows"]} == set(
        Order.objects.filter(member=alice).values_list("code", flat=True)
    )
    filled = [code for code, part in parts.items() if part["rows"]]
    assert len(filled) > 25, filled


def test_the_export_holds_nothing_of_anybody_else_and_nobodys_name_of_the_staff(house):
    """Charlie must not be seen: not his orders, not his name."""
    Member.objects.filter(external_id="charlie").update(name="Charlie Chaplin")
    sample.staff("root", is_superuser=True, first_name="Rosa", last_name="Root")
    text = json.dumps(document("alice"))
    assert {word for word in ("Chaplin", "o-2", "Rosa", "o-0") if word in text} == {"o-0"}


def test_the_export_of_who_was_merged_into_holds_both(house):
    members.merge("bob", "alice", timezone.now())
    codes = {order["code"] for order in document("alice")["parts"]["orders"]["rows"]}
    assert {"o-0", "o-1"} <= codes


def test_an_export_costs_a_query_a_table_however_long_the_history(house):
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            document("alice")
        return len(queries)

    few = cost()
    for number in range(20):
        sample.buy("alice", f"more-{number}", at=timezone.now())
    assert cost() == few <= sum(not record.withheld for record in records.each()) + 5


def test_an_export_is_written_down(house):
    document("alice")
    entry = AuditEntry.objects.get(action="members.exports.export")
    assert (entry.object_key, entry.actor_label) == ("alice", "a test")


# Who looked ---------------------------------------------------------------------------------------------------


def addresses(site) -> list[str]:
    """Pages of every model, and pages of its own: those that ask for no row, for a member, or for the row at hand."""
    alice = Member.objects.get(external_id="alice").pk
    found = [address for _verb, _admin, address in pages(site, verbs=("changelist", "change"))]
    for model, page in site._registry.items():
        start = reverse(f"{site.name}:{model._meta.app_label}_{model._meta.model_name}_changelist")
        row = model._default_manager.first()
        for pattern in (str(one.pattern).lstrip("^").rstrip("$") for one in page.get_urls()):
            own = pattern.replace("<int:member_id>", str(alice)).replace("<path:object_id>", str(row.pk if row else 0))
            if re.fullmatch(r"[\w/-]+/", own) and not own.endswith("preview/"):
                found.append(start + own)
    return sorted({address for address in found if not address.endswith(("/export/", "/import/", "/add/"))})


@pytest.mark.parametrize("name", ["admin", "merchant"])
def test_no_page_shows_a_members_name_without_a_look(house, name):
    """Names are made so odd that no word of ours is one of them."""
    site = {"admin": admin.site, "merchant": merchant_site}[name]
    for member in Member.objects.all():
        Member.objects.filter(pk=member.pk).update(name=f"Zyx{member.pk}qj")
    client = Client()
    client.force_login(sample.staff("root", is_superuser=True) if name == "admin" else sample.merchant_staff("mona2"))
    unseen, shown = [], 0
    for address in addresses(site):
        before = Look.objects.count()
        answer = client.get(address, follow=True)
        text = b"".join(answer).decode()
        if re.search(r"Zyx\d+qj", text):
            shown += 1
            unseen += [address] if Look.objects.count() == before else []
    assert unseen == []
    assert shown > (15 if name == "admin" else 3)


def test_a_page_about_a_member_says_who_looked_at_whom_and_where(house, client):
    root = sample.staff("root", is_superuser=True, first_name="Rosa")
    client.force_login(root)
    order = Order.objects.get(code="o-0")
    client.get(reverse("admin:loyalty_order_change", args=[order.pk]))
    look = Look.objects.get()
    assert (look.staff, look.kind, look.page, look.subject, look.behalf) == (root, "page", "loyalty.order", "alice", "")


def test_a_list_is_one_look_with_its_question_and_its_rows(house, client):
    client.force_login(sample.staff("root", is_superuser=True))
    client.get(reverse("admin:members_member_changelist") + "?q=alice")
    client.get(reverse("admin:members_member_changelist") + "?q=nobody-is-called-so")
    look = Look.objects.get()
    assert (look.kind, look.subject, look.query, look.rows) == ("list", "", "q=alice", 1)


def test_a_look_of_a_merchants_staff_names_the_merchant(house, client):
    client.force_login(sample.merchant_staff("mona2"))
    client.get(reverse("merchant:merchants_card_changelist"))
    assert set(Look.objects.values_list("behalf", "page")) == {("acme", "merchants.card")}


def test_searching_is_a_look(house, client):
    client.force_login(sample.staff("root", is_superuser=True))
    client.get(reverse("admin:search") + "?s=alice&extended=1")
    assert Look.objects.get().kind == "search"
    assert Look.objects.get().query == "alice"


def test_the_member_sees_in_her_export_that_somebody_looked_but_not_who(house, client):
    client.force_login(sample.staff("root", is_superuser=True, first_name="Rosa"))
    client.get(reverse("admin:members_member_change", args=[Member.objects.get(external_id="alice").pk]))
    (look,) = document("alice")["parts"]["looks"]["rows"]
    assert look["page"] == "members.member"
    assert not {"staff", "staff_label"} & set(look)


def test_the_officer_for_privacy_exports_and_sees_the_access_log(house, client):
    client.force_login(sample.staff("pia", "privacy"))
    alice = Member.objects.get(external_id="alice")
    answer = client.get(reverse("admin:members_member_export_data", args=[alice.pk]))
    assert answer.status_code == 200
    assert json.loads(b"".join(answer.streaming_content))["member"] == "alice"
    assert Look.objects.get(kind="data").subject == "alice"
    assert "alice" in client.get(reverse("admin:common_look_changelist")).content.decode()


@pytest.mark.parametrize("role", ["operations", "support", "risk", "finance"])
def test_nobody_else_exports_a_member(house, client, role):
    client.force_login(sample.staff(role, role))
    alice = Member.objects.get(external_id="alice")
    assert client.get(reverse("admin:members_member_export_data", args=[alice.pk])).status_code == 403
    assert client.get(reverse("admin:common_look_changelist")).status_code == 403
