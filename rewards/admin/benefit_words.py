"""Benefits in words and pictures, as every page shows them."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common import clock
from common.admin import words
from merchants.models import Merchant
from rewards.models import Allowance, Benefit, BenefitGrant, Period

Kind = Benefit.Kind


def badge(benefit: Benefit) -> SafeString:
    """Its icon in its colour, and its name."""
    return format_html(
        '<span class="lp-badge"><span class="material-symbols-outlined" style="color:{}">{}</span>{}</span>',
        benefit.colour,
        benefit.icon,
        benefit.name,
    )


_VALUES = {
    Kind.FREE_SHIPPING: _("from %s"),
    Kind.CATEGORY_DISCOUNT: _("%s %% off"),
    Kind.POINT_REBATE: _("%s %% of the points"),
    Kind.COUPON_PACK: _("worth %s"),
    Kind.INSTANT_REFUND: _("up to %s"),
    Kind.BIRTHDAY_PACK: _("%s points"),
}


def value(benefit: Benefit, number: int | None) -> str:
    """What a parameter means: "from 79.00 CNY"; empty if there is none."""
    parameter = benefit.parameter
    if parameter is None or number is None:
        return ""
    if benefit.kind == Kind.FREE_SHIPPING and not number:
        return gettext("on every order")
    said = words.money(number) if parameter.unit == "money" else words.number(number)
    return str(_VALUES[Kind(benefit.kind)] % said)


def often(allowance: Allowance) -> str:
    """How often: "3 × a month"; empty if there is no limit."""
    if allowance.quota is None:
        return ""
    period = Period(allowance.period).label
    return gettext("%(count)s × %(period)s") % {"count": words.number(allowance.quota), "period": period}


def window(name: str) -> str:
    """A period of a quota as people call it; a term by its first day."""
    started = name.removeprefix("term ")
    if started == "ever":
        return gettext("the whole time")
    if started != name:
        return gettext("term from %s") % words.day(dt.date.fromisoformat(started[:10]))
    with suppress(ValueError):
        return words.day(dt.date.fromisoformat(name))
    with suppress(ValueError):
        return date_format(clock.month(name), "YEAR_MONTH_FORMAT")
    return name


def gives(benefit: Benefit, allowance: Allowance) -> str:
    """What is given in one line: name, parameter, how often."""
    parts = [benefit.name, value(benefit, allowance.value), often(allowance)]
    return gettext(", ").join(part for part in parts if part)


def what(grant: BenefitGrant) -> str:
    """What a grant gives, in words."""
    if grant.benefit is not None:
        return gives(grant.benefit, grant)
    return gettext("Bundle: %s") % grant.bundle if grant.bundle else "–"


def party(merchant: Merchant | None) -> str:
    """Who issues or honours."""
    return str(merchant) if merchant else gettext("The platform")


def share(permille: int | None) -> str:
    """12.3 %; – if nobody is entitled."""
    return "–" if permille is None else f"{permille // 10}.{permille % 10} %"
