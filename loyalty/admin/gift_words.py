"""Gift campaigns in words and pictures: what one would do, what it has done, what it has brought."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext, ngettext

from common.admin import words
from loyalty.admin import pictures
from loyalty.models import GiftAmount, GiftAssignment, GiftCampaign
from loyalty.selectors import gift_campaigns as selectors
from loyalty.selectors import gift_effects
from loyalty.selectors import programme as programmes
from loyalty.selectors.gift_effects import Effect, Metric, Verdict

Arm, Trigger = GiftAssignment.Arm, GiftCampaign.Trigger

SAMPLE = 8
"""How many of whom a draft means are named."""

_TREATED, _HELD_OUT, _REST = "#2563eb", "#94a3b8", "#cbd5e1"


def sentence(campaign: GiftCampaign) -> str:
    """When it gives, to whom, and how many are held out."""
    when = {
        Trigger.ONCE: gettext("Once, on %s") % words.instant(campaign.starts_at),
        Trigger.LAPSE: gettext("Each night, to whoever has lapsed, once for each lapse"),
        Trigger.BIRTHDAY: gettext("Each night, to whoever has a birthday within a week, once a year"),
        Trigger.ANNIVERSARY: gettext("Each night, to whoever joined on such a day years ago, once a year"),
        Trigger.EXPIRY: ngettext(
            "Each night, to whoever has at least %(points)s points that expire within %(days)d day, once a month",
            "Each night, to whoever has at least %(points)s points that expire within %(days)d days, once a month",
            campaign.near_days,
        )
        % {"points": words.number(campaign.near_points), "days": campaign.near_days},
    }[Trigger(campaign.trigger)]
    whom = gettext("of the segment “%s”") % campaign.segment if campaign.segment_id else gettext("of all members")
    held = gettext("%d of 100 are held out and get nothing") % campaign.holdout_percent
    return f"{when}; {whom}; {held}."


def preview(campaign: GiftCampaign, amounts: Sequence[GiftAmount] | None, at: dt.datetime) -> dict[str, Any]:
    """What a draft would do if it began now."""
    told = selectors.preview(campaign, at, amounts, sample=SAMPLE)
    most = max((count for _tier, count, _points in told.tiers), default=0) or 1
    tiers = [
        {
            "name": tier.name if tier else gettext("everybody else"),
            "colour": tier.colour if tier else _HELD_OUT,
            "percent": count * 100 // most,
            "members": words.number(count),
            "share": gettext("%s points each") % words.number(points),
        }
        for tier, count, points in told.tiers
    ]
    return {
        "sentence": sentence(campaign),
        "members": words.number(told.members),
        "held_out": words.number(told.held_out),
        "now": words.number(told.now),
        "now_money": worth(told.now),
        "most": words.number(told.most),
        "most_money": worth(told.most),
        "is_short": told.is_short,
        "tiers": tiers,
        "sample": [words.link(member) for member in told.sample],
        "overlaps": [(words.link(other), words.number(both)) for other, both in told.overlaps],
        "too_few": told.held_out < gift_effects.SMALLEST,
        "smallest": gift_effects.SMALLEST,
    }


def results(campaign: GiftCampaign) -> dict[str, Any]:
    """What a campaign that was started has done so far."""
    counts = selectors.counts(campaign)
    treated, held_out = counts.get(Arm.TREATED, 0), counts.get(Arm.HELD_OUT, 0)
    everybody = treated + held_out
    groups = [
        (gettext("Treated"), treated, _TREATED, everybody, Arm.TREATED),
        (gettext("Held out"), held_out, _HELD_OUT, everybody, Arm.HELD_OUT),
    ]
    left = campaign.budget - campaign.spent
    return {
        "sentence": sentence(campaign),
        "groups": [_bar(*group, campaign) for group in groups],
        "budget": [
            _bar(gettext("Given"), campaign.spent, _TREATED, campaign.budget),
            _bar(gettext("Not given"), left, _REST, campaign.budget),
        ],
        "worth": worth(campaign.spent),
    }


def worth(points: int) -> str:
    """Points in money, at the published value of a point, rounded down."""
    return words.money(programmes.money_of(programmes.current(), points))


def _bar(
    name: str, part: int, colour: str, whole: int, arm: str = "", campaign: GiftCampaign | None = None
) -> dict[str, Any]:
    link = (
        reverse(
            "admin:loyalty_giftassignment_changelist", query={"campaign__id__exact": campaign.pk, "arm__exact": arm}
        )
        if campaign
        else ""
    )
    return {
        "name": name,
        "percent": part * 100 // whole if whole else 0,
        "colour": colour,
        "members": words.number(part),
        "share": pictures.share(part, whole),
        "link": link,
    }


# The effect -----------------------------------------------------------------------------------------------------


def effects(campaign: GiftCampaign, at: dt.datetime) -> dict[str, Any]:
    """What the campaign has brought, a row a metric, and how far the measuring is."""
    measured = gift_effects.measure(campaign, at)
    first = measured[0]
    return {
        "campaign": campaign,
        "rows": [_effect(effect) for effect in measured],
        "treated": words.number(first.treated.size),
        "held_out": words.number(first.held_out.size),
        "waiting": words.number(gift_effects.waiting(campaign, at)),
        "smallest": gift_effects.SMALLEST,
        "given": words.number(campaign.spent),
        "worth": worth(campaign.spent),
    }


def _effect(effect: Effect) -> dict[str, Any]:
    names = {
        Metric.ORDERS: gettext("Orders per member"),
        Metric.CASH: gettext("Cash per member, after refunds"),
        Metric.POINTS: gettext("Points spent per member"),
    }
    total = effect.difference * effect.treated.size
    row = {
        "name": names[effect.metric],
        "treated": _say(effect.metric, effect.treated.mean),
        "held_out": _say(effect.metric, effect.held_out.mean),
        "difference": _say(effect.metric, effect.difference, signed=True),
        "total": _say(effect.metric, total, signed=True),
        **verdict(effect),
    }
    if effect.interval:
        low, high = effect.interval
        says = gettext("between %(low)s and %(high)s") % {
            "low": _say(effect.metric, low, signed=True), "high": _say(effect.metric, high, signed=True),
        }  # fmt: skip
        row |= {"interval": says, "picture": pictures.interval(low, high, f"{row['name']}: {says}")}
    return row


def verdict(effect: Effect) -> dict[str, str]:
    """What may be said of it, and its colour."""
    says = {
        Verdict.TOO_FEW: (gettext("Too few members to tell."), ""),
        Verdict.CHANCE: (gettext("Cannot be told from chance."), "wait"),
        Verdict.MORE: (gettext("More than without the campaign."), "ok"),
        Verdict.LESS: (gettext("Less than without the campaign."), "bad"),
    }
    text, colour = says[effect.verdict]
    return {"verdict": text, "colour": colour}


def _say(metric: Metric, value: Fraction | Decimal, *, signed: bool = False) -> str:
    """A mean with two places (money in whole minor units), half to even; for people only."""
    exact = value if isinstance(value, Decimal) else Decimal(value.numerator) / Decimal(value.denominator)
    sign = "+" if signed and exact > 0 else ""
    if metric == Metric.CASH:
        return sign + words.money(int(exact.quantize(Decimal(1), ROUND_HALF_EVEN)))
    rounded = exact.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    return f"{sign}{rounded:,.2f}".replace("-", "−")


def occasion(text: str) -> str:
    """Why a member was reached: birthday:2026 -> birthday 2026."""
    kind, _colon, what = text.partition(":")
    names = {
        "once": gettext("at the start"),
        "lapse": gettext("no order since"),
        "birthday": gettext("birthday"),
        "anniversary": gettext("day of joining"),
        "expiry": gettext("points about to expire"),
    }
    return f"{names.get(kind, kind)} {what}".strip()
