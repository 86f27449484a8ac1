"""What is kept about a member, table by table: who looks, exports and erases asks here, and knows no table by itself.

Every app names its own tables when it starts (apps.py); config/tests/test_personal_data.py finds those that were forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, Q, QuerySet

from common.models import (
    AuditEntry,
    Delivery,
    DeliveryAttempt,
    Fact,
    IdempotencyRecord,
    InboxEvent,
    Look,
    RejectedEvent,
    Staff,
)
from members.models import (
    AutoRenewal,
    Consent,
    CreditScore,
    Identity,
    Member,
    PlanPurchase,
    PlanQuote,
    RiskAppeal,
    RiskListing,
    RiskRefusal,
    RiskTally,
    Subscription,
)
from members.selectors import kin

ERASED: dict[str, Any] = {"erased": True}
"""What stands where a body was."""
OF_TWO = ("review.liked",)
"""Events that tell of another person, too: whoever owns the type says what becomes of each one's part."""
_NATURAL = ("code", "uuid", "external_id", "name")


@dataclass(frozen=True)
class Record:
    """One table with rows about members.

    `path` leads from a row to the member, or (`by_name`) to the member's external id; `only` narrows the rows. `erased`
    says what its fields become when a member is erased, `deleted` that the rows go. `hidden` fields are not exported, each
    with its reason; with `withheld`, none of it is.
    """

    code: str
    model: type[Model]
    path: str = "member"
    by_name: bool = False
    only: Q = field(default_factory=Q)
    erased: Mapping[str, Any] = field(default_factory=dict)
    deleted: bool = False
    hidden: Mapping[str, str] = field(default_factory=dict)
    withheld: str = ""

    @property
    def name_path(self) -> str:
        """The lookup that leads from a row to the member's external id."""
        if self.by_name:
            return self.path
        return "external_id" if self.path == "pk" else f"{self.path}__external_id"

    def rows(self, members: Collection[Member]) -> QuerySet:
        """The members' rows. A plain queryset: erasing is the one thing that changes rows of a journal."""
        keys = [member.external_id if self.by_name else member.pk for member in members]
        return QuerySet(self.model).filter(self.only, **{f"{self.path}__in": keys})

    def columns(self) -> dict[str, str]:
        """What is exported: a name and the lookup for it. Foreign keys by the names the outside world uses."""
        found = {}
        for column in self.model._meta.concrete_fields:
            if column.name in self.hidden or (column.primary_key and not column.is_relation):
                continue
            target = column.related_model
            if target is None:
                found[column.name] = column.name
            elif target not in (Member, Staff):
                names = {one.name for one in target._meta.concrete_fields}
                natural = next((name for name in _NATURAL if name in names), None)
                if natural:
                    found[column.name] = f"{column.name}__{natural}"
        return found


_records: list[Record] = []


def register(*records: Record) -> None:
    """Called by each app when it starts."""
    _records.extend(records)


def each() -> Iterator[Record]:
    """Every table, from the ground up."""
    yield from _records


def lead(model: type[Model]) -> str | None:
    """The lookup from a row of the model to its member's external id; None if it is about nobody."""
    return next((record.name_path for record in _records if record.model is model), None)


def same_person(member: Member) -> list[Member]:
    """The member and all who were merged into it, whatever the length of the way."""
    return [member, *Member.objects.filter(pk__in=kin.ids(member.pk)).exclude(pk=member.pk)]


_FRAUD = "how fraud is looked for"
_STAFFS_NAME = "names one of the staff"

RECORDS = (
    Record(
        "members", Member, "pk",
        erased={
            "name": "", "birthday": None, "phone_verified": False, "real_name_verified": False, "attributes": {}, "said_at": {},
        },
        hidden={"said_at": "when the fields above were said, for our own order of events"},
    ),
    Record("consents", Consent),
    Record("identities", Identity, deleted=True, hidden={"digest": "a digest under a key of ours; it says nothing"}),
    Record("credit_scores", CreditScore, deleted=True),
    Record("plan_terms", Subscription),
    Record("plan_quotes", PlanQuote, erased={"score": None, "credit": None}),
    Record("plan_purchases", PlanPurchase, erased={"refund_reason": ""}),
    Record("plan_renewals", AutoRenewal),
    Record("risk_listings", RiskListing, erased={"reason": "–"}),
    Record("risk_refusals", RiskRefusal, erased={"facts": {}}, hidden={"facts": _FRAUD, "is_shadow": _FRAUD}),
    Record("risk_appeals", RiskAppeal, erased={"text": "–", "note": ""}),
    Record("risk_counters", RiskTally, "subject", by_name=True, deleted=True, withheld=_FRAUD),
    Record("events", InboxEvent, "subject", by_name=True, only=~Q(type__in=OF_TWO), erased={"data": ERASED}),
    Record(
        "refused_events", RejectedEvent, "subject", by_name=True, only=~Q(type__in=OF_TWO),
        erased={"body": ERASED, "problem": ERASED},
    ),
    Record("facts", Fact, "key", by_name=True, withheld="repeats to other systems what stands elsewhere here"),
    Record(
        "deliveries", Delivery, "fact__key", by_name=True,
        erased={"last_error": ""}, withheld="whether a fact above reached its receiver",
    ),
    Record(
        "delivery_attempts", DeliveryAttempt, "delivery__fact__key", by_name=True,
        erased={"error": ""}, withheld="how a fact above reached its receiver",
    ),
    Record("answers", IdempotencyRecord, "subject", by_name=True, deleted=True, withheld="copies of what stands elsewhere here"),
    Record(
        "audit", AuditEntry, "object_key", by_name=True, only=Q(object_type="members.member"),
        erased={"reason": "", "data": {}}, withheld="the log of what our staff did",
    ),
    Record(
        "looks", Look, "subject", by_name=True,
        hidden={"staff": _STAFFS_NAME, "staff_label": _STAFFS_NAME, "query": "what a list was asked for"},
    ),
)  # fmt: skip
