"""A merchant's main journeys in a real Chromium: levels, points, a campaign, and what arrives at a member."""

import re

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from common.services import outbox
from config.tests import sample
from config.tests.test_browser_operators import chromium, enter  # noqa: F401  fixtures
from loyalty.tests import stage
from loyalty.tests.api import callers
from merchants.admin.site import site
from merchants.models import LevelScheme, Merchant, MerchantCampaign, PointPack, PointPurchase, Store
from merchants.tests import purse_strings, shops

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=False)]
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def house(transactional_db):
    """Acme's people, an open membership with a draft of levels, a pack on sale, and finance of the marketplace."""
    call_command("sync_roles", verbosity=0)
    sample.staff("felix", "finance")
    sample.rule()
    Merchant.objects.create(code="acme", name="ACME")
    Store.objects.create(code="acme-1", name="ACME One", merchant=shops.a_merchant())
    for name, role in {"olga": "owner", "finn": "finance", "vera": "viewer"}.items():
        person = shops.staff(name, "acme", role)
        person.set_password(sample.PASSWORD)
        person.save()
    PointPack.objects.create(code="pack", name="Starter", points=10_000, price=100_00)
    return shops.a_club("acme-1", name="Acme Club")


def page_of(verb: str, model: str, *args) -> str:
    return reverse(f"merchant:merchants_{model}_{verb}", args=args)


def test_a_merchant_buys_points_and_has_them_once_finance_has_seen_the_money(enter, live_server):  # noqa: F811
    olga = enter("olga", door="/merchant/")
    olga.wait_for_selector("text=The first three steps")
    olga.click("a.lp-quick >> text=Buy points")
    olga.click("form:has-text('Starter') >> text=Choose")
    olga.click("button[value=submit]")
    olga.wait_for_load_state()
    purchase = PointPurchase.objects.get()
    assert purchase.status == PointPurchase.Status.SUBMITTED

    felix = enter("felix")
    felix.goto(live_server.url + reverse("admin:merchants_pointpurchase_change", args=[purchase.pk]))
    felix.click("text=Approve payment")
    felix.fill("#id_bank_reference", "B-1")
    felix.click("button[name=confirm]")
    felix.wait_for_load_state()
    purchase.refresh_from_db()
    assert purchase.status == PointPurchase.Status.CREDITED

    olga.goto(f"{live_server.url}/merchant/")
    olga.wait_for_selector("a.lp-figure:has-text('Points in the purse') >> text=10,000")


def test_a_campaign_is_written_previewed_started_and_arrives_at_a_member(enter, live_server, house, settings):  # noqa: F811
    settings.MEMBER_JWT_KEY, settings.MEMBER_JWT_ALGORITHMS = callers.SECRET, ["HS256"]
    purse_strings.a_purse(10_000)
    olga = enter("olga", door="/merchant/")
    olga.click("a.lp-quick >> text=New campaign")
    olga.fill("#id_name", "Welcome")
    olga.select_option("#id_club", label="Acme Club")
    olga.select_option("#id_trigger", "join")
    now = timezone.localtime()
    for field, at in (("starts_at", now), ("ends_at", now.replace(year=now.year + 1))):
        olga.fill(f"#id_{field}_0", at.strftime("%Y-%m-%d"))
        olga.fill(f"#id_{field}_1", "00:00:00")
    olga.fill("#id_points", "100")
    olga.fill("#id_budget", "5000")
    olga.wait_for_selector("#preview >> text=100")
    olga.click("button[name=_save]")
    olga.wait_for_load_state()
    campaign = MerchantCampaign.objects.get()
    olga.goto(live_server.url + page_of("change", "merchantcampaign", campaign.pk))
    olga.click("text=Start")
    olga.wait_for_selector("text=5,000 points leave your purse now")
    olga.click("button[name=confirm]")
    olga.wait_for_selector("text=The campaign is on.")

    shops.a_member("alice")
    shop = callers.shop("shop", ["events:write"])
    answer = shop.post(
        "/api/v1/events", stage.event("store.joined", "alice", timezone.now(), store="acme-1", channel="app")
    )
    assert answer.status_code == 201
    outbox.drain(timezone.now)
    alice = APIClient(headers={"Authorization": f"Bearer {callers.token('alice')}"})
    assert alice.get("/api/v1/me/points").json()["points"]["available"] == 100
    olga.goto(f"{live_server.url}/merchant/")
    olga.wait_for_selector("tr:has-text('Welcome') >> text=100 / 5,000")


def test_a_viewer_looks_and_starts_nothing(enter, live_server, house):  # noqa: F811
    now = timezone.now()
    campaign = MerchantCampaign.objects.create(
        club=house,
        name="Welcome",
        trigger="join",
        points=1,
        budget=10,
        starts_at=now,
        ends_at=now.replace(year=now.year + 1),
    )
    vera = enter("vera", door="/merchant/")
    assert vera.locator("a.lp-quick >> text=New campaign").count() == 0
    vera.goto(live_server.url + page_of("change", "merchantcampaign", campaign.pk))
    assert vera.locator("main >> text=Start >> visible=true").filter(has_text=re.compile("^Start$")).count() == 0
    answer = vera.goto(live_server.url + page_of("change", "merchantcampaign", campaign.pk) + "../start/")
    assert answer.status in (403, 404)
    campaign.refresh_from_db()
    assert campaign.status == MerchantCampaign.Status.DRAFT


def test_levels_are_set_up_and_published(enter, live_server, house):  # noqa: F811
    olga = enter("olga", door="/merchant/")
    olga.goto(live_server.url + page_of("add", "levelscheme"))
    olga.select_option("#id_club", label="Acme Club")
    for number, (name, threshold) in enumerate((("Start", "0"), ("Gold", "1000"))):
        olga.click("#levels-group .add-row")
        olga.fill(f"#id_levels-{number}-name", name)
        olga.fill(f"#id_levels-{number}-threshold", threshold)
    olga.click("button[name=_save]")
    olga.wait_for_load_state()
    scheme = LevelScheme.objects.get()
    olga.goto(live_server.url + page_of("change", "levelscheme", scheme.pk))
    olga.click("text=Publish")
    olga.click("button[name=confirm]")
    olga.wait_for_load_state()
    scheme.refresh_from_db()
    assert scheme.status == LevelScheme.Status.PUBLISHED


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_no_page_needs_to_be_pushed_sideways_on_a_phone(enter, live_server, house, language):  # noqa: F811
    stage.give(10)
    olga = enter("olga", door="/merchant/")
    olga.set_viewport_size(PHONE)
    olga.context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
    wide = []
    addresses = [reverse(f"merchant:{m._meta.app_label}_{m._meta.model_name}_changelist") for m in site._registry]
    for address in ["/merchant/", *addresses]:
        olga.goto(live_server.url + address)
        if olga.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(address)
    assert wide == []
