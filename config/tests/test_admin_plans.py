"""Selling plans in the admin: offers put on sale by a colleague, codes in bulk, money back with the reasons."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from common.models import ApiKey, AuditEntry, Look
from common.tests.seen import agree
from config.tests import sample
from members.models import Member, PlanOffer, PlanPurchase, SalesChannel, VoucherBatch
from members.tests import plus as stage
from rewards.services import plan_rights
from rewards.tests import shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia(client):
    person = sample.staff("olivia", "operations")
    client.force_login(person)
    return person


@pytest.fixture
def felix(client):
    person = sample.staff("felix", "finance")
    client.force_login(person)
    return person


def a_draft(author=None) -> PlanOffer:
    offer = stage.plus(code="draft", starts_at=timezone.now(), created_by=author)
    PlanOffer.objects.filter(pk=offer.pk).update(status="draft")
    offer.refresh_from_db()
    return offer


def bought() -> PlanPurchase:
    now = timezone.now()
    offer = stage.plus(starts_at=now - dt.timedelta(days=1))
    alice = Member.objects.create(external_id="alice", registered_at=now)
    return stage.buy(alice, offer, now)


def page(client, model, verb, *args):
    return client.get(reverse(f"admin:members_{model}_{verb}", args=args))


def test_an_operator_drafts_an_offer_and_sees_what_it_means(client, olivia):
    plan = a_draft().plan
    video = shop.a_reward("video", name="A year of video", kind="partner")
    now = timezone.localtime()
    data = {
        "plan": plan.pk, "code": "plus-month", "name": "PLUS, a month", "term_days": 30, "fee": "19.90", "trial_days": 0,
        "refunds": "prorata", "refund_days": 7, "ahead_days": 365, "notice_days": 5, "renews": "on",
        "starts_at_0": f"{now:%Y-%m-%d}", "starts_at_1": f"{now:%H:%M:%S}",
        "discounts-TOTAL_FORMS": 1, "discounts-INITIAL_FORMS": 0, "discounts-0-kind": "score", "discounts-0-above": 4500,
        "discounts-0-amount": "5.00",
        "rights-TOTAL_FORMS": 1, "rights-INITIAL_FORMS": 0, "rights-0-reward": video.pk, "rights-0-way": "account",
        "rights-0-price": "6.00",
    }  # fmt: skip
    seen = client.post(reverse("admin:members_planoffer_preview_new"), data).content.decode()
    assert "19.90" in seen
    assert "14.90" in seen
    assert "A year of video" in seen
    answer = client.post(reverse("admin:members_planoffer_add"), data)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    offer = PlanOffer.objects.get(code="plus-month")
    assert (offer.fee, offer.status, offer.created_by) == (1_990, "draft", olivia)
    assert offer.discounts.get().amount == 500
    assert (offer.rights.get().reward, offer.rights.get().price) == (video, 600)


def test_a_draft_is_put_on_sale_by_a_colleague_and_not_by_its_author(client, olivia):
    offer = a_draft(olivia)
    address = reverse("admin:members_planoffer_activate", args=[offer.pk])
    client.post(address)
    offer.refresh_from_db()
    assert offer.status == "draft"
    client.force_login(sample.staff("felix", "finance"))
    assert "never changes" in client.get(address).content.decode()
    agree(client, address)
    offer.refresh_from_db()
    assert (offer.status, offer.activated_by.username) == ("active", "felix")
    assert page(client, "planoffer", "change", offer.pk).status_code == 200


def test_an_offer_on_sale_cannot_be_edited(client, olivia):
    offer = stage.plus(starts_at=timezone.now())
    client.post(reverse("admin:members_planoffer_change", args=[offer.pk]), {"fee": "1.00"})
    offer.refresh_from_db()
    assert offer.fee == 14_900


def test_codes_are_released_by_a_colleague_downloaded_and_voided(client, felix):
    batch = VoucherBatch.objects.create(
        channel=stage.direct(), offer=stage.plus(), name="Acme", size=3, price=12_000,
        expires_at=timezone.now() + dt.timedelta(days=30), created_by=sample.staff("olivia", "operations"),
    )  # fmt: skip
    release = reverse("admin:members_voucherbatch_release", args=[batch.pk])
    assert "360.00" in client.get(release).content.decode()
    agree(client, release)
    file = client.get(reverse("admin:members_voucherbatch_download", args=[batch.pk])).content.decode().split()
    assert file == ["code", *sorted(batch.vouchers.values_list("code", flat=True))]
    client.post(reverse("admin:members_voucherbatch_void", args=[batch.pk]), {"reason": "contract ended"})
    assert not batch.vouchers.filter(void_at=None).exists()
    assert AuditEntry.objects.filter(action__startswith="members.vouchers.").count() == 3


def test_finance_sees_what_the_policy_gives_and_pays_it_back(client, felix):
    purchase = bought()
    address = reverse("admin:members_planpurchase_refund", args=[purchase.pk])
    assert "149.00" in client.get(address).content.decode()
    client.post(address, {"reason": "changed her mind"})
    purchase.refresh_from_db()
    assert (purchase.status, purchase.refund, purchase.refund_reason) == ("refunded", 14_900, "changed her mind")


def test_operations_may_not_pay_back(client, olivia):
    purchase = bought()
    assert (
        client.post(reverse("admin:members_planpurchase_refund", args=[purchase.pk]), {"reason": "x"}).status_code
        == 403
    )
    purchase.refresh_from_db()
    assert purchase.status == "paid"


def test_a_channels_month_says_what_is_due(client, felix):
    purchase = bought()
    SalesChannel.objects.create(code="bank", name="Bank", kind="bank")
    seen = client.get(reverse("admin:members_saleschannel_settlement")).content.decode()
    assert "149.00" in seen
    assert "Bank" in seen
    month = f"{timezone.localtime(purchase.paid_at) - dt.timedelta(days=40):%Y-%m}"
    assert (
        "149.00" not in client.get(reverse("admin:members_saleschannel_settlement"), {"month": month}).content.decode()
    )


@pytest.mark.parametrize(
    "model", ["planoffer", "planpurchase", "subscription", "autorenewal", "saleschannel", "voucherbatch"]
)
def test_every_list_and_row_can_be_looked_at(client, felix, model):
    purchase = bought()
    assert page(client, model, "changelist").status_code == 200
    if model == "planpurchase":
        seen = page(client, model, "change", purchase.pk).content.decode()
        assert "earned" in seen


def test_the_members_page_shows_what_was_bought(client, felix):
    purchase = bought()
    seen = client.get(reverse("admin:members_member_change", args=[purchase.member_id])).content.decode()
    assert "PLUS, a year" in seen


def test_the_members_page_names_a_term_that_was_not_bought(client, felix):
    """Shops tell of terms that they sold themselves, and rewards give some: nobody is offered what runs."""
    now = timezone.now()
    plan = stage.plus(starts_at=now - dt.timedelta(days=1)).plan
    alice = Member.objects.create(external_id="alice", registered_at=now)
    alice.subscriptions.create(plan=plan, starts_at=now, ends_at=now + dt.timedelta(days=30))
    seen = client.get(reverse("admin:members_member_change", args=[alice.pk])).content.decode()
    assert "not bought by an offer" in seen
    assert "No paid plan was bought" not in seen


def test_an_offer_is_tried_on_a_member_and_that_is_written_down(client, olivia):
    purchase = bought()
    address = reverse("admin:members_planoffer_try_on", args=[purchase.offer_id])
    assert "There is no such member." in client.post(address, {"member": "nobody"}).content.decode()
    seen = client.post(address, {"member": "alice"}).content.decode()
    assert "149.00" in seen
    assert "Nothing is claimed: 0 orders in twelve months" in seen
    assert Look.objects.get(subject="alice").staff == olivia


def test_a_channels_key_is_shown_once_and_opens_its_own_door_alone(client, olivia):
    bank = SalesChannel.objects.create(code="bank", name="Bank", kind="bank")
    address = reverse("admin:members_saleschannel_issue_key", args=[bank.pk])
    assert "no other channel" in client.get(address).content.decode()
    told = client.post(address, {"name": "The bank's app"}, follow=True).content.decode()
    key = ApiKey.objects.get()
    assert f"{key.prefix}." in told
    assert (key.scopes, key.channel_key.channel) == (["channel:sell"], bank)
    again = client.post(address, {"name": "The bank's app"}).content.decode()
    assert "There is a key with this name." in again
    assert "channel:sell" not in client.get(reverse("admin:common_apikey_add")).content.decode()


def test_a_claimed_right_is_taken_back_with_a_reason(client, felix):
    purchase = bought()
    video = shop.a_reward("video", name="A year of video", kind="partner")
    shop.a_pool(video, "V-1")
    purchase.offer.rights.create(reward=video, price=60_00)
    claim, _new = plan_rights.claim(purchase.member, purchase.uuid, "video", timezone.now())
    assert "60.00" in client.get(reverse("admin:members_planpurchase_refund", args=[purchase.pk])).content.decode()
    address = reverse("admin:rewards_rightclaim_withdraw", args=[claim.pk])
    assert "only if the partner confirms" in client.get(address).content.decode()
    client.post(address, {"reason": "The partner blocked it"})
    claim.refresh_from_db()
    assert claim.withdrawn_because == "The partner blocked it"


def test_a_plans_page_shows_how_it_does(client, felix):
    purchase = bought()
    seen = client.get(reverse("admin:members_plan_change", args=[purchase.offer.plan_id])).content.decode()
    assert "No term has ended yet." in seen
    assert "148.60" in seen  # 149.00 less the first of 365 days
