"""Operators and packs: contents that stand fast once granted, what is owed, and handing it out by a button."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from common.models import AuditEntry
from config.tests import sample
from rewards.models import Benefit, PackGift, PackItem
from rewards.services import packs
from rewards.tests import perks, shop

pytestmark = pytest.mark.django_db

FORMSET = {"pack_items-INITIAL_FORMS": "0", "pack_items-MIN_NUM_FORMS": "0", "pack_items-MAX_NUM_FORMS": "1000"}


@pytest.fixture
def olivia(client):
    person = sample.staff("olivia", "operations")
    client.force_login(person)
    return person


@pytest.fixture
def pack(db):
    return perks.benefit("coupon-pack", name="Coupons", kind=Benefit.Kind.COUPON_PACK)


def page(name: str, *args) -> str:
    return reverse(f"admin:rewards_{name}", args=args)


def body(benefit: Benefit, **more) -> dict:
    """The benefit's form as it stands, with further fields."""
    plain = {name: getattr(benefit, name) for name in ("name", "kind", "saves", "mode", "icon", "colour")}
    numbers = {name: getattr(benefit, name) for name in ("expected_permille", "goods_within_days", "days_before")}
    return {
        **plain, **numbers, "valid_days": 15, "leap_day": "earlier", "unit_cost": "0.00", "settlement_price": "0.00",
        "is_active": "on", **FORMSET, **more,
    }  # fmt: skip


def test_contents_are_edited_until_the_benefit_is_granted(client, olivia, pack):
    reward = shop.a_reward("ten-off", kind="coupon", name="Ten off")
    row = {"pack_items-TOTAL_FORMS": "1", "pack_items-0-reward": reward.pk, "pack_items-0-quantity": "2"}
    client.post(page("benefit_change", pack.pk), body(pack, **row))
    item = PackItem.objects.get()
    assert (item.reward, item.quantity) == (reward, 2)
    perks.grant(pack, value=2000)
    says = client.get(page("benefit_change", pack.pk)).content.decode()
    assert "Ten off" in says
    assert "pack_items-0-quantity" not in says


def test_a_grant_says_what_is_handed_out_before_it_is_put_in_force(client, olivia, pack):
    pack.pack_items.create(reward=shop.a_reward("ten-off", kind="coupon", name="Ten off", unit_cost=800), quantity=2)
    Benefit.objects.update(expected_permille=1000)
    perks.member()
    grant = perks.grant(pack, value=2000, status="draft", effective_from=None, activated_at=None)
    says = client.get(page("benefitgrant_change", grant.pk)).content.decode()
    assert "2 × Ten off" in says
    assert "16.00 CNY" in says


def test_what_is_owed_is_seen_and_handed_out_by_a_button(client, olivia, pack):
    video = shop.a_reward("video", kind="partner", name="Video")
    pack.pack_items.create(reward=video)
    perks.grant(pack, value=2000)
    perks.member("alice")
    packs.hand_out(timezone.now(), timezone.now())
    assert "1 gifts owed" in client.get(page("benefit_changelist")).content.decode()
    owed = client.get(page("packgift_changelist"), {"state": "owed"}).content.decode()
    assert "Owed: nothing was left" in owed
    shop.a_pool(video, "V-1")
    assert "1 owed" in client.get(page("packgift_hand_out")).content.decode()
    answer = client.post(page("packgift_hand_out"), follow=True).content.decode()
    assert "given 1" in answer
    assert PackGift.objects.get().redemption.code.code == "V-1"
    assert AuditEntry.objects.filter(action="rewards.packs.hand_out", actor=olivia).exists()


def test_support_sees_packs_and_hands_none_out(client, pack):
    client.force_login(sample.staff("sam", "support"))
    assert client.get(page("packgift_changelist")).status_code == 200
    assert client.post(page("packgift_hand_out")).status_code == 403
