"""The operators' pages of benefits: they say whom a grant reaches and what it costs, and two persons put it in force."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from common.models import AuditEntry
from common.services.audit import Actor
from config.tests import sample
from loyalty.tests import medal_case
from loyalty.tests.stage import DAY
from merchants.models import Merchant, Store
from rewards.models import Benefit, BenefitBudget, BenefitGrant, BenefitUse, BirthdayPack, InstantRefund, MemberGrant
from rewards.selectors import entitlements
from rewards.services import benefit_presets, benefits, birthdays, instant_refunds, member_grants
from rewards.tests import perks

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia(client):
    """Writes the programme."""
    return signed_in(client, "olivia", "operations")


@pytest.fixture
def felix():
    """Puts in force."""
    from django.test import Client

    return signed_in(Client(), "felix", "finance")


def signed_in(client, name, role):
    client.force_login(sample.staff(name, role))
    return client


def form(benefit, tier, /, **values):
    return {
        "benefit": benefit.pk, "bundle": "", "value": "", "quota": "", "period": "month", "pack": "", "audience": "tier",
        "tier": tier.pk, "medal_level": "", "plan": "", "threshold": "", "club": "", "club_level": 1, "segment": "",
    } | values  # fmt: skip


def test_a_grant_is_written_by_one_and_put_in_force_by_another(olivia, felix):
    alice = perks.member("alice", "gold")
    shipping = perks.benefit("free-shipping", kind=Benefit.Kind.FREE_SHIPPING, unit_cost=6_00, expected_permille=1000)
    answer = olivia.post(reverse("admin:rewards_benefitgrant_add"), form(shipping, perks.tier("gold"), value="79.50"))
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    grant = BenefitGrant.objects.get()
    assert (grant.value, grant.status, grant.drafted_by.username) == (79_50, "draft", "olivia")
    address = reverse("admin:rewards_benefitgrant_activate", args=[grant.pk])
    assert olivia.get(address).status_code == 403
    asked = felix.get(address)
    page = asked.content.decode()
    assert "from 79.50 CNY" in page
    assert "6.00 CNY" in page
    done = felix.post(address, {"seen": asked.context["form"]["seen"].value(), "effective_at": ""})
    assert done.status_code == 302
    assert [found.value for found in entitlements.of(alice, timezone.now())] == [79_50]
    assert AuditEntry.objects.filter(action="rewards.grants.activate").exists()


def test_the_preview_says_whom_it_reaches_and_what_it_costs_against_the_budget(olivia):
    for number in range(3):
        perks.member(f"m-{number}", "gold")
    BenefitBudget.objects.create(tier=perks.tier("gold"), monthly=10_00)
    parcel = perks.benefit("parcel", unit_cost=7_00, expected_permille=1000)
    body = form(parcel, perks.tier("silver"), quota="2")
    page = olivia.post(reverse("admin:rewards_benefitgrant_preview_new"), body).content.decode()
    assert "3 members belong to it today" in page
    assert "2 × a month" in page
    assert "21.00 CNY" in page
    assert "14.70 CNY – 27.30 CNY" in page
    assert "the budget is 10.00" in page
    assert not BenefitGrant.objects.exists()


def test_a_parameter_must_fit_the_benefit(olivia):
    parcel, shipping = perks.benefit("parcel"), perks.benefit("free-shipping", kind=Benefit.Kind.FREE_SHIPPING)
    add = reverse("admin:rewards_benefitgrant_add")
    for body, field in [
        (form(parcel, perks.tier("gold"), value="5"), "value"),
        (form(shipping, perks.tier("gold")), "value"),
        (form(shipping, perks.tier("gold"), value="5", tier=""), "tier"),
        (form(shipping, perks.tier("gold"), value="5", benefit=""), "benefit"),
    ]:
        answer = olivia.post(add, body)
        assert field in answer.context["adminform"].form.errors, (field, answer.context["adminform"].form.errors)
    assert not BenefitGrant.objects.exists()


def test_over_budget_is_refused_on_the_page(olivia, felix):
    perks.member("alice", "gold")
    BenefitBudget.objects.create(tier=perks.tier("gold"), monthly=1_00)
    grant = perks.grant(
        perks.benefit("parcel", unit_cost=7_00, expected_permille=1000),
        perks.tier("gold"),
        status="draft",
        effective_from=None,
        activated_at=None,
    )
    address = reverse("admin:rewards_benefitgrant_activate", args=[grant.pk])
    seen = felix.get(address).context["form"]["seen"].value()
    page = felix.post(address, {"seen": seen}).content.decode()
    assert "the budget is 1.00" in page
    grant.refresh_from_db()
    assert grant.is_draft


def test_the_matrix_shows_who_has_what_and_who_used_it(olivia, django_assert_max_num_queries):
    benefit_presets.install()
    alice = perks.member("alice", "gold")
    perks.member("bob", "silver")
    shipping = Benefit.objects.get(code="free-shipping")
    perks.grant(shipping, perks.tier("silver"), value=99_00)
    perks.grant(shipping, perks.tier("gold"), value=79_00)
    benefits.use(alice, "free-shipping", timezone.now(), key="k")
    address = reverse("admin:rewards_benefit_matrix")
    olivia.get(address)
    with django_assert_max_num_queries(60):
        page = olivia.get(address).content.decode()
    assert "from 79.00 CNY" in page
    assert "from 99.00 CNY" in page
    assert "100.0 % of 1 used it" in page
    assert "0.0 % of 1 used it" in page


def test_the_settlement_page_nets_to_zero_and_leaves_as_a_file(olivia):
    acme, shine = (Merchant.objects.create(code=code, name=code.title()) for code in ("acme", "shine"))
    Store.objects.create(code="shine-1", name="Shine", merchant=shine)
    wash = perks.benefit("wash", settlement_price=5_00)
    Benefit.objects.filter(pk=wash.pk).update(issuer=acme)
    perks.grant(wash)
    benefits.use(perks.member(), "wash", timezone.now(), key="k", store="shine-1")
    address = reverse("admin:rewards_benefituse_settlement")
    page = olivia.get(address).content.decode()
    assert "−5.00 CNY" in page
    assert "0.00 CNY" in page
    text = olivia.get(address, {"format": "csv"}).content.decode()
    assert text.splitlines() == ["issuer,used_at,uses,amount", "acme,shine,1,500"]
    assert AuditEntry.objects.filter(action="rewards.benefituse.settlement").count() == 1
    assert olivia.get(address, {"month": "rubbish"}).status_code == 200


def test_support_gives_a_member_a_benefit_with_a_reason_and_takes_it_back(client):
    sue = signed_in(client, "sue", "support")
    alice, parcel = perks.member(), perks.benefit("parcel")
    until = (timezone.now() + 30 * DAY).date().isoformat()
    address = reverse("admin:rewards_membergrant_give", args=[alice.pk])
    assert "reason" in sue.post(address, {"benefit": parcel.pk, "until_on": until}).context["form"].errors
    sue.post(address, {"benefit": parcel.pk, "until_on": until, "quota": 1, "reason": "The parcel was late."})
    gift = MemberGrant.objects.get()
    assert (gift.quota, gift.given_by.username) == (1, "sue")
    page = sue.get(reverse("admin:members_member_change", args=[alice.pk])).content.decode()
    assert "Given to you" in page
    assert "1 of 1 left" in page
    sue.post(reverse("admin:rewards_membergrant_take_back", args=[gift.pk]), {"reason": "By mistake."})
    assert entitlements.of(alice, timezone.now()) == []


def test_an_operator_says_that_the_goods_are_here(olivia):
    alice = perks.member("alice", "gold")
    perks.grant(perks.benefit("instant-refund", kind=Benefit.Kind.INSTANT_REFUND), perks.tier("gold"), value=100_00)
    refund = instant_refunds.open(alice, "o-1", 10_00, timezone.now(), key="r")
    address = reverse("admin:rewards_instantrefund_settle", args=[refund.pk])
    assert "10.00 CNY" in olivia.get(address).content.decode()
    olivia.post(address)
    assert InstantRefund.objects.get().status == "received"


def test_what_is_in_force_cannot_be_edited_and_uses_cannot_be_touched(client):
    client.force_login(sample.staff("root", is_superuser=True))
    call_command("sync_roles", verbosity=0)
    grant = perks.grant(perks.bundle((perks.benefit("parcel"), {})))
    alice = perks.member()
    benefits.use(alice, "parcel", timezone.now(), key="k")
    use = BenefitUse.objects.get()
    for name, pk in [("benefitgrant", grant.pk), ("bundle", grant.bundle_id), ("benefituse", use.pk)]:
        page = reverse(f"admin:rewards_{name}_change", args=[pk])
        assert client.get(page).status_code == 200
        assert client.post(page, {}).status_code == 403
        assert client.post(reverse(f"admin:rewards_{name}_delete", args=[pk]), {"post": "yes"}).status_code == 403


def test_what_is_in_force_is_read_in_words(client):
    client.force_login(sample.staff("root", is_superuser=True))
    free = perks.benefit("shipping", kind=Benefit.Kind.FREE_SHIPPING, name="Free shipping")
    single = perks.grant(free, perks.tier("gold"), value=5900)
    bundled = perks.grant(perks.bundle((free, {"value": 7900})))
    for name, pk, words in [
        ("benefitgrant", single.pk, "from 59.00 CNY"),
        ("bundle", bundled.bundle_id, "from 79.00 CNY"),
    ]:
        says = client.get(reverse(f"admin:rewards_{name}_change", args=[pk])).content.decode()
        assert words in says
        assert "5900" not in says
        assert "7900" not in says


def test_uses_stand_by_the_day_of_the_use_not_of_the_report(client):
    client.force_login(sample.staff("root", is_superuser=True))
    perks.grant(perks.benefit("parcel"), perks.tier("bronze"))
    alice, now = perks.member(), timezone.now()
    for days, key in ((1, "early"), (3, "late")):
        benefits.use(alice, "parcel", now - days * DAY, key=key)
    shown = client.get(reverse("admin:rewards_benefituse_changelist")).context["cl"].result_list
    assert [use.key for use in shown] == ["early", "late"]


def test_lists_cost_the_same_for_few_rows_and_for_many(client):
    client.force_login(sample.staff("root", is_superuser=True))
    names = ["benefit", "bundle", "benefitgrant", "benefituse", "membergrant", "birthdaypack", "instantrefund"]
    now = timezone.now()

    def grow(first: int, last: int) -> None:
        instant = perks.benefit("instant-refund", kind=Benefit.Kind.INSTANT_REFUND)
        pack = perks.benefit("birthday-pack", kind=Benefit.Kind.BIRTHDAY_PACK)
        level = medal_case.medal(f"medal-{first}").levels.get(number=1)
        for number in range(first, last):
            parcel = perks.benefit(f"parcel-{number}")
            perks.grant(perks.bundle((parcel, {"quota": 5})), perks.tier("bronze"))
            perks.grant(parcel, level)
            perks.grant(instant, perks.tier("bronze"), value=10_00)
            perks.grant(pack, perks.tier("bronze"), value=1)
            owner = perks.member(f"m-{number}", phone_verified=True, birthday=now.date().replace(year=1990))
            benefits.use(owner, parcel.code, now, key="k")
            instant_refunds.open(owner, "o", 1_00, now, key="r")
            member_grants.give(owner, parcel, Actor("test"), now, until=now + DAY, reason="test")
        birthdays.issue(now + last * DAY / 10**6, now)

    def cost() -> dict[str, int]:
        told = {}
        for name in names:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(reverse(f"admin:rewards_{name}_changelist")).status_code == 200
            told[name] = len(queries)
        return told

    grow(0, 3)
    few = cost()
    grow(3, 20)
    assert BirthdayPack.objects.count() == 20
    many = cost()
    assert {name: (few[name], many[name]) for name in names if many[name] > few[name]} == {}
