"""Conditions of segments, compiled to one database condition on members: a closed vocabulary.

A number that is asked for is a range [low, high) of whole numbers; each attribute says what the range means in its
column, so growth in hundredths, money and days since an event all read alike. What is not known of a member (no order,
no credit score) lies in no range.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import reduce
from operator import and_, or_

from django.db.models import Exists, F, JSONField, OuterRef, Q, QuerySet, Value
from django.db.models.fields.json import KeyTransform, KeyTransformExact
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual, LessThan
from django.utils.translation import gettext_lazy as _

from common import clock
from common.problems import InvalidInput
from loyalty.models import (
    ConductRating,
    Lifecycle,
    Medal,
    MedalStanding,
    Order,
    OrderLine,
    Segment,
    SegmentCondition,
    SegmentMember,
    Tier,
)
from loyalty.models.standings import HUNDREDTHS
from members.models import CreditScore, Member, Plan, Subscription
from members.models.risk_words import Conduct

Attribute, Operator = SegmentCondition.Attribute, SegmentCondition.Operator
Range = tuple[int | None, int | None]
Numbers = Callable[[Range, dt.datetime], Q]
Keyed = Callable[[str, Range], Q]
Words = Callable[[list[str], dt.datetime], Q]

_MONTHS = 12
_FIRST_DAY, _LAST_DAY = dt.date(1900, 1, 1), dt.date(2999, 12, 31)


class UnreadableCondition(InvalidInput):
    """A condition whose value does not fit what it asks about, or the way it is asked."""

    code = "unreadable_condition"
    title = _("A condition cannot be read.")


def members(conditions: Iterable[SegmentCondition], at: dt.datetime, *, segment: str = "") -> QuerySet[Member]:
    """The active members who meet all conditions of a group, of any of the groups; nobody if there are none.

    `segment` is the code of the segment whose conditions they are. Raises UnreadableCondition.
    """
    return Member.objects.filter(_groups(conditions, at, (segment,)), status=Member.Status.ACTIVE)


def check(condition: SegmentCondition, *, segment: str = "") -> None:
    """Raise UnreadableCondition if the condition cannot be read."""
    _condition(condition, clock.day_start(_FIRST_DAY), (segment,))


def _groups(conditions: Iterable[SegmentCondition], at: dt.datetime, within: tuple[str, ...]) -> Q:
    """`within` names the segments whose conditions are being read: none of them may be asked for again."""
    groups: dict[int, list[Q]] = defaultdict(list)
    for condition in conditions:
        groups[condition.group].append(_condition(condition, at, within))
    return reduce(or_, (reduce(and_, group) for group in groups.values()), Q(pk__in=[])) if groups else Q(pk__in=[])


def _condition(condition: SegmentCondition, at: dt.datetime, within: tuple[str, ...]) -> Q:
    words = [word.strip() for word in condition.value.replace("，", ",").split(",") if word.strip()]
    if not words:
        raise UnreadableCondition(_("Give a value."))
    operator = Operator(condition.operator)
    if condition.attribute in NUMBERS or condition.attribute in _KEYED:
        ranges = _ranges(operator, _parsed(condition, words))
        found = reduce(or_, (_number(condition, range_, at) for range_ in ranges))
    elif operator in (Operator.IS, Operator.IS_NOT):
        found = _worded(condition, words, at, within)
    else:
        raise UnreadableCondition(_("This can only be “one of” or “none of” some values."))
    return ~found if operator == Operator.IS_NOT else found


def _number(condition: SegmentCondition, range_: Range, at: dt.datetime) -> Q:
    if condition.attribute in _KEYED:
        return _KEYED[condition.attribute](condition.key, range_)
    return NUMBERS[condition.attribute](range_, at)


def _worded(condition: SegmentCondition, words: list[str], at: dt.datetime, within: tuple[str, ...]) -> Q:
    if condition.attribute == Attribute.SEGMENT:
        return _in_segments(words, at, within)
    if condition.attribute == Attribute.CUSTOM:
        return _custom(condition.key, words)
    if condition.attribute in CHOICES and (unknown := set(words) - set(CHOICES[condition.attribute]())):
        raise UnreadableCondition(_("There is no such value: %s.") % ", ".join(sorted(unknown)))
    return _WORDS[condition.attribute](words, at)


# Numbers --------------------------------------------------------------------------------------------------------


def _parsed(condition: SegmentCondition, words: list[str]) -> list[int]:
    """Whole numbers; a day is the number of days since 0001-01-01."""
    if condition.attribute == Attribute.REGISTERED_ON:
        try:
            days = [dt.date.fromisoformat(word) for word in words]
        except ValueError:
            raise UnreadableCondition(_("Write days like 2026-03-01.")) from None
        return [min(max(day, _FIRST_DAY), _LAST_DAY).toordinal() for day in days]
    if not all(word.removeprefix("-").isdecimal() and len(word) < 16 for word in words):
        raise UnreadableCondition(_("Give whole numbers; money in minor units."))
    return [int(word) for word in words]


def _ranges(operator: str, values: list[int]) -> list[Range]:
    if operator in (Operator.IS, Operator.IS_NOT):
        return [(value, value + 1) for value in values]
    if len(values) != (2 if operator == Operator.BETWEEN else 1):
        raise UnreadableCondition(_("“Between” takes two values, the other comparisons one."))
    if operator == Operator.BETWEEN:
        if values[0] > values[1]:
            raise UnreadableCondition(_("“Between” takes the smaller value first."))
        return [(values[0], values[1] + 1)]
    return [(values[0], None) if operator == Operator.AT_LEAST else (None, values[0])]


def _column(path: str, scale: int = 1) -> Numbers:
    """A whole number in a column; `scale` of the column are one of what is asked for, rounded down."""

    def meaning(range_: Range, at: dt.datetime) -> Q:
        low, high = range_
        found = Q(**{f"{path}__isnull": False})
        if low is not None:
            found &= Q(**{f"{path}__gte": low * scale})
        if high is not None:
            found &= Q(**{f"{path}__lt": high * scale})
        return found

    return meaning


def _days_since(path: str) -> Numbers:
    """The number of local days from a date in a column to today."""

    def meaning(range_: Range, at: dt.datetime) -> Q:
        low, high = (None if days is None else _days_before(at, days) for days in range_)
        found = Q(**{f"{path}__isnull": False})
        if low is not None:
            found &= Q(**{f"{path}__lte": low})
        if high is not None:
            found &= Q(**{f"{path}__gt": high})
        return found

    return meaning


def _days_before(at: dt.datetime, days: int) -> dt.date:
    """Within the calendar, however many days are asked for."""
    day = clock.local_date(at).toordinal() - days
    return dt.date.fromordinal(min(max(day, _FIRST_DAY.toordinal()), _LAST_DAY.toordinal()))


def _registered_days(range_: Range, at: dt.datetime) -> Q:
    low, high = (None if days is None else _days_before(at, days).toordinal() for days in range_)
    return _registered_on((None if high is None else high + 1, None if low is None else low + 1), at)


def _registered_on(range_: Range, at: dt.datetime) -> Q:
    low, high = (None if day is None else clock.day_start(dt.date.fromordinal(day)) for day in range_)
    found = Q()
    if low is not None:
        found &= Q(registered_at__gte=low)
    if high is not None:
        found &= Q(registered_at__lt=high)
    return found


def _returns(range_: Range, at: dt.datetime) -> Q:
    """Per cent of lines, rounded down, compared by cross-multiplication; nothing returned is 0 % of whatever was bought."""
    low, high = range_
    returned, lines = F("stats__causeless_12m") * 100, F("stats__lines_12m")
    found = Q(stats__isnull=False)
    if low is not None and low > 0:
        found &= Q(GreaterThanOrEqual(returned, lines * low), stats__causeless_12m__gt=0)
    if high is not None:
        found &= Q(LessThan(returned, lines * high)) | (Q(stats__causeless_12m=0) if high > 0 else Q(pk__in=[]))
    return found


def _credit(range_: Range, at: dt.datetime) -> Q:
    """The newest score by then."""
    known = CreditScore.objects.filter(member=OuterRef("pk"), at__lte=at)
    newer = CreditScore.objects.filter(member=OuterRef("member"), at__gt=OuterRef("at"), at__lte=at)
    return Q(Exists(known.filter(_column("score")(range_, at)).exclude(Exists(newer))))


def _medal(code: str, range_: Range) -> Q:
    if not Medal.objects.filter(code=code).exists():
        raise UnreadableCondition(_("Name the medal by its code."))
    held = _column("level__number")(range_, clock.day_start(_FIRST_DAY))
    return Q(Exists(MedalStanding.objects.filter(held, member=OuterRef("pk"), medal__code=code)))


def _nobody_knows(key: str, range_: Range) -> Q:
    raise UnreadableCondition(_("Nobody here knows of levels at merchants."))


_KEYED: dict[str, Keyed] = {Attribute.MEDAL: _medal, Attribute.CARD_LEVEL: _nobody_knows}
"""Numbers of which a member may have many; the key of the condition says which."""


def card_levels_by(finder: Keyed) -> None:
    """Let a higher floor, which knows the merchants' cards, find the members by level; called from apps.py."""
    _KEYED[Attribute.CARD_LEVEL] = finder


NUMBERS: dict[str, Numbers] = {
    Attribute.GROWTH: _column("standing__growth", HUNDREDTHS),
    Attribute.COEFFICIENT: _column("standing__coefficient_percent"),
    Attribute.SCORE: _column("score__settled"),
    Attribute.R: _column("stats__r"),
    Attribute.F: _column("stats__f"),
    Attribute.M: _column("stats__m"),
    Attribute.RFM: _column("stats__rfm"),
    Attribute.ORDERS: _column("stats__orders_12m"),
    Attribute.NET_CASH: _column("stats__net_cash_12m"),
    Attribute.LAST_ORDER: _days_since("stats__last_order_on"),
    Attribute.FIRST_ORDER: _days_since("stats__first_order_on"),
    Attribute.RETURNS: _returns,
    Attribute.REVIEWS: _column("stats__reviews_12m"),
    Attribute.PHOTO_REVIEWS: _column("stats__photo_reviews_12m"),
    Attribute.LOGINS: _column("stats__login_days_12m"),
    Attribute.CHANNELS: _column("stats__channels"),
    Attribute.CATEGORIES: _column("stats__categories"),
    Attribute.CREDIT: _credit,
    Attribute.REGISTERED_DAYS: _registered_days,
    Attribute.REGISTERED_ON: _registered_on,
}


# Words ----------------------------------------------------------------------------------------------------------


def _bought(column: str) -> Words:
    """In the twelve months before the day; what a merged member bought, the other has bought (E58)."""

    def meaning(words: list[str], at: dt.datetime) -> Q:
        until = clock.local_date(at) - dt.timedelta(days=1)
        lines = OrderLine.objects.filter(
            **{f"{column}__in": words},
            order__status=Order.Status.COMPLETED,
            order__completed_on__gt=clock.months_after(until, -_MONTHS),
            order__completed_on__lte=until,
        )
        buyer = Coalesce("order__member__merged_into_id", "order__member_id")
        return Q(pk__in=lines.annotate(buyer=buyer).values("buyer"))

    return meaning


def _plan(words: list[str], at: dt.datetime) -> Q:
    running = Subscription.objects.filter(plan__code__in=words, starts_at__lte=at, ends_at__gt=at)
    return Q(Exists(running.filter(member=OuterRef("pk"))))


def _conduct(words: list[str], at: dt.datetime) -> Q:
    """Who has no rating is ordinary."""
    rated = ConductRating.objects.filter(member=OuterRef("pk"))
    found = Q(Exists(rated.of_band(words, at)))
    return found | ~Q(Exists(rated)) if Conduct.ORDINARY in words else found


def _custom(key: str, words: list[str]) -> Q:
    """As text, or as the number or yes-or-no that the text says."""
    if not key:
        raise UnreadableCondition(_("Name the custom attribute."))
    values: list[str | int | bool] = [*words]
    values += [int(word) for word in words if word.removeprefix("-").isdecimal()]
    values += [word == "true" for word in words if word in ("true", "false")]
    return reduce(
        or_, (Q(KeyTransformExact(KeyTransform(key, "attributes"), Value(value, JSONField()))) for value in values)
    )


def _in_segments(codes: list[str], at: dt.datetime, within: tuple[str, ...]) -> Q:
    """By the other segment's own conditions, not by its last refresh: so it does not matter which is refreshed first."""
    segments = {segment.code: segment for segment in Segment.objects.filter(code__in=codes)}
    if unknown := set(codes) - segments.keys():
        raise UnreadableCondition(_("There is no such segment: %s.") % ", ".join(sorted(unknown)))
    if circle := set(codes) & set(within):
        raise UnreadableCondition(_("A segment cannot ask for itself: %s.") % ", ".join(sorted(circle)))
    return reduce(or_, (_in_segment(segment, at, within) for segment in segments.values()))


def _in_segment(segment: Segment, at: dt.datetime, within: tuple[str, ...]) -> Q:
    if segment.is_ruled:
        return _groups(segment.conditions.all(), at, (*within, segment.code))
    return Q(pk__in=SegmentMember.objects.filter(segment=segment).values("member_id"))


_WORDS: dict[str, Words] = {
    Attribute.TIER: lambda words, at: Q(standing__tier__code__in=words),
    Attribute.LIFECYCLE: lambda words, at: Q(stats__lifecycle__in=words),
    Attribute.CONDUCT: _conduct,
    Attribute.KIND: lambda words, at: Q(kind__in=words),
    Attribute.PLAN: _plan,
    Attribute.CATEGORY: _bought("category"),
    Attribute.STORE: _bought("store_code"),
}

# What may be said, by the word itself and by what people call it; asked for anew each time, because operators add to it.
CHOICES: dict[str, Callable[[], dict[str, str]]] = {
    Attribute.TIER: lambda: dict(Tier.objects.values_list("code", "name")),
    Attribute.LIFECYCLE: lambda: {value: str(label) for value, label in Lifecycle.choices},
    Attribute.CONDUCT: lambda: {value: str(label) for value, label in Conduct.choices},
    Attribute.KIND: lambda: {value: str(label) for value, label in Member.Kind.choices},
    Attribute.PLAN: lambda: dict(Plan.objects.values_list("code", "name")),
}
