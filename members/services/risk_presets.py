"""Rules to begin with, as drafts: the abuses that the seeds and the field name (domain.md E40, E41, E52). Numbers are ours."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from django.db import transaction

from common.models import Staff
from members.models import RiskRule, RiskRuleVersion
from members.models.risk_words import Action, Conduct, Counter, Outcome

HOUR, DAY, YEAR = 60, 1440, 365 * 1440


class Preset(NamedTuple):
    """A rule with its first version; `more` are further columns of the version."""

    code: str
    name: str
    description: str
    action: str
    counter: str
    limit: int
    window: int
    outcome: str
    reason_en: str
    reason_zh: str
    more: dict[str, Any] = {}


PRESETS = [
    Preset(
        "redemption-velocity", "Redemptions in a row", "A stolen account is emptied within minutes.",
        Action.REDEMPTION, Counter.MEMBER, 5, HOUR, Outcome.REFUSE,
        "You have redeemed several times within an hour. Please try again later.",
        "您在一小时内已多次兑换，请稍后再试。",
    ),
    Preset(
        "coupon-hoarding", "Hoarding of coupons", "Coupons are claimed to be sold on (S2-49).",
        Action.COUPON, Counter.DEVICE, 10, DAY, Outcome.REFUSE,
        "Too many coupons were claimed from this device today.",
        "该设备今日领券次数过多。",
    ),
    Preset(
        "transfer-funnel", "Points gathered in one hand", "Points of many accounts flow to one (E40).",
        Action.TRANSFER, Counter.OTHER, 10, DAY, Outcome.REFUSE,
        "This member has received many transfers today.",
        "对方今日收到的转赠次数过多。",
    ),
    Preset(
        "like-device", "Likes from one device", "A device farm likes for many (E40).",
        Action.LIKE, Counter.DEVICE, 20, DAY, Outcome.REFUSE,
        "Too many likes came from this device today.",
        "该设备今日点赞次数过多。",
    ),
    Preset(
        "like-ring", "Likes between the same two", "Members like each other's reviews in a ring (E40).",
        Action.LIKE, Counter.PAIR, 5, 30 * DAY, Outcome.REFUSE,
        "You have received many likes from the same member this month.",
        "您本月收到同一会员的点赞过多。",
    ),
    Preset(
        "review-farming", "Invalid reviews", "More than five invalid reviews: no reward for a year from the next one (E41).",
        Action.INVALID_REVIEW, Counter.MEMBER, 5, YEAR, Outcome.BLOCK,
        "More than five of your reviews were invalid. Reviews earn nothing for a year.",
        "您的无效评价已超过五条，一年内评价不再获得奖励。",
        {"block_actions": [Action.REVIEW], "block_days": 365},
    ),
    Preset(
        "refund-abuse", "Instant refunds of whom little is kept",
        "Conduct is smoothed, and what the seller is to blame for does not count (E52); it can be contested.",
        Action.INSTANT_REFUND, Counter.MEMBER, 0, DAY, Outcome.REFUSE,
        "The refund is paid once the goods are back.",
        "退款将在收到退回商品后支付。",
        {"conducts": [Conduct.POOR]},
    ),
    Preset(
        "return-velocity", "Returns in a row", "Goods are bought to be returned.",
        Action.RETURN, Counter.MEMBER, 8, 30 * DAY, Outcome.BLOCK,
        "You have returned many orders this month. Refunds are paid once the goods are back.",
        "您本月退货次数较多，退款将在收到退回商品后支付。",
        {"block_actions": [Action.INSTANT_REFUND], "block_days": 90},
    ),
    Preset(
        "chargeback", "A payment was taken back",
        "The bank took a payment back: the points are frozen anyhow, and nothing is paid out in advance (E20).",
        Action.CHARGEBACK, Counter.MEMBER, 0, DAY, Outcome.BLOCK,
        "A payment was taken back by the bank. This is blocked until it is cleared up.",
        "银行撤回了一笔付款，核实完成前暂不可用。",
        {"block_actions": [Action.TRANSFER, Action.INSTANT_REFUND, Action.PLAN], "block_days": 180},
    ),
    Preset(
        "sign-up-device", "Sign-ups from one device", "Accounts are made for the welcome gift.",
        Action.SIGN_UP, Counter.DEVICE, 3, 7 * DAY, Outcome.REFUSE,
        "Too many accounts were opened from this device.",
        "该设备注册的账号过多。",
    ),
]  # fmt: skip


@transaction.atomic
def install(author: Staff | None, at: dt.datetime) -> list[RiskRuleVersion]:
    """Draft the rules that are missing; those that are there stay as they are. Returns the new drafts."""
    known = set(RiskRule.objects.filter(code__in=[preset.code for preset in PRESETS]).values_list("code", flat=True))
    return [_draft(preset, author, at) for preset in PRESETS if preset.code not in known]


def _draft(preset: Preset, author: Staff | None, at: dt.datetime) -> RiskRuleVersion:
    rule = RiskRule.objects.create(code=preset.code, name=preset.name, description=preset.description)
    return RiskRuleVersion.objects.create(
        rule=rule,
        number=1,
        action=preset.action,
        counter=preset.counter,
        limit=preset.limit,
        window_minutes=preset.window,
        outcome=preset.outcome,
        reason_en=preset.reason_en,
        reason_zh=preset.reason_zh,
        effective_from=at,
        created_by=author,
        created_at=at,
        **preset.more,
    )
