"""Merchants' campaigns in words and pictures, for both sites."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext, ngettext

from common.admin import words
from loyalty.admin import pictures
from merchants.models import Audience, MerchantCampaign, Reach
from merchants.selectors import campaign_previews
from merchants.selectors import campaigns as selectors

Trigger = MerchantCampaign.Trigger
_COLOURS = ["#0f766e", "#0d9488", "#14b8a6", "#2dd4bf", "#5eead4"]


def gift(campaign: MerchantCampaign) -> str:
    """What it gives, when, to whom and up to which limits, in one sentence."""
    points = words.number(campaign.points)
    if campaign.trigger == Trigger.ORDER and campaign.money_unit:
        money = words.money(campaign.money_unit)
        what = gettext("%(points)s points for each %(money)s of an order") % {"points": points, "money": money}
    else:
        when = {
            Trigger.NOW: gettext("once, at the start"),
            Trigger.JOIN: gettext("for opening a card"),
            Trigger.ORDER: gettext("for each order"),
            Trigger.BIRTHDAY: gettext("at the birthday, once a year"),
        }[Trigger(campaign.trigger)]
        what = gettext("%(points)s points %(when)s") % {"points": points, "when": when}
    parts = [what, meant(campaign)]
    if campaign.least_cash:
        parts.append(gettext("if at least %s is kept at your stores") % words.money(campaign.least_cash))
    if campaign.cap:
        parts.append(gettext("at most %s points for a member") % words.number(campaign.cap))
    parts.append(ngettext("good for %d day", "good for %d days", campaign.days) % campaign.days)
    return ", ".join(parts) + "."


def meant(reach: Reach) -> str:
    """Whom it means."""
    if reach.audience == Audience.LEVEL:
        return gettext("for members from level %d") % (reach.level or 1)
    if reach.audience == Audience.SEGMENT:
        return gettext("for the segment “%s”") % reach.segment
    if reach.audience == Audience.LIST:
        count = reach.listed.count() if reach.pk else 0
        return ngettext("for a list of %d card", "for a list of %d cards", count) % count
    return gettext("for all members")


def levels(counted: list[tuple[int, int]]) -> list[dict]:
    """Members by the level of their card, as bars."""
    total = sum(count for _level, count in counted)
    return [
        {
            "name": gettext("Level %d") % level,
            "percent": count * 100 // total if total else 0,
            "colour": _COLOURS[(level - 1) % len(_COLOURS)],
            "members": words.number(count),
            "share": pictures.share(count, total),
        }
        for level, count in counted
    ]


def preview(campaign: MerchantCampaign) -> dict:
    """What a draft would do, or what came of a campaign that has started."""
    context = {"campaign": campaign, "gift": gift(campaign)}
    if campaign.pk and campaign.status != MerchantCampaign.Status.DRAFT:
        return context | {"results": results(campaign)}
    told = campaign_previews.of(campaign, timezone.now())
    return context | {
        "members": words.number(told.members),
        "now": words.number(told.now),
        "month": words.number(told.month),
        "budget": words.number(told.budget),
        "purse": words.number(told.purse),
        "missing": words.number(told.missing) if told.missing else "",
        "is_once": campaign.trigger == Trigger.NOW,
        "short": told.now >= told.budget and told.members * campaign.points > told.budget,
        "levels": levels(told.levels),
    }


def results(campaign: MerchantCampaign) -> dict:
    """What came of it: a picture of where the budget is, and plain figures."""
    told = selectors.results(campaign)
    rest = campaign.released if campaign.released is not None else told.left
    kept = told.given - told.returned - told.spent
    parts = [
        (gettext("Used by members"), told.spent, "#0f766e"),
        (gettext("With members"), max(kept, 0), "#14b8a6"),
        (gettext("Taken back by refunds"), told.returned, "#f59e0b"),
        (
            gettext("Went back to the purse") if campaign.released is not None else gettext("Not given yet"),
            rest,
            "#94a3b8",
        ),
    ]
    bars = [
        {
            "name": name,
            "percent": points * 100 // campaign.budget if campaign.budget else 0,
            "colour": colour,
            "members": words.number(points),
            "share": pictures.share(points, campaign.budget),
        }
        for name, points, colour in parts
    ]
    figures = [
        (gettext("Points given"), words.number(told.given)),
        (gettext("Members reached"), words.number(told.members)),
        (gettext("Gifts refused"), words.number(told.refused)),
        (gettext("Used of what was given"), pictures.share(told.spent, told.given)),
        (gettext("Orders of these members at your stores since"), words.number(told.orders)),
        (gettext("Cash of these orders"), words.money(told.cash)),
    ]
    return {"bars": bars, "figures": figures}


def occasion(text: str) -> str:
    """Why a gift was given: order:o-1 -> order o-1."""
    kind, _colon, code = text.partition(":")
    names = {
        "send": gettext("at the start"),
        "join": gettext("opened a card"),
        "order": gettext("order"),
        "birthday": gettext("birthday"),
    }
    return f"{names.get(kind, kind)} {code}".strip()
