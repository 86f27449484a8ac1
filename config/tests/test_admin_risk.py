"""Risk on the operators' pages: rules are written and put in force by two, lists are kept, members' appeals decided."""

import datetime as dt

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from common.tests.seen import agree
from config.tests import sample
from loyalty.models import ConductRating
from members.models import Member, RiskAppeal, RiskListing, RiskRefusal, RiskRule, RiskRuleVersion
from members.services import risk_appeals
from members.tests import risk

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return Member.objects.create(external_id="alice", name="Alice", registered_at=timezone.now())


def sign_in(client, name, role):
    person = sample.staff(name, role)
    client.force_login(person)
    return person


def form(rule, **changes):
    """At most five redemptions an hour."""
    return {
        "rule": rule.pk, "action": "redemption", "counter": "member", "limit": 5, "span": 2, "unit": 60,
        "outcome": "refuse", "reason_en": "Too often.", "reason_zh": "次数过多。",
        "effective_from_0": "2026-01-01", "effective_from_1": "00:00:00", **changes,
    }  # fmt: skip


def address(name, *args):
    return reverse(f"admin:members_{name}", args=args)


def refuse(member):
    now = timezone.now()
    risk.in_force(limit=0, at=now - dt.timedelta(minutes=1))
    assert not risk.passes(member.external_id, now)
    return RiskRefusal.objects.get()


def test_a_rule_is_written_in_hours_and_put_in_force_by_somebody_else(client):
    olivia = sign_in(client, "olivia", "operations")
    rule = RiskRule.objects.create(code="velocity", name="Velocity")
    client.post(address("riskruleversion_add"), form(rule))
    version = RiskRuleVersion.objects.get()
    assert (version.window_minutes, version.created_by, version.mode) == (120, olivia, "draft")
    assert client.post(address("riskruleversion_activate", version.pk)).status_code == 403
    sign_in(client, "rosa", "risk")
    page = client.get(address("riskruleversion_activate", version.pk)).content.decode()
    assert "at most 5 in 2 hours" in page
    assert "Nothing was counted of this yet" in page
    agree(client, address("riskruleversion_activate", version.pk))
    version.refresh_from_db()
    assert (version.mode, version.activated_by.username) == ("active", "rosa")


def test_the_author_is_refused_in_words(client):
    sign_in(client, "rosa", "risk")
    rule = RiskRule.objects.create(code="velocity", name="Velocity")
    client.post(address("riskruleversion_add"), form(rule))
    answer = agree(client, address("riskruleversion_activate", RiskRuleVersion.objects.get().pk))
    assert "Somebody else has to put this in force." in answer.content.decode()


def test_what_makes_no_sense_is_refused_in_the_form(client):
    sign_in(client, "rosa", "risk")
    rule = RiskRule.objects.create(code="velocity", name="Velocity")
    answer = client.post(address("riskruleversion_add"), form(rule, action="return"))
    assert "This has happened when we hear of it" in answer.content.decode()
    assert not RiskRuleVersion.objects.exists()


def test_a_draft_is_tried_in_shadow_by_its_author(client):
    rita = sign_in(client, "rosa", "risk")
    version = risk.draft()
    RiskRuleVersion.objects.update(created_by=rita)
    assert "refuses nobody" in client.get(address("riskruleversion_watch", version.pk)).content.decode()
    agree(client, address("riskruleversion_watch", version.pk))
    version.refresh_from_db()
    assert version.mode == "shadow"
    assert client.post(address("riskruleversion_change", version.pk), form(version.rule, limit=9)).status_code == 403


def test_the_known_rules_are_drafted_after_asking(client):
    sign_in(client, "rosa", "risk")
    assert "Likes from one device" in client.get(address("riskrule_install")).content.decode()
    assert not RiskRule.objects.exists()
    client.post(address("riskrule_install"))
    assert RiskRuleVersion.objects.filter(mode="draft").count() == RiskRule.objects.count() > 5


def test_the_overview_shows_the_nine_rules_of_the_seed(client, alice):
    refuse(alice)
    sign_in(client, "rosa", "risk")
    page = client.get(address("riskrefusal_board")).content.decode()
    for words in ("Coupons are for bronze", "Plans ask for a credit score", "Every further hole", "Too many"):
        assert words in page
    client.force_login(sample.staff("otto", "merchant"))
    assert client.get(address("riskrefusal_board")).status_code in (302, 403)


def test_the_overview_costs_the_same_however_many_refusals(client, alice, django_assert_max_num_queries):
    refuse(alice)
    for _ in range(30):
        risk.passes("alice", timezone.now())
    sign_in(client, "rosa", "risk")
    with django_assert_max_num_queries(30):
        client.get(address("riskrefusal_board"))


def test_a_refusal_stands_on_the_members_page_with_its_reason(client, alice):
    refuse(alice)
    sign_in(client, "sue", "support")
    page = client.get(reverse("admin:members_member_change", args=[alice.pk])).content.decode()
    assert "Too often." in page


def test_support_contests_for_a_member_and_risk_decides(client, alice):
    met = refuse(alice)
    sign_in(client, "sue", "support")
    client.post(address("riskrefusal_contest", met.pk), {"text": "She was at the till."})
    appeal = RiskAppeal.objects.get()
    assert client.post(address("riskappeal_uphold", appeal.pk), {"note": "x", "spare_days": 3}).status_code == 403
    sign_in(client, "felix", "finance")
    assert "She was at the till." in client.get(address("riskappeal_uphold", appeal.pk)).content.decode()
    client.post(address("riskappeal_uphold", appeal.pk), {"note": "She is right.", "spare_days": 3})
    appeal.refresh_from_db()
    assert (appeal.status, appeal.decided_by.username) == ("upheld", "felix")
    assert risk.passes("alice", timezone.now())


def test_a_refusal_stands_with_a_note(client, alice):
    appeal = risk_appeals.file(refuse(alice), "No!", risk.person("sue"), timezone.now())
    sign_in(client, "felix", "finance")
    client.post(address("riskappeal_dismiss", appeal.pk), {"note": "Three accounts, one device."})
    appeal.refresh_from_db()
    assert (appeal.status, appeal.note) == ("dismissed", "Three accounts, one device.")


def listing_form(**changes):
    now = timezone.localtime()
    return {
        "kind": "deny", "by": "member", "name": "alice", "actions": ["transfer"], "reason": "Bank letter 17",
        "starts_at_0": f"{now:%Y-%m-%d}", "starts_at_1": "00:00:00", **changes,
    }  # fmt: skip


def test_a_member_is_denied_by_name_and_the_entry_is_lifted(client, alice):
    sign_in(client, "rosa", "risk")
    client.post(address("risklisting_add"), listing_form())
    entry = RiskListing.objects.get()
    assert (entry.member, entry.actions, entry.created_by.username) == (alice, ["transfer"], "rosa")
    assert not risk.passes("alice", timezone.now(), "transfer")
    client.post(address("risklisting_lift", entry.pk), {"reason": "Cleared up"})
    assert risk.passes("alice", timezone.now(), "transfer")


def test_a_device_is_kept_as_a_digest(client):
    sign_in(client, "rosa", "risk")
    client.post(address("risklisting_add"), listing_form(by="device", name="imei-1"))
    entry = RiskListing.objects.get()
    assert "imei" not in entry.subject
    assert len(entry.subject) == 32


def test_nobody_unknown_is_listed(client):
    sign_in(client, "rosa", "risk")
    answer = client.post(address("risklisting_add"), listing_form(name="nobody"))
    assert "No such member: nobody" in answer.content.decode()
    assert not RiskListing.objects.exists()


def upload(client, text):
    file = SimpleUploadedFile("list.csv", text.encode())
    answer = client.post(address("risklisting_import"), {"format": "0", "import_file": file, "resource": ""})
    confirm = answer.context.get("confirm_form") if answer.context else None
    if confirm is None:
        return answer
    return client.post(address("risklisting_process_import"), confirm.initial, follow=True)


def test_a_file_of_entries_is_taken_as_a_whole_or_not_at_all(client, alice):
    sign_in(client, "rosa", "risk")
    head = "kind,by,subject,reason,actions,ends_at\n"
    upload(client, head + 'deny,member,alice,Farm 7,"transfer,play",\ndeny,device,imei-1,Farm 7,,\n')
    assert list(RiskListing.objects.order_by("pk").values_list("by", "actions")) == [
        ("member", ["transfer", "play"]), ("device", []),
    ]  # fmt: skip
    bad = upload(client, head + "deny,device,imei-2,Farm 7,,\ndeny,member,nobody,Farm 7,,\n")
    assert "No such member: nobody" in bad.content.decode()
    assert RiskListing.objects.count() == 2


def test_support_lists_nobody(client, alice):
    sign_in(client, "sue", "support")
    assert client.post(address("risklisting_add"), listing_form()).status_code == 403


@pytest.mark.parametrize("name", ["riskrule", "riskruleversion", "riskrefusal", "risklisting", "riskappeal"])
def test_lists_cost_the_same_however_long_they_are(client, name, django_assert_max_num_queries):
    sample_members = [Member.objects.create(external_id=f"m-{n}", registered_at=timezone.now()) for n in range(12)]
    for member in sample_members:
        risk.in_force(limit=0, at=timezone.now())
        risk.passes(member.external_id, timezone.now())
    for met in RiskRefusal.objects.order_by("member", "-pk").all()[:12]:
        if not RiskAppeal.objects.filter(refusal=met).exists():
            risk_appeals.file(met, "No!", risk.person("sue"), timezone.now())
        RiskListing.objects.create(
            by="member", subject=met.subject, member=met.member, reason="x", starts_at=timezone.now()
        )
    sign_in(client, "rosa", "risk")
    with django_assert_max_num_queries(25):
        assert client.get(address(f"{name}_changelist")).status_code == 200


def test_conduct_is_set_by_hand_with_a_reason(client, alice):
    ConductRating.objects.create(member=alice, band="poor", reasons=["returns"], rated_at=timezone.now())
    sign_in(client, "rosa", "risk")
    page = reverse("admin:loyalty_conductrating_set_by_hand", args=[alice.pk])
    assert "sends much back without cause" in client.get(page).content.decode()
    client.post(page, {"band": "ordinary", "days": 30, "note": "A flood."})
    assert ConductRating.objects.get().stands(timezone.now()) == "ordinary"
    sign_in(client, "olga", "operations")
    assert client.post(page, {"band": "good", "days": 30, "note": "x"}).status_code == 403
    shown = client.get(reverse("admin:members_member_change", args=[alice.pk])).content.decode()
    assert "A flood." in shown
