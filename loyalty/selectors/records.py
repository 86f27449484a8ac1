"""What this floor keeps about a member (members/selectors/records.py)."""

from __future__ import annotations

from django.db.models import Q

from common.models import InboxEvent, RejectedEvent
from loyalty.models import (
    Account,
    Activity,
    Adjustment,
    Breach,
    CapCounter,
    ChangedDay,
    Coefficient,
    ConductCase,
    ConductRating,
    DeliveryRefusal,
    Draw,
    Entry,
    ExcusedLine,
    GiftAssignment,
    GrowthEntry,
    Hold,
    HoldLine,
    Lot,
    MedalAward,
    MedalCut,
    MedalDisplay,
    MedalStanding,
    MemberStats,
    Order,
    OrderLine,
    ParkedEvent,
    Quarantine,
    QuarantinedHold,
    Refund,
    RefundLine,
    Review,
    ReviewLike,
    Score,
    ScoreBucket,
    ScoreRestatement,
    ScoreSnapshot,
    SegmentMember,
    Shortfall,
    Standing,
    TierChange,
    Transfer,
    UndoneLot,
    Wallet,
)
from members.selectors.records import ERASED, OF_TWO, Record

_STAFFS_NAME = "names one of the staff"
_LIKED = Q(type__in=OF_TWO)
_FRAUD = "how fraud is looked for"
_TIE = "only ties the rows above together"

RECORDS = (
    Record("balances", Account, "wallet__member"),
    Record("wallets", Wallet, withheld=_TIE),
    Record("orders", Order, erased={"attributes": {}, "context": {}}),
    Record("order_lines", OrderLine, "order__member", erased={"attributes": {}}),
    # What waits for its order is still worked when that arrives; afterwards its body goes.
    Record("parked_events", ParkedEvent, only=~Q(applied_at=None), erased={"data": ERASED}),
    Record("refunds", Refund, "order__member", hidden={"request_hash": "a digest of the request"}),
    Record("refund_lines", RefundLine, "refund__order__member"),
    Record("entries", Entry, "account__wallet__member"),
    Record("lots", Lot, "account__wallet__member"),
    Record("undone_grants", UndoneLot, "lot__account__wallet__member"),
    Record("draws", Draw, "account__wallet__member"),
    Record("holds", Hold, "account__wallet__member"),
    Record("hold_lines", HoldLine, "hold__account__wallet__member"),
    Record(
        "adjustments", Adjustment, "account__wallet__member",
        erased={"reason": "–"}, hidden={"actor_label": _STAFFS_NAME},
    ),
    Record("transfers_sent", Transfer, "sender__wallet__member", erased={"message": ""}),
    Record("transfers_received", Transfer, "receiver__wallet__member", erased={"message": ""}),
    Record("shortfalls", Shortfall, "account__wallet__member"),
    Record("caps", CapCounter, "account__wallet__member"),
    Record("quarantined_points", QuarantinedHold, "hold__account__wallet__member"),
    Record(
        "quarantines", Quarantine, "holds__hold__account__wallet__member", only=~Q(status=Quarantine.Status.OPEN),
        erased={"title": "–", "evidence": "–", "note": ""}, withheld="evidence that may concern other members",
    ),
    Record("activities", Activity),
    Record("refused_deliveries", DeliveryRefusal),
    Record("reviews", Review),
    Record(
        "likes_received", ReviewLike, "review__member",
        hidden={"by": "another member", "device": "another member's", "weight": _FRAUD, "reason": _FRAUD},
    ),
    Record(
        "likes_given", ReviewLike, "by", by_name=True, erased={"device": ""},
        hidden={"weight": _FRAUD, "reason": _FRAUD},
    ),
    Record(
        "likes_told", InboxEvent, "subject", by_name=True, only=_LIKED, erased={"data": ERASED},
        hidden={"data": "tells of another member"},
    ),
    Record(
        "likes_told_of_others", InboxEvent, "data__by", by_name=True, only=_LIKED, erased={"data": ERASED},
        withheld="copies of the likes given",
    ),
    Record(
        "likes_refused", RejectedEvent, "subject", by_name=True, only=_LIKED, erased={"body": ERASED, "problem": ERASED},
        hidden={"body": "tells of another member", "problem": "tells of another member"},
    ),
    Record(
        "likes_refused_of_others", RejectedEvent, "body__data__by", by_name=True, only=_LIKED,
        erased={"body": ERASED, "problem": ERASED}, withheld="tells of the reviews of others",
    ),
    Record("standing", Standing),
    Record("growth", GrowthEntry),
    Record("tier_changes", TierChange, erased={"note": ""}),
    Record("coefficients", Coefficient),
    Record("conduct_ratings", ConductRating, deleted=True, withheld=_FRAUD),
    Record("conduct_cases", ConductCase, only=~Q(status=ConductCase.Status.OPEN), erased={"note": ""}),
    Record("broken_promises", Breach, erased={"note": ""}),
    Record("excused_lines", ExcusedLine, "line__order__member", erased={"note": "–"}),
    Record("medals", MedalStanding),
    Record("medal_awards", MedalAward),
    Record("medal_lines", MedalCut, withheld="where a line was drawn; it names who stood last"),
    Record("medal_display", MedalDisplay, deleted=True),
    Record("figures", MemberStats, deleted=True),
    Record("scores", Score),
    Record("score_days", ScoreBucket),
    Record("score_months", ScoreSnapshot),
    Record("score_corrections", ScoreRestatement),
    Record("changed_days", ChangedDay, withheld="days that wait to be counted"),
    Record("gifts", GiftAssignment),
    Record("undone_gifts", UndoneLot, "lot__account__wallet__member"),
    Record("segments", SegmentMember, deleted=True),
)  # fmt: skip
