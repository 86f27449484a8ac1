"""Operators sell a plan in a real Chromium: drafted, put on sale, bought by API, seen with its meter, paid back."""

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from config.tests import sample
from config.tests.test_browser_operators import chromium, enter  # noqa: F401  fixtures
from loyalty.tests import stage
from loyalty.tests.api import callers
from loyalty.tests.api.callers import phone, server  # noqa: F401  fixtures
from members.models import Member, Plan, PlanOffer, PlanPurchase, SalesChannel
from merchants.models import MemberPrice, Merchant, Store
from rewards.tests import shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=False)]


@pytest.fixture
def house(transactional_db):
    """A plan with a price of its own at Acme's, a video year to go with it, and people of both roles."""
    call_command("sync_roles", verbosity=0)
    sample.staff("olivia", "operations")
    sample.staff("felix", "finance")
    plan, now = Plan.objects.create(code="plus", name="PLUS"), timezone.now()
    SalesChannel.objects.create(code="direct", name="Checkout")
    acme = Merchant.objects.create(code="acme", name="ACME")
    Store.objects.create(code="acme-1", name="ACME One", merchant=acme)
    price = {"sku": "sku-1", "who": "plan", "plan": plan, "price": 80_00, "starts_at": now}
    MemberPrice.objects.create(merchant=acme, created_at=now, changed_at=now, **price)
    shop.a_pool(shop.a_reward("video-year", name="A year of video", kind="partner"), "V-1")
    return callers.member("alice", name="Alice")


def test_an_offer_is_drafted_put_on_sale_bought_seen_and_paid_back(enter, live_server, house, phone, server, settings):  # noqa: F811
    settings.MEMBER_JWT_KEY, settings.MEMBER_JWT_ALGORITHMS = callers.SECRET, ["HS256"]
    olivia = enter("olivia")
    olivia.goto(live_server.url + reverse("admin:members_planoffer_add"))
    olivia.select_option("#id_plan", label="PLUS")
    olivia.fill("#id_code", "plus-video")
    olivia.fill("#id_name", "PLUS and video")
    olivia.fill("#id_fee", "149.00")
    olivia.select_option("#id_refunds", "prorata")
    olivia.click("text=Add another Partner's right")
    olivia.select_option("#id_rights-0-reward", label="A year of video")
    olivia.fill("#id_rights-0-price", "60.00")
    olivia.wait_for_selector("#preview >> text=Once it is claimed, 60.00 CNY is deducted from a refund.")
    olivia.wait_for_selector("#preview >> text=89.00 CNY")
    olivia.click("button[name=_save]")
    olivia.wait_for_load_state()
    offer = PlanOffer.objects.get()
    assert (offer.fee, offer.status, offer.rights.get().price) == (149_00, "draft", 60_00)

    felix = enter("felix")
    felix.goto(live_server.url + reverse("admin:members_planoffer_change", args=[offer.pk]))
    felix.click("text=Put on sale")
    felix.wait_for_selector("text=From then on it never changes")
    felix.click("button[name=confirm]")
    felix.wait_for_selector("text=“PLUS and video” is on sale.")

    app = phone(house)
    quote = app.post("/api/v1/me/plan/quotes", {"offer": "plus-video"}).json()["quote"]
    bought = app.post("/api/v1/me/plan/purchases", {"quote": quote}).json()["purchase"]
    assert server.post(f"/api/v1/plan-purchases/{bought}/pay", {"payment": "pay-1"}).json()["status"] == "paid"
    body = {"purchase": bought, "reward": "video-year"}
    assert app.post("/api/v1/me/plan/rights", body).json()["code"] == "V-1"
    order = stage.order("o-1", stage.line(1, 80_00, discount=20_00, store="acme-1", sku="sku-1"))
    stage.send("order.completed", "alice", timezone.now(), **order)

    felix.goto(live_server.url + reverse("admin:members_member_change", args=[Member.objects.get().pk]))
    felix.wait_for_selector("#panel-plans >> text=Saved 20.00 CNY with the term that runs.")
    felix.wait_for_selector("#panel-plans >> text=A year of video: Claimed")
    felix.click("#panel-plans >> text=PLUS and video")
    felix.click("text=Pay back")
    # 149.00 on the first day, less the video.
    felix.wait_for_selector("text=The shop pays 89.00 CNY back, to the member.")
    felix.fill("#id_reason", "Changed her mind")
    felix.click("button[name=confirm]")
    felix.wait_for_selector("text=89.00 CNY is to be paid back.")
    assert PlanPurchase.objects.get().refund == 89_00
    assert app.get("/api/v1/me/plan").json()[0]["until"] is None
