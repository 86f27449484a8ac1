"""What this floor keeps about a member (members/selectors/records.py)."""

from __future__ import annotations

from django.db.models import Q

from loyalty.models import (
    Account,
    Activity,
    Adjustment,
    CapCounter,
    ChangedDay,
    Coefficient,
    ConductCase,
    DeliveryRefusal,
    Draw,
    Entry,
    ExcusedLine,
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
    Segment,
    Shortfall,
    Standing,
    TierChange,
    Transfer,
    Wallet,
)
from members.selectors.records import ERASED, Record

_STAFFS_NAME = "names one of the staff"
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
    Record("standing", Standing),
    Record("growth", GrowthEntry),
    Record("tier_changes", TierChange, erased={"note": ""}),
    Record("coefficients", Coefficient),
    Record("conduct_cases", ConductCase, only=~Q(status=ConductCase.Status.OPEN), erased={"note": ""}),
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
    Record("segments", Segment.members.through, deleted=True),
)  # fmt: skip
