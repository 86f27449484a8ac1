"""The merchants' overview: members, sales, points and campaigns in pictures, and what somebody should do."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy, ngettext

from common.admin import charts, words
from common.admin.money import places
from merchants.models import Deed, Merchant, Purse
from merchants.selectors import overview, store_stats
from merchants.services import purses

from .signed_in import may, role_of
from .site import site

_TEAL, _GREY = "#0d9488", "#cbd5e1"

# What waits, the page it waits on, and the part of its list that shows it.
_WAITING = {
    "conflicts": ("brandmember", "status__exact=conflict"),
    "levels": ("levelscheme", "status__exact=draft"),
    "campaigns": ("merchantcampaign", "status__exact=draft"),
    "messages": ("message", "status__exact=draft"),
    "purchases": ("pointpurchase", "status__exact=draft"),
    "rebates": ("rebate", "status__exact=open"),
}
_STEPS = {
    "levels": (
        "levelscheme",
        gettext_lazy("Set up levels"),
        gettext_lazy("Up to five, with names, thresholds and what they bring; then publish them."),
    ),
    "points": (
        "purse",
        gettext_lazy("Buy points"),
        gettext_lazy("Choose a pack, submit the purchase and pay; the marketplace credits your purse."),
    ),
    "campaign": (
        "merchantcampaign",
        gettext_lazy("Run a campaign"),
        gettext_lazy("Give points for joining, for orders or for birthdays; a preview says what it costs."),
    ),
}
_QUICK = (
    ("card", "changelist", "loyalty", gettext_lazy("Find a member")),
    ("merchantcampaign", "add", "campaign", gettext_lazy("New campaign")),
    ("purse", "buy", "add_shopping_cart", gettext_lazy("Buy points")),
    ("message", "add", "mail", gettext_lazy("Write to members")),
    ("memberprice", "changelist", "sell", gettext_lazy("Member prices")),
)


def fill(request: HttpRequest, context: dict) -> dict:
    """Put the merchant's numbers on the overview; somebody without a role gets a notice only."""
    role = role_of(request)
    if role is None:
        return {**context, "role": None}
    now, merchant = timezone.now(), role.merchant
    days = store_stats.days(merchant, now)
    steps = overview.first_steps(merchant)
    return {
        **context,
        "role": role,
        "merchant": merchant,
        "steps": [] if all(step.done for step in steps) else [_step(request, step) for step in steps],
        "figures": _figures(request, merchant, days, now),
        "card_chart": _card_chart(days) if any(day.new_cards for day in days) else None,
        "sales_chart": _sales_chart(days) if any(day.cash for day in days) else None,
        "levels": _levels(merchant, now),
        "campaigns": [_campaign(request, campaign) for campaign in overview.running(merchant)],
        "todo": list(_todo(request, merchant)),
        "quick": [
            {"link": link, "icon": icon, "words": said}
            for model, verb, icon, said in _QUICK
            if (link := _link(request, model, verb))
        ],
    }


def _figures(request: HttpRequest, merchant: Merchant, days: list[store_stats.Day], now: dt.datetime) -> list[dict]:
    members, joined = overview.members(merchant, now - dt.timedelta(days=store_stats.DAYS))
    cash, by_members = sum(day.cash for day in days), sum(day.member_cash for day in days)
    low = Purse.objects.filter(merchant=merchant, low_since__isnull=False).exists()
    return [
        {
            "name": gettext("Members"),
            "value": words.number(members),
            "note": gettext("%s new in 30 days") % words.number(joined),
            "link": _link(request, "card"),
        },
        {"name": gettext("Sales"), "value": words.money(cash), "note": gettext("after refunds, in 30 days")},
        {
            "name": gettext("By members"),
            "value": f"{by_members * 100 // cash if cash else 0} %",
            "note": gettext("%s of the sales") % words.money(by_members),
        },
        {
            "name": gettext("Points in the purse"),
            "value": words.number(purses.balance(merchant, now)),
            "note": gettext("low: campaigns may not start") if low else gettext("to give to members"),
            "bad": low,
            "link": _link(request, "purse"),
        },
    ]


def _card_chart(days: list[store_stats.Day]) -> dict[str, Any]:
    bars = [{"label": gettext("New cards"), "data": [day.new_cards for day in days], "backgroundColor": _TEAL}]
    return charts.chart(_labels(days), bars, legend=False)


def _sales_chart(days: list[store_stats.Day]) -> dict[str, Any]:
    """Whole units of money: a chart needs no cents."""
    unit = 10 ** places()
    bars = [
        {"label": gettext("Members"), "data": [day.member_cash // unit for day in days], "backgroundColor": _TEAL},
        {
            "label": gettext("Others"),
            "data": [(day.cash - day.member_cash) // unit for day in days],
            "backgroundColor": _GREY,
        },
    ]
    return charts.chart(_labels(days), bars, legend=True, stacked=True)


def _labels(days: list[store_stats.Day]) -> list[str]:
    return [date_format(day.day, "MONTH_DAY_FORMAT") for day in days]


def _levels(merchant: Merchant, now: dt.datetime) -> list[dict]:
    bars = overview.by_level(merchant, now)
    most = max((bar.members for bar in bars), default=0) or 1
    return [
        {
            "club": bar.club,
            "name": f"{bar.number} {bar.name}",
            "colour": bar.colour,
            "percent": bar.members * 100 // most,
            "members": words.number(bar.members),
        }
        for bar in bars
    ]


def _campaign(request: HttpRequest, campaign) -> dict:
    used = campaign.budget - campaign.left
    return {
        "name": campaign.name,
        "link": _link(request, "merchantcampaign", "change", campaign.pk),
        "until": words.instant(campaign.ends_at),
        "used": words.number(used),
        "budget": words.number(campaign.budget),
        "percent": used * 100 // campaign.budget,
        "hot": used * 10 >= campaign.budget * 9,
    }


def _todo(request: HttpRequest, merchant: Merchant):
    """What waits for somebody, in words, with the list that shows it."""
    if may(request, Deed.BUY) and Purse.objects.filter(merchant=merchant, low_since__isnull=False).exists():
        yield {"words": gettext("The purse is low: buy points."), "link": _link(request, "purse", "buy"), "bad": True}
    for kind, count in overview.waiting(merchant).items():
        model, query = _WAITING[kind]
        link = _link(request, model)
        if link:
            yield {"words": _waits(kind, count), "link": f"{link}?{query}"}


def _waits(kind: str, count: int) -> str:
    said = {
        "conflicts": ngettext("%d conflict of a brand member to decide", "%d conflicts of brand members to decide", count),
        "levels": ngettext("%d draft of levels to publish", "%d drafts of levels to publish", count),
        "campaigns": ngettext("%d draft of a campaign to start", "%d drafts of campaigns to start", count),
        "messages": ngettext("%d draft of a message to send", "%d drafts of messages to send", count),
        "purchases": ngettext("%d purchase of points to submit", "%d purchases of points to submit", count),
        "rebates": ngettext("%d rebate is not paid yet", "%d rebates are not paid yet", count),
    }  # fmt: skip
    return said[kind] % count


def _step(request: HttpRequest, step: overview.Step) -> dict:
    model, title, says = _STEPS[step.code]
    return {"title": title, "says": says, "done": step.done, "link": _link(request, model)}


def _link(request: HttpRequest, model: str, verb: str = "changelist", *args: Any) -> str:
    """The address of a page of this site, for those to whom it opens; else nothing."""
    if not (may(request, Deed.BUY) if verb == "buy" else site.opens(request, "merchants", model, verb)):
        return ""
    return reverse(f"merchant:merchants_{model}_{verb}", args=args)
