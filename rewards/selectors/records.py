"""What this floor keeps about a member (members/selectors/records.py)."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

from common.models import Fact
from members.selectors.records import ERASED, Record
from rewards.facts import BirthdayPackIssued, RedemptionCancelled, RedemptionReturned
from rewards.models import (
    BenefitUse,
    BirthdayPack,
    Code,
    Exposure,
    ExposureEntry,
    InstantRefund,
    MemberGrant,
    Outcome,
    PackGift,
    Play,
    PrizeClaim,
    Quota,
    QuotaEntry,
    Redemption,
    RedemptionEvent,
    RightClaim,
)

_STAFFS_NAME = "may name one of the staff"
_NO_DAY = dt.date(1900, 1, 1)

RECORDS = (
    Record("redemptions", Redemption, erased={"tracking": "", "payment": ""}),
    Record(
        "redemption_steps", RedemptionEvent, "redemption__member",
        erased={"reason": ""}, hidden={"actor_label": _STAFFS_NAME},
    ),
    Record("codes", Code, "redemption__member", hidden={"price": "what we pay a partner"}),
    Record("partners_rights", RightClaim, "purchase__member", erased={"account": "", "withdrawn_because": ""}),
    Record("plan_right_codes", Code, "claim__purchase__member", hidden={"price": "what we pay a partner"}),
    Record("benefits_given", MemberGrant, erased={"reason": "–"}),
    Record("benefit_uses", BenefitUse, hidden={"price": "what merchants settle", "cost": "what it costs us"}),
    Record("pack_gifts", PackGift, "use__member"),
    Record("quotas", Quota),
    Record("quota_entries", QuotaEntry, "quota__member"),
    Record("birthday_packs", BirthdayPack, erased={"birthday": _NO_DAY, "celebrated_on": _NO_DAY}),
    Record(
        "birthday_facts", Fact, "key", by_name=True, only=Q(topic=BirthdayPackIssued.topic), erased={"payload": ERASED},
        withheld="repeats to other systems what stands elsewhere here",
    ),
    # Why a redemption was cancelled or taken back is somebody's words.
    Record(
        "given_back_facts", Fact, "key", by_name=True,
        only=Q(topic__in=[RedemptionCancelled.topic, RedemptionReturned.topic]), erased={"payload": ERASED},
        withheld="repeats to other systems what stands elsewhere here",
    ),
    Record("instant_refunds", InstantRefund),
    Record("instant_refund_balance", Exposure),
    Record("instant_refund_entries", ExposureEntry, "exposure__member"),
    Record("plays", Play),
    Record("lottery_results", Outcome, "play__member"),
    Record("prizes", PrizeClaim, "play__member", erased={"note": ""}),
)  # fmt: skip
