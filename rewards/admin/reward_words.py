"""How rewards look and read on operators' pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from common.admin import words
from loyalty.models import Programme, Tier
from loyalty.selectors import programme as programmes
from merchants.models import Store
from rewards.models import Reward, RewardPrice
from rewards.models.coupons import listed
from rewards.selectors import catalogue, coupons


def picture(reward: Reward) -> SafeString:
    """The reward's symbol in its colour: it shows without any network."""
    return format_html(
        '<span class="lp-medal" style="background:{}"><span class="material-symbols-outlined">{}</span></span>',
        reward.colour,
        reward.symbol,
    )


def badge(reward: Reward) -> SafeString:
    """A reward as people see it: picture and name."""
    return format_html('<span class="lp-badge">{}{}</span>', picture(reward), reward.name)


def price(points: int, cash: int) -> str:
    """500 points, or 500 points + 49.00 CNY."""
    said = gettext("%s points") % words.number(points)
    return f"{said} + {words.money(cash)}" if cash else said


def ratio(reward: Reward) -> str:
    """Perceived value : what one costs us (S2-28: small for big), in tenths, rounded down; – if one of them is not known."""
    if not reward.perceived_value or not reward.unit_cost:
        return "–"
    if not reward.platform_cost:
        return gettext("costs us nothing")
    tenths = reward.perceived_value * 10 // reward.platform_cost
    return f"{tenths // 10}.{tenths % 10} : 1"


def stock(reward: Reward) -> SafeString | str:
    """How much of the stock is gone, as a bar."""
    if reward.stock is None:
        return gettext("endless")
    gone = reward.sold + reward.reserved
    percent = gone * 100 // reward.stock if reward.stock else 100
    return format_html(
        '<div class="lp-bar {}"><i style="width:{}%"></i></div><small>{}</small>',
        "lp-hot" if percent >= 90 else "",
        percent,
        gettext("%(left)s left of %(all)s") % {"left": words.number(reward.left), "all": words.number(reward.stock)},
    )


def payer(reward: Reward) -> str:
    """Who bears the cost."""
    if reward.merchant is None or not reward.merchant_percent:
        return gettext("the platform")
    if reward.merchant_percent == 100:
        return reward.merchant.name
    return gettext("%(merchant)s %(share)d %%, the platform the rest") % {
        "merchant": reward.merchant.name, "share": reward.merchant_percent,
    }  # fmt: skip


def costs(reward: Reward, programme: Programme) -> list[tuple[str, str]]:
    """What one costs, by one rule for all rewards (S1-42): money against what the points given up are worth."""
    worth = programmes.money_of(programme, reward.points) + reward.cash
    rows = [
        (gettext("One costs"), words.money(reward.unit_cost)),
        (gettext("Paid by"), payer(reward)),
        (gettext("The platform pays"), words.money(reward.platform_cost)),
        (gettext("Members give up"), f"{words.money(worth)} ({price(reward.points, reward.cash)})"),
        (gettext("Perceived value : cost"), ratio(reward)),
    ]
    if reward.merchant_cost:
        rows.insert(3, (gettext("The sponsor pays"), words.money(reward.merchant_cost)))
    return rows


def warnings(reward: Reward, programme: Programme) -> list[str]:
    """What an operator should think about before it is activated."""
    worth = programmes.money_of(programme, reward.points) + reward.cash
    found = []
    if not reward.unit_cost:
        found.append(gettext("No cost is given: the ratio and the sponsor's share cannot be told."))
    if reward.kind == Reward.Kind.COUPON and not reward.says_terms:
        found.append(gettext("It does not say what it takes off, so the checkout quote cannot count it."))
    if reward.platform_cost > worth:
        found.append(gettext("One costs the platform more than the points that are given up are worth."))
    if reward.perceived_value and reward.perceived_value < worth:
        found.append(gettext("Members give up more than it is worth to them: few will take it (S2-28)."))
    return found


def conditions(reward: Reward, tier: Tier | None) -> list[str]:
    """Who may have it and how often, in sentences."""
    said = []
    if tier is not None:
        said.append(gettext("For %s and above.") % tier.name)
    if reward.segment is not None:
        said.append(gettext("Only for the segment “%s”.") % reward.segment)
    limits = {
        gettext("%d a day"): reward.limit_day,
        gettext("%d a month"): reward.limit_month,
        gettext("%d for each member"): reward.limit_ever,
    }
    if counted := [text % limit for text, limit in limits.items() if limit is not None]:
        said.append(gettext("At most %s.") % ", ".join(counted))
    if reward.validity_days:
        said.append(
            gettext("The plan runs for %d days.") % reward.validity_days
            if reward.kind == Reward.Kind.PLAN
            else gettext("Good for %d days once it is taken.") % reward.validity_days
        )
    said += [
        text % words.instant(at)
        for text, at in (
            (gettext("Seen from %s."), reward.visible_from),
            (gettext("Seen until %s."), reward.visible_until),
            (gettext("Can be taken from %s."), reward.available_from),
            (gettext("Can be taken until %s."), reward.available_until),
        )
        if at is not None
    ]
    return said


def coupon(reward: Reward) -> str:
    """What a coupon takes off, in a sentence with the names of stores; empty if it says nothing."""
    named = Store.objects.filter(code__in=listed(reward.only_stores)).values_list("code", "name")
    return coupons.sentence(reward, days=reward.validity_days, stores=dict(named))


def prices(rows: Sequence[RewardPrice]) -> list[tuple[str, str]]:
    """Special prices, said."""
    return [(gettext("%s and above") % row.tier if row.tier else str(row), price(row.points, row.cash)) for row in rows]


def least_tier(reward: Reward) -> Tier | None:
    """The tier it asks for, whether it says so or is a coupon (S2-49)."""
    if reward.least_tier is None and reward.kind == Reward.Kind.COUPON:
        return catalogue.coupon_tier()
    return reward.least_tier


def until(at: dt.datetime | None) -> str:
    """The last day of something that ends with a day."""
    return words.day(words.last_day(at)) if at else "–"


def masked(code: str) -> str:
    """Enough to compare, too little to use: ····HD4V."""
    return f"····{code[-4:]}" if len(code) > 6 else "····"
