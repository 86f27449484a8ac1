"""What an earning rule says, in one sentence."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from common.admin import words
from loyalty.models import EarningRuleVersion, Expiry, RuleCondition
from loyalty.services import conditions

Formula, Attribute, Operator = EarningRuleVersion.Formula, RuleCondition.Attribute, RuleCondition.Operator

EVENTS = {
    "order.completed": _("an order is completed"),
    "review.approved": _("a review is approved"),
    "member.logged_in": _("the member logs in"),
    "member.checked_in": _("the member checks in"),
    "member.shared": _("the member shares something"),
    "delivery.refused": _("a delivery is refused"),
}
MONEY = {Attribute.LINE_UNIT_PRICE, Attribute.ORDER_CASH}
SUBJECTS = {
    Attribute.LINE_CATEGORY: _("the line's category"),
    Attribute.LINE_STORE: _("the line's store"),
    Attribute.LINE_SKU: _("the line's SKU"),
    Attribute.LINE_UNIT_PRICE: _("the cash per unit"),
    Attribute.LINE_CUSTOM: _("the line's"),
    Attribute.ORDER_CASH: _("the order's cash"),
    Attribute.ORDER_CHANNEL: _("the channel"),
    Attribute.ORDER_CUSTOM: _("the event's"),
    Attribute.TIME_WEEKDAY: _("the day"),
    Attribute.TIME_OF_DAY: _("the time of day"),
    Attribute.TIME_DAY: _("the day of the month"),
    Attribute.MEMBER_TIER: _("the member's tier"),
    Attribute.MEMBER_PLAN: _("the member's paid plan"),
    Attribute.MEMBER_SEGMENT: _("the member's segment"),
    Attribute.MEMBER_KIND: _("the member's kind"),
    Attribute.MEMBER_CUSTOM: _("the member's"),
    Attribute.ACTIVITY_STREAK: _("the number of days in a row"),
    Attribute.REVIEW_PHOTOS: _("the number of photos"),
    Attribute.REFUSALS_MONTH: _("the number of deliveries refused this month"),
    Attribute.REFUSALS_YEAR: _("the number of deliveries refused this year"),
}
# How a yes-or-no attribute reads when it must be so, and when it must not.
FLAGS = {
    Attribute.LINE_VIRTUAL: (_("the line is virtual"), _("the line is not virtual")),
    Attribute.LINE_NEW_CATEGORY: (
        _("it is the member's first order in the category"),
        _("the member has bought in the category before"),
    ),
    Attribute.ORDER_FIRST: (_("it is the member's first order"), _("it is not the member's first order")),
    Attribute.ACTIVITY_MANUAL: (_("it was done by hand"), _("it was done automatically")),
}
WEEKDAYS = {
    "1": _("Monday"), "2": _("Tuesday"), "3": _("Wednesday"), "4": _("Thursday"),
    "5": _("Friday"), "6": _("Saturday"), "7": _("Sunday"),
}  # fmt: skip


def say(version: EarningRuleVersion, rows: Iterable[RuleCondition]) -> str:
    """The whole version: what it gives, for which event, under which conditions, up to which limits."""
    whole = gettext("%(what)s when %(event)s") % {"what": _formula(version), "event": event(version.event_type)}
    if asked := [condition(row) for row in rows]:
        whole = gettext("%(whole)s, if %(conditions)s") % {"whole": whole, "conditions": gettext(" and ").join(asked)}
    parts = [whole, *limits(version)]
    if version.available_after_days:
        parts.append(
            ngettext("to be spent after %d day", "to be spent after %d days", version.available_after_days)
            % version.available_after_days
        )
    if version.expiry:
        parts.append(_expiry(version))
    return "; ".join(parts) + "."


def _expiry(version: EarningRuleVersion) -> str:
    count = version.expiry_count
    return {
        Expiry.END_OF_NEXT_YEAR: gettext("good until the end of next year"),
        Expiry.DAYS: ngettext("good for %d day", "good for %d days", count) % count,
        Expiry.END_OF_MONTH: gettext("good until the end of the month, %d months on") % count,
        Expiry.END_OF_QUARTER: gettext("good until the end of the quarter, %d quarters on") % count,
        Expiry.FIXED_DATE: gettext("good until the end of %s") % words.day(version.expiry_date),
        Expiry.CAMPAIGN: gettext("good until the campaign's end"),
        Expiry.SLIDING: ngettext(
            "good for %d day after the last activity", "good for %d days after the last activity", count
        )
        % count,
    }[version.expiry]


def event(event_type: str) -> str:
    """An event type in words."""
    return str(EVENTS.get(event_type, event_type))


def condition(row: RuleCondition) -> str:
    """One condition; money as money, weekdays by name."""
    values = [value.strip() for value in row.value.replace("，", ",").split(",")]
    if row.attribute in FLAGS:
        true = (values[0].lower() in conditions.TRUE) is (row.operator == Operator.IS)
        return str(FLAGS[row.attribute][0 if true else 1])
    if row.attribute in MONEY:
        values = [words.money(int(value)) if value.isdecimal() else value for value in values]
    elif row.attribute == Attribute.TIME_WEEKDAY:
        values = [str(WEEKDAYS.get(value, value)) for value in values]
    subject = SUBJECTS.get(Attribute(row.attribute)) or row.get_attribute_display()
    return _test(row.operator) % {
        "subject": f"{subject} “{row.key}”" if row.key else str(subject),
        "value": values[0],
        "last": values[-1],
        "values": gettext(" or ").join(values),
    }


def _test(operator: str) -> str:
    return {
        Operator.IS: gettext("%(subject)s is %(values)s"),
        Operator.IS_NOT: gettext("%(subject)s is not %(values)s"),
        Operator.AT_LEAST: gettext("%(subject)s is at least %(value)s"),
        Operator.LESS_THAN: gettext("%(subject)s is less than %(value)s"),
        Operator.BETWEEN: gettext("%(subject)s lies between %(value)s and %(last)s"),
        Operator.MULTIPLE_OF: gettext("%(subject)s is a multiple of %(value)s"),
    }[operator]


def limits(version: EarningRuleVersion) -> list[str]:
    """Caps and the campaign, in words."""
    caps = [
        (version.cap_item, gettext("at most %s per product")),
        (version.cap_order, gettext("at most %s per order")),
        (version.cap_day, gettext("at most %s per day")),
        (version.cap_month, gettext("at most %s per month")),
        (version.cap_quarter, gettext("at most %s per quarter")),
        (version.cap_year, gettext("at most %s per year")),
        (version.cap_member, gettext("at most %s per member")),
    ]
    said = [text % words.number(cap) for cap, text in caps if cap is not None]
    return said + ([gettext("paid from the campaign “%s”") % version.campaign] if version.campaign_id else [])


def _formula(version: EarningRuleVersion) -> str:
    points = ngettext("%s point", "%s points", version.points) % words.number(version.points)
    if version.formula == Formula.PER_MONEY:
        return _per_money(version, points)
    if version.formula == Formula.MULTIPLIER:
        return gettext("%s times the points per cash") % f"{version.multiplier_percent / 100:g}"
    if version.formula == Formula.LIKES:
        most = words.number(version.likes_max)
        return gettext("%(points)s, growing with likes to at most %(most)s") % {"points": points, "most": most}
    return (gettext("takes %s") if version.formula == Formula.PENALTY else "%s") % points


def _per_money(version: EarningRuleVersion, points: str) -> str:
    said = gettext("%(points)s per %(money)s of cash") % {"points": points, "money": words.money(version.money_unit)}
    if version.basis == EarningRuleVersion.Basis.LINE:
        said += gettext(", each line by itself")
    if version.money_step > 1:
        said += gettext(", the cash taken down to multiples of %s") % words.money(version.money_step)
    if version.min_cash:
        said += gettext(", from %s") % words.money(version.min_cash)
    return said
