"""What operators do on their pages, by role: each deed once as it should be, and once as it must not be."""

import datetime as dt

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from common.models import ApiKey, AuditEntry, Delivery, WebhookEndpoint
from common.tests.seen import agree
from config import roles
from config.tests import sample
from loyalty.models import (
    Account,
    Adjustment,
    Campaign,
    CustomEventType,
    EarningRuleVersion,
    Lot,
    Programme,
    RuleCondition,
    Segment,
)
from loyalty.services import expiring, proof
from loyalty.tests import stage

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def sign_in(client, name: str, *its_roles: str, **more):
    person = sample.staff(name, *its_roles, **more)
    client.force_login(person)
    return person


def texts(answer) -> str:
    """The page, or for a redirect the page it leads to."""
    return answer.content.decode()


def version_form(rule_id: int, **changes) -> dict:
    """What the browser sends for a draft: 2 points per 1.00, from 50.00 of books on."""
    return {
        "rule": rule_id,
        "event_type": "order.completed",
        "formula": "per_money",
        "points": 2,
        "money_unit": "1.00",
        "money_step": "0.01",
        "basis": "order",
        "min_cash": "0.00",
        "multiplier_percent": 100,
        "likes_factor": 20,
        "likes_max": 200,
        "stacking": "sum",
        "priority": 0,
        "effective_from_0": "2026-01-01",
        "effective_from_1": "00:00:00",
        "available_after_days": 0,
        "expiry": "",
        "expiry_count": 0,
        "conditions-TOTAL_FORMS": 1,
        "conditions-INITIAL_FORMS": 0,
        "conditions-0-attribute": "order.cash",
        "conditions-0-operator": "at_least",
        "conditions-0-value": "50.00",
        **changes,
    }


# Rules ------------------------------------------------------------------------------------------------------


def test_operations_writes_a_draft_in_money_and_reads_it_back_in_words(client):
    olivia = sign_in(client, "olivia", "operations")
    rule = sample.draft().rule
    client.post(reverse("admin:loyalty_earningruleversion_add"), version_form(rule.pk))
    version = EarningRuleVersion.objects.get(rule=rule, number=2)
    assert (version.money_unit, version.money_step, version.created_by, version.status) == (100, 1, olivia, "draft")
    assert RuleCondition.objects.get(version=version).value == "5000"
    page = texts(client.get(reverse("admin:loyalty_earningruleversion_change", args=[version.pk])))
    assert (
        "2 points per 1.00 CNY of cash when an order is completed, if the order&#x27;s cash is at least 50.00 CNY."
        in page
    )
    assert AuditEntry.objects.filter(action="loyalty.earningruleversion.add", actor=olivia).exists()


def test_the_preview_says_what_stands_in_the_form_and_saves_nothing(client):
    sign_in(client, "olivia", "operations")
    rule = sample.draft().rule
    answer = client.post(reverse("admin:loyalty_earningruleversion_preview_new"), version_form(rule.pk, points=7))
    assert "7 points per 1.00 CNY" in texts(answer)
    assert rule.versions.count() == 1


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"conditions-0-value": "much"}, "Write amounts of money"),
        ({"conditions-0-attribute": "time.weekday", "conditions-0-value": "Monday"}, "Give whole numbers"),
        ({"expiry": "fixed_date"}, "Say on which date"),
        ({"money_unit": "0.00"}, "0.01"),
        ({"event_type": "no.such"}, "Select a valid choice"),
    ],
)
def test_a_draft_that_could_not_be_read_is_refused_in_the_form(client, changes, complaint):
    sign_in(client, "olivia", "operations")
    rule = sample.draft().rule
    answer = client.post(reverse("admin:loyalty_earningruleversion_add"), version_form(rule.pk, **changes))
    assert complaint in texts(answer)
    assert rule.versions.count() == 1


def test_another_person_of_finance_puts_a_draft_in_force(client):
    version = sample.draft(author=sample.staff("olivia", "operations"))
    felix = sign_in(client, "felix", "finance")
    sample.buy("alice", "o-1", at=NOW - dt.timedelta(days=2))
    address = reverse("admin:loyalty_earningruleversion_activate", args=[version.pk])
    asked = texts(client.get(address))
    assert "It would have given in the last 30 days" in asked
    assert "200 points instead of 0" in asked
    version.refresh_from_db()
    assert version.status == "draft"
    agree(client, address)
    version.refresh_from_db()
    assert (version.status, version.activated_by) == ("active", felix)


def test_the_author_cannot_put_the_own_draft_in_force(client):
    root = sign_in(client, "root", is_superuser=True)
    version = sample.draft(author=root)
    answer = agree(client, reverse("admin:loyalty_earningruleversion_activate", args=[version.pk]))
    assert "Somebody else has to put this in force" in texts(answer)
    version.refresh_from_db()
    assert version.status == "draft"


@pytest.mark.parametrize("role", ["operations", "risk", "support"])
def test_who_is_not_of_finance_puts_nothing_in_force(client, role):
    version = sample.draft()
    sign_in(client, "somebody", role)
    assert client.post(reverse("admin:loyalty_earningruleversion_activate", args=[version.pk])).status_code == 403
    version.refresh_from_db()
    assert version.status == "draft"


def test_who_changes_a_draft_becomes_its_author(client):
    version = sample.draft(author=sample.staff("olivia", "operations"))
    root = sign_in(client, "root", is_superuser=True)
    row = version.conditions.get()
    form = version_form(
        version.rule_id,
        **{"conditions-INITIAL_FORMS": 1, "conditions-0-id": row.pk, "conditions-0-version": version.pk},
    )
    client.post(reverse("admin:loyalty_earningruleversion_change", args=[version.pk]), form)
    version.refresh_from_db()
    assert version.created_by == root


def test_a_version_in_force_never_changes_but_has_successors(client):
    version = sample.rule()
    sign_in(client, "root", is_superuser=True)
    address = reverse("admin:loyalty_earningruleversion_change", args=[version.pk])
    assert client.post(address, version_form(version.rule_id)).status_code == 403
    for model, key in (("earningruleversion", version.pk), ("earningrule", version.rule_id)):
        asked = client.get(reverse(f"admin:loyalty_{model}_new_version", args=[key])).content.decode()
        assert "until a colleague puts the draft in force" in asked
    assert version.rule.versions.count() == 1
    client.post(reverse("admin:loyalty_earningruleversion_new_version", args=[version.pk]))
    draft = version.rule.versions.get(number=2)
    assert (draft.status, draft.cap_item) == ("draft", 50)
    client.post(reverse("admin:loyalty_earningrule_new_version", args=[version.rule_id]))
    assert version.rule.versions.count() == 2


def test_the_test_panel_tells_what_each_rule_gives_for_a_made_up_order(client):
    sample.rule()
    version = sample.draft()
    sign_in(client, "rita", "risk")
    lines = {"lines-TOTAL_FORMS": 1, "lines-INITIAL_FORMS": 0, "lines-0-cash": "80.00", "lines-0-quantity": 1}
    form = {"event_type": "order.completed", "channel": "app", **lines}
    page = texts(client.post(reverse("admin:loyalty_earningruleversion_test", args=[version.pk]), form))
    assert "Gives 50 of 80 points: Cap per product." in page
    assert "Gives 160 points." in page
    assert "<b>210</b>" in page
    assert not Lot.objects.exists()


def test_the_test_panel_takes_a_real_order_by_its_code(client):
    sample.rule()
    sample.buy("alice", "o-77", 30_00, at=NOW)
    sign_in(client, "rita", "risk")
    empty = {"event_type": "order.completed", "lines-TOTAL_FORMS": 0, "lines-INITIAL_FORMS": 0}
    address = reverse("admin:loyalty_earningruleversion_test_rules")
    assert "Order o-77 earns" in texts(client.post(address, {**empty, "order": "o-77"}))
    assert "No such order" in texts(client.post(address, {**empty, "order": "o-78"}))


# Points -----------------------------------------------------------------------------------------------------


def adjust_form(points: int, **changes) -> dict:
    return {"points": points, "category": "goodwill", "reason": "The parcel was late", **changes}


@pytest.fixture
def alice():
    sample.rule()
    sample.buy("alice", "o-1", 40_00, at=NOW)
    return sample.wallet("alice")


def test_support_sees_the_balance_before_and_after_and_then_posts_once(client, alice):
    sam = sign_in(client, "sam", "support")
    address = reverse("admin:loyalty_adjustment_post", args=[alice.member_id])
    asked = client.post(address, adjust_form(500))
    assert "Available points: 40 → 540" in texts(asked)
    assert not Adjustment.objects.exists()
    yes = asked.context["seen"]
    client.post(address, adjust_form(500, yes=yes))
    assert Account.objects.get(pk=alice.account_id).available == 540
    again = client.post(address, adjust_form(500, yes=yes))
    assert "Available points: 540 → 1,040" in texts(again)
    assert Adjustment.objects.get().actor == sam
    assert AuditEntry.objects.get(action="loyalty.adjustments.post").reason == "The parcel was late"


def test_a_form_changed_after_the_preview_is_shown_again(client, alice):
    sign_in(client, "sam", "support")
    address = reverse("admin:loyalty_adjustment_post", args=[alice.member_id])
    yes = client.post(address, adjust_form(500)).context["seen"]
    assert "40 → 940" in texts(client.post(address, adjust_form(900, yes=yes)))
    assert not Adjustment.objects.exists()


def test_support_moves_small_amounts_only_and_finance_any(client, alice):
    address = reverse("admin:loyalty_adjustment_post", args=[alice.member_id])
    sign_in(client, "sam", "support")
    assert "at most 1,000 points" in texts(client.post(address, adjust_form(1001)))
    sign_in(client, "felix", "finance")
    assert "40 → 1,041" in texts(client.post(address, adjust_form(1001)))


@pytest.mark.parametrize("role", ["operations", "risk"])
def test_who_neither_supports_nor_pays_adjusts_nothing(client, alice, role):
    sign_in(client, "somebody", role)
    address = reverse("admin:loyalty_adjustment_post", args=[alice.member_id])
    assert client.get(address).status_code == 403
    assert "Adjust points" not in texts(client.get(reverse("admin:members_member_change", args=[alice.member_id])))


def test_more_points_than_there_are_cannot_be_taken(client, alice):
    sign_in(client, "sam", "support")
    page = texts(client.post(reverse("admin:loyalty_adjustment_post", args=[alice.member_id]), adjust_form(-41)))
    assert "There are not enough points." in page
    assert 'name="yes"' not in page


def test_finance_reverses_an_adjustment_once_with_a_reason(client, alice):
    sign_in(client, "felix", "finance")
    address = reverse("admin:loyalty_adjustment_post", args=[alice.member_id])
    client.post(address, adjust_form(500, yes=client.post(address, adjust_form(500)).context["seen"]))
    reverse_it = reverse("admin:loyalty_adjustment_reverse", args=[Adjustment.objects.get().pk])
    assert client.post(reverse_it, {"reason": ""}).status_code == 200
    client.post(reverse_it, {"reason": "Wrong member"})
    assert Account.objects.get(pk=alice.account_id).available == 40
    assert client.post(reverse_it, {"reason": "Again"}).status_code == 403


def test_expired_points_are_rescued_within_the_window_and_only_so_many(client):
    stage.set_programme(rescue_days=10)
    now = timezone.now()
    stage.give(300, at=now - dt.timedelta(days=3), expires_at=now - dt.timedelta(days=2))
    expiring.expire(now, now)
    wallet = sample.wallet("alice")
    sign_in(client, "felix", "finance")
    address = reverse("admin:loyalty_adjustment_post", args=[wallet.member_id])
    assert "300 points expired lately" in texts(client.get(address))
    too_many = adjust_form(301, category="rescue")
    client.post(address, {**too_many, "yes": client.post(address, too_many).context["seen"]})
    assert Account.objects.get(pk=wallet.account_id).available == 0
    rescue = adjust_form(300, category="rescue")
    client.post(address, {**rescue, "yes": client.post(address, rescue).context["seen"]})
    assert Account.objects.get(pk=wallet.account_id).available == 300
    assert 'value="rescue"' not in client.get(address).content.decode()


def test_a_members_page_explains_points_and_what_was_capped(client, alice):
    sample.buy("alice", "o-2", 90_00, at=NOW)
    sign_in(client, "sam", "support")
    page = texts(client.get(reverse("admin:members_member_change", args=[alice.member_id])))
    for words in ("Cap per product", "purchase v1", "50 / 90", "order o-2", "the platform"):
        assert words in page


# Configuration ----------------------------------------------------------------------------------------------


def campaign_form(**changes) -> dict:
    return {
        "name": "Spring",
        "code": "spring",
        "starts_at_0": "2026-01-01",
        "starts_at_1": "00:00:00",
        "ends_at_0": "2099-01-01",
        "ends_at_1": "00:00:00",
        "budget": 5000,
        **changes,
    }


def test_a_campaign_is_started_by_a_second_person_and_stops_when_it_is_changed(client):
    olivia = sign_in(client, "olivia", "operations")
    client.post(reverse("admin:loyalty_campaign_add"), campaign_form())
    campaign = Campaign.objects.get()
    start = reverse("admin:loyalty_campaign_start", args=[campaign.pk])
    assert client.post(start).status_code == 403
    sign_in(client, "felix", "finance")
    agree(client, start)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.created_by) == ("active", olivia)
    client.force_login(olivia)
    Campaign.objects.update(spent=700)
    client.post(reverse("admin:loyalty_campaign_change", args=[campaign.pk]), campaign_form(budget=9000))
    campaign.refresh_from_db()
    assert (campaign.status, campaign.budget, campaign.spent) == ("stopped", 9000, 700)
    assert campaign.history.count() >= 2


def test_a_budget_below_what_is_spent_is_refused(client):
    sign_in(client, "olivia", "operations")
    client.post(reverse("admin:loyalty_campaign_add"), campaign_form())
    Campaign.objects.update(spent=700)
    answer = client.post(
        reverse("admin:loyalty_campaign_change", args=[Campaign.objects.get().pk]), campaign_form(budget=600)
    )
    assert "700 points are spent already" in texts(answer)


def test_an_event_type_needs_a_schema_that_its_example_fits(client):
    sign_in(client, "olivia", "operations")
    address = reverse("admin:loyalty_customeventtype_add")
    form = {"name": "app.quiz_finished", "is_active": "on", "schema": '{"type": "object", "required": ["score"]}'}
    assert "JSON Schema" in texts(client.post(address, {**form, "schema": '{"type": "nonsense"}'}))
    assert "is a required property" in texts(client.post(address, {**form, "example": '{"quiz": "x"}'}))
    client.post(address, {**form, "example": '{"score": 1}'})
    assert CustomEventType.objects.get().schema["required"] == ["score"]


def test_members_join_a_segment_by_their_external_ids(client):
    sample.buy("alice", "o-1", at=NOW)
    segment = Segment.objects.create(code="friends", name="Friends")
    sign_in(client, "olivia", "operations")
    address = reverse("admin:loyalty_segment_add_members", args=[segment.pk])
    assert "No such member: nobody" in texts(client.post(address, {"external_ids": "alice\nnobody"}))
    client.post(address, {"external_ids": "alice"})
    assert [member.external_id for member in segment.members.all()] == ["alice"]


def programme_form(programme, **changes) -> dict:
    form = {
        field.name: getattr(programme, field.name)
        for field in Programme._meta.fields
        if field.editable
        and field.name not in {"id", "expiry_date"}
        and not isinstance(getattr(programme, field.name), bool)
    }
    return {
        **form,
        "point_value_money": "0.01",
        "review_min_unit_price": "20.00",
        "reminder_days": "30, 7",
        "like_check_days": "7",
        **changes,
    }


def test_changed_settings_are_kept_with_history_audit_and_a_new_revision(client):
    olivia = sign_in(client, "olivia", "operations")
    programme = stage.set_programme(name="JD")
    before = programme.rules_revision
    address = reverse("admin:loyalty_programme_change", args=[1])
    assert "An order of 40.00 CNY" in texts(client.get(address))
    client.post(address, programme_form(programme, tender_cap_percent=30))
    programme.refresh_from_db()
    assert (programme.tender_cap_percent, programme.reminder_days, programme.review_min_unit_price) == (
        30,
        [30, 7],
        2000,
    )
    assert programme.rules_revision != before
    assert programme.history.first().history_user == olivia
    assert AuditEntry.objects.filter(action="loyalty.programme.change", actor=olivia).exists()


def test_the_settings_preview_says_what_an_order_may_be_paid_with(client):
    sign_in(client, "olivia", "operations")
    programme = stage.set_programme(name="JD")
    address = reverse("admin:loyalty_programme_preview", args=[1])
    page = texts(client.post(address, programme_form(programme, tender_cap_percent=100)))
    assert "may be paid with up to 4,000 points (worth 40.00 CNY)" in page
    programme.refresh_from_db()
    assert programme.tender_cap_percent == 50


# The house --------------------------------------------------------------------------------------------------


def test_a_key_is_shown_once_and_opens_nothing_after_it_is_revoked(client):
    sign_in(client, "olivia", "operations")
    form = {"name": "shop", "scopes": ["events:write"], "expires_at_0": "", "expires_at_1": ""}
    shown = texts(client.post(reverse("admin:common_apikey_add"), form, follow=True))
    key = ApiKey.objects.get()
    assert f"{key.prefix}." in shown
    page = reverse("admin:common_apikey_change", args=[key.pk])
    assert f"{key.prefix}." not in texts(client.get(page))
    client.post(reverse("admin:common_apikey_revoke", args=[key.pk]))
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_an_endpoints_secret_is_shown_once_and_private_addresses_are_refused(client, settings):
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = False
    sign_in(client, "olivia", "operations")
    address = reverse("admin:common_webhookendpoint_add")
    client.post(address, {"name": "In", "url": "http://127.0.0.1/x", "topics": ""})
    assert not WebhookEndpoint.objects.exists()
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    form = {"name": "In", "url": "http://127.0.0.1:9/x", "topics": "points.earned, order.refunded"}
    shown = texts(client.post(address, form, follow=True))
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.topics == ["points.earned", "order.refunded"]
    assert endpoint.secret in shown.replace("&#x3D;", "=")
    page = texts(client.get(reverse("admin:common_webhookendpoint_change", args=[endpoint.pk])))
    assert endpoint.secret not in page
    answer = client.post(reverse("admin:common_webhookendpoint_test", args=[endpoint.pk]), follow=True)
    assert "It was not taken" in texts(answer)


def test_a_dead_letter_is_sent_again_by_those_who_may(client):
    sample.everything()
    dead = Delivery.objects.get(status="dead")
    address = reverse("admin:common_delivery_replay", args=[dead.pk])
    sign_in(client, "rita-2", "risk")
    assert client.post(address).status_code == 403
    sign_in(client, "olivia-2", "operations")
    client.post(address)
    dead.refresh_from_db()
    assert (dead.status, dead.attempts) == ("pending", 0)


def test_the_proof_is_green_and_turns_red_with_a_link_to_the_offender(client, alice):
    sign_in(client, "felix", "finance")
    client.post(reverse("admin:loyalty_proof_prove"))
    page = reverse("admin:loyalty_proof_changelist")
    assert "Every invariant holds." in texts(client.get(page))
    Account.objects.filter(pk=alice.account_id).update(available=41)
    later = timezone.now() + dt.timedelta(seconds=1)
    proof.prove(later, later)
    red = texts(client.get(page))
    assert "do not hold" in red or "does not hold" in red
    assert reverse("admin:loyalty_account_change", args=[alice.account_id]) in red
    assert "alice" in red


def test_roles_are_exactly_what_the_file_says_however_often_it_is_read(db):
    call_command("sync_roles", verbosity=0)
    Group.objects.get(name="support").permissions.clear()
    call_command("sync_roles", verbosity=0)
    for name, permissions in roles.ROLES.items():
        have = {
            f"{p.content_type.app_label}.{p.codename}"
            for p in Group.objects.get(name=name).permissions.select_related("content_type")
        }
        assert have == permissions


def test_no_role_writes_the_ledger_or_the_staff(db):
    written = {
        permission for permissions in roles.ROLES.values() for permission in permissions if ".view_" not in permission
    }
    models = {
        permission.rsplit("_", 1)[1]
        for permission in written
        if permission.split(".")[1].split("_")[0] in {"add", "change", "delete"}
    }
    assert (
        models & {"account", "entry", "lot", "draw", "hold", "adjustment", "transfer", "order", "staff", "group"}
        == set()
    )
