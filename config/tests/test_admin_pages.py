"""Every page of both admin sites: who gets it, who does not, and that the ledger can be touched by nobody."""

import html

import pytest
from django.contrib import admin
from django.urls import reverse

from config import roles
from config.tests import sample
from merchants.admin.site import site as merchant_site
from rewards.models import BenefitGrant

pytestmark = pytest.mark.django_db

LEDGER = {
    "account",
    "activity",
    "adjustment",
    "autorenewal",
    "benefituse",
    "birthdaypack",
    "code",
    "coefficient",
    "conductcase",
    "conductrating",
    "deliveryrefusal",
    "entry",
    "giftassignment",
    "campaignundo",
    "undonelot",
    "growthentry",
    "hold",
    "instantrefund",
    "lot",
    "medalaward",
    "medalstanding",
    "membergrant",
    "order",
    "parkedevent",
    "planpurchase",
    "play",
    "prizeclaim",
    "proof",
    "pyramidday",
    "redemption",
    "quarantine",
    "refund",
    "riskappeal",
    "riskrefusal",
    "review",
    "score",
    "scorerestatement",
    "scoresnapshot",
    "seedperiod",
    "settlement",
    "shortfall",
    "sponsorpayment",
    "standing",
    "subscription",
    "tierchange",
    "transfer",
}
JOURNALS = {"inboxevent", "rejectedevent", "fact", "delivery", "auditentry", "jobrun", "look"}


def pages(site=admin.site, verbs=("changelist", "add", "change", "history", "delete")):
    """Every address of every registered model: (verb, model admin, address); of one row where a row is needed."""
    for model, model_admin in site._registry.items():
        name = f"{site.name}:{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.first()
        for verb in verbs:
            if verb in ("changelist", "add"):
                yield verb, model_admin, reverse(f"{name}_{verb}")
            elif row is not None:
                yield verb, model_admin, reverse(f"{name}_{verb}", args=[row.pk])


@pytest.fixture
def house(db):
    sample.everything()


def test_the_sample_has_a_row_on_every_page(house):
    empty = [model._meta.label for model in admin.site._registry if not model._default_manager.exists()]
    assert empty == ["auth.Group"] or empty == []


def test_every_page_opens_for_a_superuser(house, client):
    client.force_login(sample.staff("root", is_superuser=True))
    wrong = []
    for verb, _admin, address in pages(verbs=("changelist", "change", "history")):
        answer = client.get(address, follow=True)
        if answer.status_code != 200:
            wrong.append((verb, address, answer.status_code))
    assert wrong == []


def test_an_empty_list_says_what_will_stand_on_it(client):
    client.force_login(sample.staff("root", is_superuser=True))
    silent = []
    for _verb, model_admin, address in pages(verbs=("changelist",)):
        empty = getattr(model_admin, "empty", "")
        if empty and not model_admin.get_queryset(client).exists() and str(empty) not in unescape(client, address):
            silent.append(address)
    assert silent == []


def unescape(client, address: str) -> str:
    return html.unescape(client.get(address, follow=True).content.decode())


def test_a_page_shows_what_its_settled_fields_ask_for(house, client):
    """The browser cannot ask a field that only stands there to be read, so the page tells it."""
    client.force_login(sample.staff("root", is_superuser=True))
    grant = BenefitGrant.objects.filter(audience="tier", status="active").first()
    shown = unescape(client, reverse("admin:rewards_benefitgrant_change", args=[grant.pk]))
    assert '{"audience": "tier"}' in shown


def test_adding_is_offered_exactly_where_it_is_allowed(house, client, rf):
    root = sample.staff("root", is_superuser=True)
    client.force_login(root)
    request = rf.get("/")
    request.user = root
    wrong = []
    for _verb, model_admin, address in pages(verbs=("add",)):
        expected = 200 if model_admin.has_add_permission(request) else 403
        if client.get(address).status_code != expected:
            wrong.append((address, expected))
    assert wrong == []


@pytest.mark.parametrize("role", ["operations", "finance", "risk", "support", "privacy"])
def test_a_role_opens_what_it_may_see_and_nothing_else(house, client, role):
    client.force_login(sample.staff(role, role))
    wrong = []
    for verb, model_admin, address in pages(verbs=("changelist", "change", "history")):
        opts = model_admin.opts
        may = {f"{opts.app_label}.{do}_{opts.model_name}" for do in ("view", "change")} & roles.ROLES[role]
        status = client.get(address, follow=True).status_code
        if (status == 200) != bool(may):
            wrong.append((verb, address, status))
    assert wrong == []


@pytest.mark.parametrize("name", ["root", *sorted(set(roles.ROLES) - {"merchant"})])
def test_nobody_adds_changes_or_deletes_a_row_of_the_ledger(house, client, name):
    client.force_login(sample.staff(name, is_superuser=True) if name == "root" else sample.staff(name, name))
    wrong = []
    for verb, model_admin, address in pages(verbs=("add", "change", "delete")):
        if (
            model_admin.opts.model_name in LEDGER | JOURNALS
            and client.post(address, {"post": "yes"}).status_code != 403
        ):
            wrong.append((verb, address))
    assert wrong == []


def test_nothing_that_pays_can_be_edited_by_support(house, client):
    client.force_login(sample.staff("sue", "support"))
    codes = {
        client.post(address, {}).status_code for _verb, _admin, address in pages(verbs=("add", "change", "delete"))
    }
    assert codes == {403}


def test_merchants_get_no_page_of_the_operators(house, client):
    client.force_login(sample.merchant_staff())
    for _verb, _admin, address in [
        *pages(),
        ("", None, reverse("admin:index")),
        ("", None, reverse("admin:search") + "?s=member"),
    ]:
        answer = client.get(address)
        assert (answer.status_code, answer.url.split("?")[0]) == (302, reverse("admin:login")), address


def test_operators_get_no_page_of_the_merchants(house, client):
    client.force_login(sample.staff("root", is_superuser=True))
    for _verb, _admin, address in [*pages(merchant_site), ("", None, reverse("merchant:index"))]:
        answer = client.get(address)
        assert (answer.status_code, answer.url.split("?")[0]) == (302, reverse("merchant:login")), address


@pytest.mark.parametrize("month", ["0001-01", "9999-12", "2026-13", "soon", ""])
def test_a_page_that_is_asked_for_a_month_that_makes_no_sense_shows_the_current_one(client, month):
    pages = {
        "admin:rewards_reward_sponsors",
        "admin:rewards_benefituse_settlement",
        "admin:members_saleschannel_settlement",
    }
    for name in sorted(pages | {"merchant:merchants_purse_statement", "merchant:rewards_reward_changelist"}):
        own = name.startswith("merchant")
        client.force_login(sample.merchant_staff(f"mona-{name}") if own else sample.staff(name, is_superuser=True))
        assert client.get(reverse(name), {"month": month}).status_code == 200, name


def test_the_merchant_sees_its_own_name(house, client):
    client.force_login(sample.merchant_staff())
    page = client.get(reverse("merchant:index")).content.decode()
    assert "Welcome, ACME" in page


def test_a_stranger_is_asked_to_sign_in(client):
    for address in (reverse("admin:index"), reverse("merchant:index")):
        assert client.get(address).status_code == 302


@pytest.mark.parametrize("state", [{"is_active": False}, {"is_staff": False}])
def test_who_is_switched_off_gets_no_page(client, state):
    person = sample.staff("olga", is_superuser=True)
    client.force_login(person)
    for name, value in state.items():
        setattr(person, name, value)
    person.save()
    assert client.get(reverse("admin:index")).status_code == 302


def test_the_wrong_door_says_so(client):
    sample.merchant_staff()
    answer = client.post(reverse("admin:login"), {"username": "mona", "password": sample.PASSWORD})
    assert "This account is a merchant" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_the_search_of_one_site_never_shows_what_another_found(house, client):
    """Unfold caches results by user and term for five minutes; ours caches nothing."""
    person = sample.staff("root", is_superuser=True)
    client.force_login(person)
    address = reverse("admin:search") + "?s=alice&extended=1"
    assert "alice" in client.get(address).content.decode()
    person.is_superuser = False
    person.save()
    assert "alice" not in client.get(address).content.decode()
