"""Operators at work in a real Chromium: what only a browser can tell (scripts, the policy on them, forms that answer)."""

import datetime as dt
import os

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from config.tests import sample
from conftest import CHROMIUM
from loyalty.models import Adjustment, CampaignUndo, EarningRule, EarningRuleVersion, GiftCampaign
from loyalty.services import campaign_undos, gift_sends
from members.models import Member

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=False)]


@pytest.fixture(scope="module")
def chromium():
    """One browser for all tests; Debian's own, nothing is downloaded."""
    playwright_api = pytest.importorskip("playwright.sync_api")
    with playwright_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        # Playwright's loop runs in this thread; Django must not take it for an async view.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        yield browser
        os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")
        browser.close()


@pytest.fixture
def house(transactional_db):
    """A rule in force, an order of Alice's, and people of each role."""
    call_command("sync_roles", verbosity=0)
    assert Group.objects.filter(name="finance").exists()
    for name, role in {"olivia": "operations", "felix": "finance", "sam": "support"}.items():
        sample.staff(name, role)
    sample.merchant_staff("mona")
    sample.rule()
    sample.buy("alice", "o-1", 40_00, at=timezone.now())


@pytest.fixture
def enter(chromium, live_server, house):
    """Sign somebody in and give the page; a script error or a breach of the policy fails the test."""
    contexts, complaints = [], []

    def sign_in(name: str, door: str = "/admin/"):
        context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None
        )
        page.goto(f"{live_server.url}{door}")
        page.fill("#id_username", name)
        page.fill("#id_password", sample.PASSWORD)
        page.click("#login-form button[type=submit]")
        page.wait_for_load_state()
        return page

    yield sign_in
    for context in contexts:
        context.close()
    assert complaints == []


def test_a_rule_is_written_tested_on_an_order_and_put_in_force_by_a_second_person(enter, live_server):
    page = enter("olivia")
    page.goto(live_server.url + reverse("admin:loyalty_earningrule_add"))
    page.fill("#id_name", "Double joy")
    page.click("button[name=_save]")
    page.wait_for_url("**/earningruleversion/add/**")
    page.fill("#id_points", "3")
    page.wait_for_selector("#preview >> text=3 points per 1.00 CNY of cash")
    assert page.is_hidden("#id_multiplier_percent")
    page.click("button[name=_save]")
    page.wait_for_url("**/earningruleversion/")
    version = EarningRuleVersion.objects.get(rule=EarningRule.objects.get(code="double-joy"))

    page.goto(live_server.url + reverse("admin:loyalty_earningruleversion_test", args=[version.pk]))
    page.fill("#id_lines-0-cash", "80.00")
    page.click("text=Add a line")
    page.fill("#id_lines-2-cash", "20.00")
    page.click("button[name=confirm]")
    page.wait_for_selector("#trial-answer >> text=Gives 300 points.")

    felix = enter("felix")
    felix.goto(live_server.url + reverse("admin:loyalty_earningruleversion_change", args=[version.pk]))
    felix.click("text=Put in force")
    felix.wait_for_selector("text=From then on this version never changes")
    felix.click("button[name=confirm]")
    felix.wait_for_selector("text=Version 1 is in force.")
    version.refresh_from_db()
    assert version.status == "active"


def test_support_adjusts_a_members_points_after_seeing_both_balances(enter, live_server):
    page = enter("sam")
    page.goto(live_server.url + reverse("admin:members_member_changelist"))
    page.click("text=alice")
    page.click("text=Adjust points")
    page.fill("#id_points", "500")
    page.fill("#id_reason", "The parcel was late")
    page.click("text=Go on")
    page.wait_for_selector("#before-and-after >> text=40 → 540")
    page.click("button[name=yes]")
    page.wait_for_selector("text=+500 points for alice")
    assert Adjustment.objects.get().points == 500


def test_who_knocks_at_the_wrong_door_is_told_so(enter, live_server):
    page = enter("mona", door="/admin/")
    assert "This account is a merchant" in page.content()
    page = enter("mona", door="/merchant/")
    page.wait_for_selector("text=Welcome, ACME")
    page.goto(f"{live_server.url}/admin/")
    assert "/admin/login/" in page.url


def test_the_proof_is_green_and_the_overview_draws_its_charts(enter, live_server):
    page = enter("felix")
    page.goto(live_server.url + reverse("admin:loyalty_proof_changelist"))
    page.click("text=Prove now")
    page.wait_for_selector("#proof-light.ok >> text=Every invariant holds.")
    page.goto(f"{live_server.url}/admin/")
    page.wait_for_selector("text=The ledger is proven.")
    assert page.evaluate("[...document.querySelectorAll('canvas.chart')].every(canvas => Chart.getChart(canvas))")


def test_a_gift_campaign_is_run_by_two_people_and_undone_by_two(enter, live_server):
    page = enter("olivia")
    page.goto(live_server.url + reverse("admin:loyalty_giftcampaign_add"))
    page.fill("#id_name", "Spring gift")
    assert page.is_hidden("#id_near_days")
    tomorrow = timezone.localtime() + dt.timedelta(days=1)
    page.fill("#id_starts_at_0", timezone.localtime().strftime("%Y-%m-%d"))
    page.fill("#id_starts_at_1", "00:00:00")
    page.fill("#id_ends_at_0", tomorrow.strftime("%Y-%m-%d"))
    page.fill("#id_ends_at_1", "23:00:00")
    page.fill("#id_budget", "1000")
    page.fill("#id_holdout_percent", "0")
    page.fill("#id_amounts-0-points", "70")
    page.wait_for_selector("#preview >> text=70 points each")
    page.click("button[name=_save]")
    page.wait_for_url("**/giftcampaign/")
    campaign = GiftCampaign.objects.get(code="spring-gift")
    address = live_server.url + reverse("admin:loyalty_giftcampaign_change", args=[campaign.pk])

    felix = enter("felix")
    felix.goto(address)
    felix.click("text=Start")
    felix.wait_for_selector("text=Start this gift campaign?")
    felix.click("button[name=confirm]")
    felix.wait_for_selector("text=The campaign is on.")
    gift_sends.give_once(timezone.now())
    felix.goto(address)
    felix.wait_for_selector("#preview >> text=100.0 %")
    felix.click("text=Effect")
    felix.wait_for_selector("text=Too few members to tell.")

    page.goto(address)
    page.click(f"a[href*='{reverse('admin:loyalty_giftcampaign_undo', args=[campaign.pk])}']")
    page.wait_for_selector("text=70 points were granted to 1 members.")
    page.click("text=Take back the 70 points that are left")
    page.fill("#id_reason", "Given by mistake")
    page.click("button[name=confirm]")
    page.wait_for_selector("text=The undoing is proposed.")

    felix.goto(live_server.url + reverse("admin:loyalty_campaignundo_changelist"))
    felix.goto(live_server.url + reverse("admin:loyalty_campaignundo_change", args=[CampaignUndo.objects.get().pk]))
    felix.click("a[href*='/approve']")
    felix.wait_for_selector("text=Given by mistake")
    felix.click("button[name=confirm]")
    felix.wait_for_selector("text=Approved: it is carried out within a minute.")
    campaign_undos.carry_out_due(timezone.now())
    assert CampaignUndo.objects.get().status == "done"
    assert sample.wallet("alice").account.available == 40


def test_an_account_is_closed_once_the_member_gives_up_what_is_shown(enter, live_server):
    sample.staff("pia", "privacy")
    page = enter("pia")
    alice = Member.objects.get(external_id="alice")
    page.goto(live_server.url + reverse("admin:members_member_change", args=[alice.pk]))
    page.click("text=Close the account")
    page.wait_for_selector("text=worth 0.40 CNY")
    page.fill("#id_reason", "She asked for it")
    page.check("#id_waive", force=True)
    page.click("button[name=confirm]")
    page.wait_for_url(f"**/member/{alice.pk}/change/")
    alice.refresh_from_db()
    assert alice.status == "closed"
