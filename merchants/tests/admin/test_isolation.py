"""Bob's staff walk the whole merchants' site and find nothing of Alice's, and change nothing of hers.

The walk finds its addresses, filters, fields and tables by itself. It asks twice: does anything that Bob is shown depend
on Alice being there at all; and does an address, a search, a filter, an action or a form that names what is hers give
anything away, or take hold of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import time_machine
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models, transaction
from django.forms import ModelChoiceField
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from import_export.admin import ExportMixin, ImportMixin

from common.models import Staff
from merchants.admin.site import site
from merchants.tests.walk import Page, fill, routes
from merchants.tests.worlds import FACTORIES, World, crossings, kinds, tenant_of, text_of, writes

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(1200)]
AGREES = {"confirm": "1", "yes": "1", "post": "yes", "action": "", "apply": "1"}
NOW = timezone.now().replace(microsecond=0)


@pytest.fixture(autouse=True)
def still_time():
    """The same second for everybody, so that two visits differ only in what they are shown."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def bob() -> World:
    return World("b", 1842)


@pytest.fixture
def alice(bob) -> World:
    return World("a", 1731)


def signed_in(world: World, role: str = "owner") -> Client:
    client = Client()
    client.force_login(world.people[role])
    return client


def name(model: type[models.Model], verb: str) -> str:
    return f"merchant:{model._meta.app_label}_{model._meta.model_name}_{verb}"


def ids_of(row: models.Model) -> dict[str, set[str]]:
    """What could name a row in its page's address."""
    found = {"int": {str(row.pk)}, "uuid": set(), "str": set()}
    if hasattr(row, "uuid"):
        found["uuid"].add(str(row.uuid))
    if hasattr(row, "code"):
        found["str"].add(row.code)
    return found


def addresses(world: World) -> Iterator[str]:
    """Every address of the site, with the world's own rows where it asks for one."""
    rows = {f"/merchant/{m._meta.app_label}/{m._meta.model_name}/": world.of(m) for m in site._registry}
    for route in routes("/merchant/"):
        if "logout" in route or "/login/" in route or "<url>" in route or "<app_label>" in route:
            continue
        row = next((row for prefix, row in rows.items() if route.startswith(prefix)), None)
        ids = ids_of(row) if row else world.ids()
        if row and any(kind in route for kind in ("<int:", "<uuid:", "<str:", "<slug:")):
            ids = world.ids()
        yield from fill(route, ids)
    yield "/merchant/merchants/"


def autocompletes() -> Iterator[dict]:
    """Every question that the autocomplete address could be asked about a page of the site."""
    for model in {*kinds(), *site._registry}:
        for field in model._meta.get_fields():
            if field.is_relation and field.related_model in site._registry and hasattr(field, "attname"):
                yield {
                    "app_label": model._meta.app_label,
                    "model_name": model._meta.model_name,
                    "field_name": field.name,
                }


def offered(client: Client, page) -> Iterator[str]:
    """Every query that the list itself offers: its filters, its order, its dates."""
    answer = client.get(reverse(name(page.model, "changelist")))
    if answer.status_code != 200:
        return
    # A purse has a page of its own where others have their list.
    for spec in answer.context["cl"].filter_specs if "cl" in answer.context else ():
        yield from (choice["query_string"] for choice in spec.choices(answer.context["cl"]) if "query_string" in choice)
    yield from sorted(Page(answer.content.decode()).links)


def visit(client: Client, world: World) -> dict[str, str]:
    """Everything the world's staff can look at, by address."""
    seen = {}
    for address in addresses(world):
        seen[address] = text(client.get(address))
    for page in site._registry.values():
        start = reverse(name(page.model, "changelist"))
        for query in offered(client, page):
            address = query if query.startswith("/") else start + query
            if address.startswith("/merchant/") and "logout" not in address and address not in seen:
                seen[address] = text(client.get(address))
        if isinstance(page, ExportMixin):
            for number, _format in enumerate(page.get_export_formats()):
                data = Page(seen[start + "export/"]).fields | {"format": str(number)}
                seen[f"{start}export/ {number}"] = text(client.post(start + "export/", data))
    for question in autocompletes():
        seen[str(question)] = text(client.get(reverse("merchant:autocomplete"), question))
    for term in ("", "a", "qz", "b"):
        seen[f"search {term}"] = text(client.get(reverse("merchant:search"), {"s": term, "extended": ""}))
    return seen


def text(response) -> str:
    """What a response says, without what is new at every visit."""
    return re.sub(r'(csrfmiddlewaretoken" value=|X-CSRFToken": |Set-Cookie: )"?[^">]*', "", text_of(response))


def test_every_kind_of_row_has_a_factory():
    assert {model._meta.label for model in kinds()} - set(FACTORIES) == set()


def test_the_walk_finds_the_pages(bob):
    found = set(addresses(bob))
    assert {reverse(name(model, "changelist")) for model in site._registry} <= found
    assert {reverse(name(model, "change"), args=[bob.of(model).pk]) for model in site._registry} <= found


def test_what_an_owner_is_shown_does_not_depend_on_other_merchants(bob):
    """The owner sees most; rows are kept apart by merchant, whatever the role."""
    client = signed_in(bob)
    before = visit(client, bob)
    alice = World("a", 1731)
    after = visit(client, bob)
    assert set(after) == set(before)
    assert [address for address in before if before[address] != after[address]] == []
    assert [address for address, said in after.items() if alice.prefix in said.replace("csrf", "")] == []


def test_addresses_of_another_merchants_rows_lead_nowhere(bob, alice):
    client, before, wrong = signed_in(bob), alice.state(), []
    for address in set(addresses(alice)) - set(addresses(bob)):
        for method in (client.get, client.post):
            for data in ({}, AGREES | {"_popup": "1", "_to_field": "id"}):
                with transaction.atomic(), writes() as written:
                    answer = method(address, data)
                    nowhere = answer.status_code in (403, 404, 405) or answer.get("Location") == f"{address}change/"
                    if not nowhere or alice.leaks(answer, said(address)) or (written and alice.state() != before):
                        wrong.append((method.__name__, address, answer.status_code))
                    transaction.set_rollback(True)
    assert wrong == []


def said(address: str) -> set[str]:
    return set(address.strip("/").split("/"))


def questions(page, alice: World) -> Iterator[dict[str, str]]:
    """Queries of a list that ask for what is Alice's: searches, own fields, ways over relations."""
    row = alice.of(page.model)
    for field in page.model._meta.concrete_fields:
        value = getattr(row, field.attname)
        if not alice.owns(value):
            continue
        yield {field.attname: str(value)}
        if str(value).startswith(alice.prefix):
            if page.search_fields:
                yield {"q": str(value)}
            yield {f"{field.name}__startswith": alice.prefix}
    way = page.tenant if page.tenant != "pk" else ""
    for lookup, value in {
        "code": alice.merchant.code,
        "code__startswith": alice.prefix,
        "id__exact": alice.merchant.pk,
    }.items():
        yield {f"{way}__{lookup}".strip("_"): str(value)}
    if page.search_fields:
        yield {"q": alice.prefix}
        yield {"q": alice.merchant.name}
    for entry in page.list_filter:
        path = entry[0] if isinstance(entry, tuple) else entry
        last = get_fields_from_path(page.model, path)[-1] if isinstance(path, str) else None
        if last is not None and last.is_relation and tenant_of(last.related_model):
            yield {f"{path}__id__exact": str(alice.of(last.related_model).pk)}


def test_no_question_to_a_list_finds_another_merchants_rows(bob, alice):
    client, asked, wrong = signed_in(bob), 0, []
    for page in site._registry.values():
        for question in questions(page, alice):
            answer = client.get(reverse(name(page.model, "changelist")), question)
            asked += 1
            found = answer.context["cl"].result_count if answer.status_code == 200 and "cl" in answer.context else 0
            if found or alice.leaks(answer, set(question.values())):
                wrong.append((page.model._meta.label, question, found, alice.leaks(answer, set(question.values()))))
    assert wrong == []
    assert asked > len(site._registry)


def test_autocompletes_offer_nothing_of_another_merchants(bob, alice):
    client, wrong = signed_in(bob), []
    for question in autocompletes():
        for term in ("", alice.prefix, alice.merchant.name):
            answer = client.get(reverse("merchant:autocomplete"), question | {"term": term})
            if alice.leaks(answer, {term} if term != alice.prefix else set()):
                wrong.append((question, term))
    assert wrong == []


def test_actions_do_not_take_hold_of_another_merchants_rows(bob, alice, rf):
    client, before, wrong = signed_in(bob), alice.state(), []
    request = rf.get("/")
    request.user = bob.owner
    for page in site._registry.values():
        chosen = [alice.of(page.model).pk, bob.of(page.model).pk]
        for action in [*page.get_actions(request), "delete_selected"]:
            for across in ("0", "1"):
                with transaction.atomic():
                    data = AGREES | {
                        "action": action,
                        "select_across": across,
                        "_selected_action": chosen,
                        "index": "0",
                    }
                    answer = client.post(reverse(name(page.model, "changelist")), data, follow=True)
                    if alice.state() != before or alice.leaks(answer, {str(chosen[0])}):
                        wrong.append((page.model._meta.label, action))
                    transaction.set_rollback(True)
    assert wrong == []


def test_exports_of_named_rows_hold_none_of_another_merchants(bob, alice):
    client, wrong = signed_in(bob), []
    for page in site._registry.values():
        if not isinstance(page, ExportMixin):
            continue
        address = reverse(name(page.model, "changelist")) + "export/"
        form = Page(client.get(address).content.decode()).fields
        for number, _format in enumerate(page.get_export_formats()):
            data = form | {"format": str(number), "export_items": [str(alice.of(page.model).pk)]}
            if alice.leaks(client.post(address, data), {data["export_items"][0]}):
                wrong.append((page.model._meta.label, number))
    assert wrong == []


Choices = dict[str, type[models.Model] | None]


def forms(client: Client, world: World) -> Iterator[tuple[str, dict[str, str], Choices]]:
    """Every form of the site as the browser would send it: its address, its fields, and which choose a row of what.

    A choice that is no field of Django's could be a row of anything: None.
    """
    for address in addresses(world):
        answer = client.get(address)
        if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
            continue
        page, context = Page(answer.content.decode()), answer.context or {}
        fields, choices = dict(page.fields), dict.fromkeys(page.selects)
        if "adminform" in context:
            choices = _rows_of(context["adminform"].form)
        for inline in context.get("inline_admin_formsets") or []:
            formset, row = inline.formset, world.of(inline.formset.model)
            number = int(fields.get(f"{formset.prefix}-TOTAL_FORMS") or 0)
            fields[f"{formset.prefix}-TOTAL_FORMS"] = str(number + 1)
            for name_, model in _rows_of(formset.empty_form).items():
                choices[name_.replace("__prefix__", str(number))] = model
            for field in [field for field in fields if field.startswith(f"{formset.prefix}-__prefix__-")]:
                value = getattr(row, field.split("-")[-1], "")
                fields[field.replace("__prefix__", str(number))] = str(getattr(value, "pk", value) or "")
            choices[f"{formset.prefix}-0-{formset.model._meta.pk.name}"] = formset.model
        fields = {key: value for key, value in fields.items() if "__prefix__" not in key}
        if fields:
            yield address, fields, {key: model for key, model in choices.items() if key in fields and key not in _MEANS}


# Choices of pages that choose no row.
_MEANS = {"action", "language", "format", "select_across", "resource"}


def _rows_of(form) -> Choices:
    """The fields of a form that choose rows."""
    return {
        form[name].html_name: field.queryset.model
        for name, field in form.fields.items()
        if isinstance(field, ModelChoiceField)
    }


def test_forms_take_nothing_that_is_another_merchants(bob, alice):
    client, before, sent, wrong = signed_in(bob), alice.state(), 0, []
    hers = {model: str(row.pk) for model, row in alice.rows.items()}
    for address, fields, choices in forms(client, bob):
        for choice, model in choices.items():
            for value in [hers[model]] if model in hers else [] if model else sorted(set(hers.values())):
                with transaction.atomic(), writes() as written:
                    answer = client.post(address, fields | {choice: value} | {"confirm": "1"})
                    sent += 1
                    took_hold = written and (alice.state() != before or list(crossings()))
                    if took_hold or alice.leaks(answer, {value}):
                        wrong.append((address, choice, value, alice.leaks(answer, {value})))
                    transaction.set_rollback(True)
    assert wrong == []
    assert sent > 0


def test_imports_take_nothing_that_is_another_merchants(bob, alice):
    """Alice's own export, imported by Bob, changes nothing of hers."""
    before = alice.state()
    for page in site._registry.values():
        if not isinstance(page, ImportMixin) or not isinstance(page, ExportMixin):
            continue
        start, hers, his = reverse(name(page.model, "changelist")), signed_in(alice), signed_in(bob)
        form = Page(hers.get(start + "export/").content.decode()).fields
        file = hers.post(start + "export/", form | {"format": "0"})
        upload = SimpleUploadedFile("rows.csv", file.content, "text/csv")
        answer = his.post(start + "import/", {"import_file": upload, "format": "0", "resource": "0"})
        confirm = Page(answer.content.decode()).fields
        his.post(start + "process_import/", confirm)
        assert alice.state() == before
        assert list(crossings()) == []


@pytest.mark.parametrize("role", ["operator", "finance", "viewer"])
def test_a_role_is_offered_nothing_that_it_may_not_press(bob, role):
    client, wrong, answered = signed_in(bob, role), set(), {}
    for address in addresses(bob):
        answer = client.get(address)
        if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
            continue
        for link in Page(answer.content.decode()).links:
            if link.startswith("/merchant/") and "logout" not in link and link not in answered:
                answered[link] = client.get(link).status_code
                if answered[link] == 403:
                    wrong.add((address, link))
    assert wrong == set()


def test_a_viewer_changes_nothing(bob):
    client, wrong = signed_in(bob, "viewer"), []
    # A figure that is kept for a quarter or month is written down when the owner first looks at it.
    owner = {address: fields for address, fields, _choices in forms(signed_in(bob), bob)}
    before = bob.state()
    for address in addresses(bob):
        for data in ({}, owner.get(address, {}) | AGREES):
            with transaction.atomic(), writes() as written:
                client.post(address, data)
                if written and bob.state() != before:
                    wrong.append(address)
                transaction.set_rollback(True)
    assert wrong == []


def test_operators_and_merchants_do_not_enter_each_others_site(bob):
    operator = Staff.objects.create_user("root", is_staff=True, is_superuser=True)
    theirs = Client()
    theirs.force_login(operator)
    assert {theirs.get(address).status_code for address in addresses(bob) if "jsi18n" not in address} == {302}
    bob.owner.user_permissions.set(Permission.objects.all())
    client = signed_in(bob)
    admin = [
        address for route in routes("/admin/") for address in fill(route, {"int": {"1"}, "uuid": set(), "str": set()})
    ]
    codes = {client.get(address).status_code for address in admin if "login" not in address and "jsi18n" not in address}
    assert codes <= {302, 405}
