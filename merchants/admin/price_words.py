"""Member prices and ladders in words and examples."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext

from common.admin import tags, words
from loyalty.services.occasions import Item
from merchants.models import MemberPrice, PriceLadder, PriceStep
from merchants.selectors import prices

STATES = {"now": tags.GOOD, "later": tags.WAITING, "over": ""}
_CLASHES = 5


def state(row: MemberPrice | PriceLadder, now: dt.datetime) -> tuple[str, str]:
    """Whether it holds now, for a coloured word."""
    if row.starts_at > now:
        return "later", gettext("Later")
    if row.ends_at is not None and row.ends_at <= now:
        return "over", gettext("Over")
    return "now", gettext("Now")


def preview(price: MemberPrice) -> dict:
    """Who pays what, and which other prices hold at the same time."""
    others = list(prices.overlapping(price)[: _CLASHES + 1])
    return {
        "says": _who_pays(price),
        "when": _when(price),
        "others": [
            {
                "whom": other.whom(),
                "price": words.money(other.price),
                "place": str(other.store or gettext("all stores")),
                "wins": other.price < price.price,
            }
            for other in others[:_CLASHES]
        ],
        "more": len(others) > _CLASHES,
    }


def _who_pays(price: MemberPrice) -> list[str]:
    amount = words.money(price.price)
    if price.tier is not None:
        who = gettext("Alice the %s member") % price.tier.name
        nobody = gettext("Bob, who is below %s, pays the list price.") % price.tier.name
    elif price.plan is not None:
        who = gettext("Alice with %s") % price.plan.name
        nobody = gettext("Bob without %s pays the list price.") % price.plan.name
    else:
        names = {"level": price.level, "club": price.club}
        who = gettext("Alice with a card of %(club)s, level %(level)s or above,") % names
        nobody = gettext("Bob, whose card is below level %(level)s or who has none, pays the list price.") % names
    place = str(price.store) if price.store else gettext("all your stores")
    return [
        gettext("%(who)s pays %(amount)s for a piece of %(sku)s at %(place)s.")
        % {"who": who, "amount": amount, "sku": price.sku, "place": place},
        nobody,
        gettext("Where the list price is %s or less, it stays: nobody pays more for being a member.") % amount,
    ]


def _when(price: MemberPrice) -> str:
    if price.ends_at is None:
        return gettext("From %s until further notice.") % words.instant(price.starts_at)
    return gettext("From %(from)s until before %(to)s.") % {
        "from": words.instant(price.starts_at), "to": words.instant(price.ends_at),
    }  # fmt: skip


def ladder_preview(ladder: PriceLadder, steps: list[PriceStep]) -> dict:
    """What the steps mean for pieces with a list price of 100.00."""
    kind = ladder.sku or ladder.category or gettext("everything")
    rows = []
    for step in sorted(steps, key=lambda step: step.from_quantity):
        line = Item(quantity=step.from_quantity, cash=step.from_quantity * 10_000)
        cash = min(prices.after(step, line), line.cash)
        rows.append(
            {
                "from": words.number(step.from_quantity),
                "gives": words.money(step.price) if step.price else f"−{step.percent_off} %",
                "list": words.money(line.cash),
                "cash": words.money(cash),
                "percent": cash * 100 // line.cash,
            }
        )
    place = str(ladder.store) if ladder.store else gettext("all your stores")
    says = gettext("Business members who buy %(kind)s at %(place)s pay less the more pieces a line has.") % {
        "kind": kind, "place": place,
    }  # fmt: skip
    return {"says": says, "rows": rows}
