"""The frame of the merchants' site: who gets in, and which pages do not start."""

import pytest
from django.contrib.admin import RelatedFieldListFilter
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse
from unfold.admin import TabularInline

from common.admin.base import Admin
from common.models import Staff
from merchants.admin.portal.base import PortalAdmin, PortalReadOnlyAdmin
from merchants.admin.site import MerchantSite
from merchants.models import Brand, ClubStore, Merchant, StaffRole, Store

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    """A site of its own, with no page yet."""
    return MerchantSite(name="merchant")


def a_person(name: str = "bea", role: str | None = "owner", *, site: str = Staff.Site.MERCHANTS, **more) -> Staff:
    person = Staff.objects.create_user(name, password="x", is_staff=True, site=site, **more)
    if role:
        merchant, _made = Merchant.objects.get_or_create(code="bobs", defaults={"name": "Bob's"})
        StaffRole.objects.create(staff=person, merchant=merchant, role=role)
    return person


def test_a_page_that_knows_no_merchant_does_not_start(site):
    with pytest.raises(ImproperlyConfigured, match="PortalMixin"):
        site.register(Store, Admin)


@pytest.mark.parametrize("tenant", ["name", "brand", "nowhere", "merchant__stores__merchant", "pk"])
def test_a_page_whose_rows_lead_to_no_single_merchant_does_not_start(site, tenant):
    with pytest.raises(ImproperlyConfigured, match="does not lead from one row to one merchant"):
        site.register(Store, type("Page", (PortalAdmin,), {"tenant": tenant}))


def test_a_page_with_raw_ids_does_not_start(site):
    with pytest.raises(ImproperlyConfigured, match="autocomplete_fields"):
        site.register(Store, type("Page", (PortalAdmin,), {"raw_id_fields": ["brand"]}))


def test_a_page_with_rows_below_that_are_not_scoped_does_not_start(site):
    inline = type("Stores", (TabularInline,), {"model": ClubStore})
    with pytest.raises(ImproperlyConfigured, match="no PortalInline"):
        site.register(Store, type("Page", (PortalAdmin,), {"inlines": [inline]}))


def test_a_page_with_a_filter_by_every_merchants_rows_does_not_start(site):
    with pytest.raises(ImproperlyConfigured, match="all merchants"):
        site.register(Store, type("Page", (PortalAdmin,), {"list_filter": [("brand", RelatedFieldListFilter)]}))


def test_an_address_may_not_ask_back_into_tables_that_name_the_row(site, rf):
    site.register(Brand, PortalReadOnlyAdmin)
    page, request = site.get_model_admin(Brand), rf.get("/")
    assert page.lookup_allowed("code", "x", request)
    assert not page.lookup_allowed("stores", "1", request)
    assert not page.lookup_allowed("stores__code__startswith", "a", request)


@pytest.mark.parametrize("state", ["is_active", "is_staff"])
def test_somebody_who_is_switched_off_is_out_at_once(client, state):
    person = a_person()
    client.force_login(person)
    assert client.get("/merchant/").status_code == 200
    Staff.objects.filter(pk=person.pk).update(**{state: False})
    assert client.get("/merchant/").status_code == 302


def test_the_staff_of_a_merchant_that_is_switched_off_see_a_notice_and_nothing_else(client):
    client.force_login(a_person())
    assert client.get(reverse("merchant:app_list", args=["merchants"])).status_code == 200
    Merchant.objects.update(active=False)
    assert client.get("/merchant/").context["role"] is None
    assert client.get(reverse("merchant:app_list", args=["merchants"])).status_code == 403


def test_somebody_without_a_role_sees_a_notice_and_nothing_else(client):
    client.force_login(a_person(role=None))
    answer = client.get("/merchant/")
    assert "not tied to a merchant" in answer.content.decode()
    assert client.get(reverse("merchant:search"), {"s": "store"}).status_code == 403
    assert client.get(reverse("merchant:autocomplete")).status_code == 403
    assert client.get(reverse("merchant:password_change")).status_code == 200


def test_nobody_learns_from_redirects_which_rows_there_are():
    with pytest.raises(NoReverseMatch):
        reverse("merchant:view_on_site", args=[1, 1])


@pytest.mark.parametrize("role", ["operator", "finance", "viewer"])
def test_only_owners_see_who_works_here(client, role):
    owner, other = a_person("olga"), a_person("otto", role)
    address = reverse("merchant:merchants_staffrole_changelist")
    client.force_login(owner)
    assert "otto" in client.get(address).content.decode()
    client.force_login(other)
    assert client.get(address).status_code == 403


def test_an_owner_makes_nobody_an_owner(client):
    client.force_login(a_person("olga"))
    other = a_person("otto", "viewer")
    address = reverse("merchant:merchants_staffrole_change", args=[other.merchant_role.pk])
    assert client.post(address, {"role": "owner"}).status_code == 403
    assert client.get(reverse("merchant:merchants_staffrole_add")).status_code == 403
