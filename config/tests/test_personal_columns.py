"""Every column in which anybody can write is erased with the member, or kept for a reason (PIPL 47, domain.md E59)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, models, transaction
from django.urls import reverse
from django.utils import timezone

from common.models import IdempotencyRecord
from common.services import audit
from common.services.audit import Actor
from config.tests import sample
from config.tests.test_erasure import hear, standing, tell_of_alice
from loyalty.models import Breach, ConductCase, ExcusedLine, OrderLine, ParkedEvent, Quarantine
from members.models import Member
from members.selectors import records
from members.services import members
from merchants.models import BrandMember, Card, CardEvent, CategoryBuyer

HOUSE = {"common", "members", "loyalty", "merchants", "rewards", "config"}
FREE = (models.CharField, models.TextField, models.JSONField, models.BinaryField)

KEPT_COLUMNS = {
    "the shop's own name for her, which ties the books together and says nothing by itself (decision 0032)": (
        "members.Member.external_id common.InboxEvent.subject common.RejectedEvent.subject common.Look.subject "
        "common.Fact.key common.AuditEntry.object_key members.RiskRefusal.subject loyalty.ReviewLike.by"
    ),
    "a member's external id, or the digest of a device, address or phone that stays on the list": (
        "members.RiskListing.subject"
    ),
    "machine words: kinds, channels, windows, occasions, codes of refusals": (
        "common.AuditEntry.action common.AuditEntry.object_type common.InboxEvent.source common.InboxEvent.type "
        "common.RejectedEvent.source common.RejectedEvent.type common.Look.behalf common.Look.page common.Fact.topic "
        "common.Delivery.subscriber members.Consent.recipient members.Consent.source members.RiskListing.actions "
        "loyalty.Order.channel loyalty.ParkedEvent.type loyalty.ParkedEvent.refusal loyalty.Activity.channel "
        "loyalty.GiftAssignment.occasion loyalty.Review.refusal loyalty.ReviewLike.reason loyalty.CapCounter.window "
        "merchants.Card.channel merchants.CardEvent.channel merchants.CampaignGrant.occasion rewards.Redemption.basis "
        "rewards.Quota.window"
    ),
    "the shop's numbers and ours for one thing, by which a repetition, a refund and an audit find it again": (
        "common.InboxEvent.event_id common.InboxEvent.body_hash common.RejectedEvent.event_id members.RiskRefusal.reference "
        "loyalty.Order.code loyalty.OrderLine.number loyalty.Breach.reference loyalty.Breach.order_code "
        "loyalty.Lot.reference loyalty.Entry.reference loyalty.Review.code loyalty.GrowthEntry.reference "
        "loyalty.Hold.order_code loyalty.HoldLine.number loyalty.Refund.code loyalty.Refund.request_hash "
        "loyalty.Shortfall.reference loyalty.TierChange.reference merchants.CardEntry.reference "
        "merchants.CardEvent.reference merchants.CardOrder.order_code rewards.Redemption.key rewards.Redemption.order_code "
        "rewards.QuotaEntry.reference rewards.BenefitUse.key rewards.BenefitUse.order_code "
        "rewards.InstantRefund.order_code rewards.Play.key rewards.MemberGrant.reference"
    ),
    "the receipt of money that came in: accounts must match it, and no second term may be sold for it": (
        "members.PlanPurchase.payment"
    ),
    "what was bought and where, without whom: what merchants and campaigns are counted by": (
        "loyalty.OrderLine.sku loyalty.OrderLine.category loyalty.OrderLine.store_code loyalty.Review.sku "
        "loyalty.ScoreBucket.category loyalty.ScoreBucket.store_code merchants.CardOrder.store_codes "
        "rewards.BenefitUse.store_code"
    ),
    "names one of the staff, who answers for the deed": (
        "common.AuditEntry.actor_label common.Look.staff_label loyalty.Adjustment.actor_label "
        "merchants.InsightAccess.staff_label rewards.RedemptionEvent.actor_label"
    ),
    "our own words for what was given, and the numbers of it": (
        "common.InboxEvent.reason common.InboxEvent.effects rewards.BirthdayPack.contents rewards.BenefitUse.source"
    ),
    "a code that a partner issued, and that the partner may ask about": "rewards.Code.code",
    "without it nobody could repeat the draw": "rewards.Play.client_seed",
    "erased where it is hers: by the member's key, by the name in it, or once nothing waits for it (records, erasure)": (
        "common.AuditEntry.summary common.AuditEntry.reason common.AuditEntry.data common.InboxEvent.data "
        "common.RejectedEvent.body common.RejectedEvent.problem common.Look.query common.Fact.payload "
        "loyalty.ParkedEvent.data loyalty.ConductCase.note loyalty.Quarantine.title loyalty.Quarantine.evidence "
        "loyalty.Quarantine.note"
    ),
}
"""Of tables with rows about members, column by column."""

KEPT_TABLES = {
    "what operators and merchants set up or write to everybody": (
        "members.Plan members.PlanOffer members.HistoricalPlanOffer members.SalesChannel members.VoucherBatch "
        "members.RiskRule members.RiskRuleVersion loyalty.Campaign loyalty.HistoricalCampaign loyalty.Segment "
        "loyalty.SegmentCondition loyalty.Tier loyalty.GiftCampaign loyalty.CoefficientPolicy loyalty.CustomEventType "
        "loyalty.Ladder loyalty.GrowthPolicy loyalty.LifecyclePolicy loyalty.Medal loyalty.MedalCategory "
        "loyalty.MedalLevel loyalty.Programme loyalty.HistoricalProgramme loyalty.EarningRule "
        "loyalty.EarningRuleVersion loyalty.RuleCondition loyalty.ScorePolicy loyalty.ScoreThreshold "
        "loyalty.CampaignUndo merchants.Merchant merchants.Brand merchants.Store merchants.UnknownStore merchants.Club "
        "merchants.CardSegment merchants.MerchantCampaign merchants.Level merchants.Message merchants.MemberPrice "
        "merchants.HistoricalMemberPrice merchants.PriceLadder merchants.ProspectOffer merchants.PointPack "
        "merchants.RebateScheme rewards.Benefit rewards.Bundle rewards.Partner rewards.Reward rewards.HistoricalReward "
        "rewards.Game rewards.Prize"
    ),
    "counts, of which none is about one member": (
        "common.JobChunk loyalty.Quintiles loyalty.ProductTally loyalty.Proof merchants.InsightReport "
        "merchants.ProspectCount"
    ),
    "money between merchants, partners and the platform": (
        "merchants.PointPurchase merchants.PurchaseStep merchants.Pocket merchants.Settlement rewards.Settlement "
        "rewards.SponsorPayment"
    ),
    "the staff and the machines that sign in": "common.Staff common.ApiKey common.WebhookEndpoint",
    "codes that a channel sold, and the channel's number of the sale": "members.Voucher",
    "the digest alone that tells who comes back (decision 0032)": "members.Tombstone",
    "seeds of draws": "rewards.SeedPeriod",
    "what a job did, and where its program stopped": "common.JobRun",
}
"""Of tables from which nothing leads to a member."""


def free_columns() -> Iterator[tuple[type[models.Model], models.Field]]:
    """Where anybody can write: a column that offers a choice holds one of our own words."""
    for model in apps.get_models(include_auto_created=True):
        for column in model._meta.concrete_fields:
            if model._meta.app_label in HOUSE and isinstance(column, FREE) and not column.choices:
                yield model, column


def name_of(model: type[models.Model], column: models.Field) -> str:
    return f"{model._meta.label}.{column.name}"


def erased() -> set[str]:
    """The columns that are erased in every row about a member."""
    return {
        name_of(record.model, column)
        for record in records.each()
        for column in record.model._meta.concrete_fields
        if not record.only and (record.deleted or column.name in record.erased)
    }


def test_every_column_in_which_anybody_can_write_is_erased_or_kept_for_a_reason():
    personal = {record.model for record in records.each()}
    kept = {name for names in KEPT_COLUMNS.values() for name in names.split()}
    tables = {name for names in KEPT_TABLES.values() for name in names.split()}
    free = {name_of(*one) for one in free_columns()}
    forgotten = {
        name_of(model, column)
        for model, column in free_columns()
        if model in personal or model._meta.label not in tables
    } - (erased() | kept)
    assert not forgotten, f"erase them in the app's selectors/records.py, or say here why they are kept: {forgotten}"
    assert kept <= free - erased(), "kept and erased, or not there"
    assert tables <= {model._meta.label for model, _column in free_columns() if model not in personal}


# The proof ----------------------------------------------------------------------------------------------------

MARK = "Zyxqj"


@pytest.mark.django_db
def test_what_was_written_in_an_erased_column_stands_nowhere_any_more():
    sample.everything()
    tell_of_alice()
    people = list(Member.objects.all())
    decide(Member.objects.get(external_id="alice"))
    written = {name for record in records.each() for name in write(record, people)}
    wanted = {name_of(record.model, column) for record in records.each() for column in going(record)}
    assert not wanted - written, f"let `decide` fill them: {sorted(wanted - written)}"
    assert standing({"mark": MARK})["mark"] >= written
    for member in people:
        members.close(member.external_id, timezone.now())
    hear()
    # A digest stays as the one trace by which we know who comes back.
    assert standing({"mark": MARK}) == {"mark": {"members.Tombstone.digest"}}


def decide(member: Member) -> None:
    """What waits for a decision has had it, and what only an API or a file brings has come."""
    now = timezone.now()
    audit.record(Actor("Rosa"), "members.members.note", member, "A deed", now, reason="She called")
    IdempotencyRecord.objects.create(principal="shop", key="k", subject=member.external_id, request_hash="h", at=now)
    ConductCase.objects.update(status="dismissed", decided_at=now)
    Breach.objects.update(excused_at=now)
    Quarantine.objects.update(status="released", decided_at=now)
    line, card = OrderLine.objects.filter(order__member=member).first(), Card.objects.filter(member=member).first()
    ExcusedLine.objects.create(line=line, note="It was broken", at=now)
    ParkedEvent.objects.create(
        order=line.order, member=member, type="order.cancelled", time=now, data={}, applied_at=now
    )
    CardEvent.objects.create(card=card, kind="level", at=now)
    CategoryBuyer.objects.create(member=member, category="books", month=now.date(), days=1, cash=100)
    BrandMember.objects.update(card=card, status="linked", decided_at=now)


def going(record: records.Record) -> Iterator[models.Field]:
    """The free columns that are erased, but for the one that leads to the member."""
    free = {column for model, column in free_columns() if model is record.model}
    for column in record.model._meta.concrete_fields:
        if column in free and (record.deleted or column.name in record.erased) and column.name != record.path:
            yield column


def write(record: records.Record, people: list[Member]) -> Iterator[str]:
    """Write the mark in every free column of members' rows that is erased."""
    for column in going(record):
        for row in record.rows(people):
            was = getattr(row, column.name)
            text = {**(was if isinstance(was, dict) else {}), "mark": MARK}
            value = text if isinstance(column, models.JSONField) else MARK
            try:
                with transaction.atomic():
                    models.QuerySet(record.model).filter(pk=row.pk).update(**{column.name: value})
                yield name_of(record.model, column)
            except IntegrityError:
                pass  # a unique column takes it once


@pytest.mark.django_db
def test_who_is_denied_is_not_named_in_djangos_own_log(client):
    client.force_login(sample.staff("rosa", "risk"))
    Member.objects.create(external_id="alice", name="Alice Wonderland", registered_at=timezone.now())
    form = {
        "kind": "deny", "by": "member", "name": "alice", "reason": "Fraud", "starts_at_0": "2026-01-01",
        "starts_at_1": "00:00:00",
    }  # fmt: skip
    answer = client.post(reverse("admin:members_risklisting_add"), form)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert not LogEntry.objects.exists()
