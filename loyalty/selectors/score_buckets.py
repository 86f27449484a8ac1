"""How daily values are counted: one SELECT over orders, refunds, reviews, activities and events (domain.md F6).

The rows it reads are the truth; ScoreBucket keeps what it says. Whatever a member did under a name that was merged into
hers is hers (E58). A refund counts on the day of the order it takes back (F11), so an order counts with the cash kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from loyalty.models import Activity, Refund, Review, ScoreSource
from loyalty.selectors.score_dialect import local_day, month, word
from loyalty.selectors.score_policies import ScoreRules

Kind = ScoreSource.Kind

# No sum of a member reaches it.
NO_LIMIT = 2**62

# `asked` names members and the days to be counted; `kin` adds those merged into them; `part` is what is kept of an order.
_GROUND = """
asked (owner_id, first_day, last_day) AS ({asked}),
kin (owner_id, member_id, first_day, last_day) AS (
    SELECT owner_id, owner_id, first_day, last_day FROM asked
    UNION ALL
    SELECT k.owner_id, m.id, k.first_day, k.last_day
    FROM kin k JOIN members_member m ON m.merged_into_id = k.member_id
),
part AS (
    SELECT k.owner_id, o.id AS order_id, o.completed_on AS day, l.category, l.store_code,
           CAST(sum(l.cash - l.refunded_cash) AS bigint) AS cash
    FROM kin k
    JOIN loyalty_order o ON o.member_id = k.member_id AND o.completed_on BETWEEN k.first_day AND k.last_day
    JOIN loyalty_orderline l ON l.order_id = o.id
    WHERE l.cash > l.refunded_cash
    GROUP BY k.owner_id, o.id, o.completed_on, l.category, l.store_code
),
"""

# An order's cash is rounded down and limited as a whole; each part gets what it adds, in the order of their names.
_CASH = """
    SELECT owner_id, day, {id}, category, store_code,
           ({least}({cap}, upto / {unit} * {size}) - {least}({cap}, (upto - cash) / {unit} * {size})) * {sign}
    FROM (
        SELECT part.*, CAST(sum(cash) OVER (PARTITION BY order_id ORDER BY category, store_code) AS bigint) AS upto
        FROM part
    ) running
"""
_ORDER = """
    SELECT owner_id, day, {id}, '', '', count(DISTINCT order_id) * {value} FROM part GROUP BY owner_id, day
"""
_SHOPPING_DAY = """
    SELECT DISTINCT owner_id, day, {id}, '', '', {value} FROM part
"""
# Asked of all days there are: what was the first purchase may be given back.
_NEW_CATEGORY = """
    SELECT owner_id, day, {id}, category, '', {value}
    FROM (
        SELECT k.owner_id, l.category, min(o.completed_on) AS day
        FROM (SELECT DISTINCT owner_id, member_id FROM kin) k
        JOIN loyalty_order o ON o.member_id = k.member_id AND o.completed_on IS NOT NULL
        JOIN loyalty_orderline l ON l.order_id = o.id AND l.cash > l.refunded_cash AND l.category <> ''
        GROUP BY k.owner_id, l.category
    ) first_purchase
    WHERE day >= {horizon}
"""
_REVIEW = """
    SELECT k.owner_id, {day}, {id}, COALESCE(l.category, ''), COALESCE(l.store_code, ''), {value}
    FROM kin k
    JOIN loyalty_review r ON r.member_id = k.member_id AND r.status = '{approved}' AND r.refusal = '' AND r.photos >= {photos}
    LEFT JOIN loyalty_orderline l ON l.id = r.order_line_id
    WHERE {day} BETWEEN k.first_day AND k.last_day
"""
_ACTIVITY = """
    SELECT DISTINCT k.owner_id, a.day, {id}, '', '', {value}
    FROM kin k
    JOIN loyalty_activity a
        ON a.member_id = k.member_id AND a.kind = '{activity}' AND a.day BETWEEN k.first_day AND k.last_day
"""
_RETURN = """
    SELECT k.owner_id, o.completed_on, {id}, '', '', {value}
    FROM kin k
    JOIN loyalty_order o ON o.member_id = k.member_id AND o.completed_on BETWEEN k.first_day AND k.last_day
    JOIN loyalty_refund r ON r.order_id = o.id AND r.reason = '{no_reason}'
"""
_REFUSAL = """
    SELECT k.owner_id, d.day, {id}, '', '', {value}
    FROM kin k
    JOIN loyalty_deliveryrefusal d ON d.member_id = k.member_id AND d.day BETWEEN k.first_day AND k.last_day
"""
_EVENT = """
    SELECT k.owner_id, {day}, {id}, '', '', {value}
    FROM kin k
    JOIN members_member m ON m.id = k.member_id
    JOIN common_inboxevent e ON e.subject = m.external_id AND e.type = %(type_{id})s AND e.status = 'applied'
    WHERE {day} BETWEEN k.first_day AND k.last_day
"""

# These give one row a day and category as they are; the others' rows are summed.
_ONCE_A_DAY = frozenset({Kind.ORDER, Kind.SHOPPING_DAY, Kind.NEW_CATEGORY, Kind.LOGIN, Kind.CHECK_IN, Kind.SHARE})

# A policy may count nothing of a kind.
_NOTHING = "SELECT owner_id, day, 0, category, store_code, 0 FROM part WHERE 1 = 0"

_STATEMENTS = {
    Kind.CASH: _CASH,
    Kind.ORDER: _ORDER,
    Kind.SHOPPING_DAY: _SHOPPING_DAY,
    Kind.NEW_CATEGORY: _NEW_CATEGORY,
    Kind.REVIEW: _REVIEW,
    Kind.PHOTO_REVIEW: _REVIEW,
    Kind.LOGIN: _ACTIVITY,
    Kind.CHECK_IN: _ACTIVITY,
    Kind.SHARE: _ACTIVITY,
    Kind.RETURN: _RETURN,
    Kind.REFUSAL: _REFUSAL,
    Kind.EVENT: _EVENT,
}
_ACTIVITIES = {
    Kind.LOGIN: Activity.Kind.LOGIN,
    Kind.CHECK_IN: Activity.Kind.CHECK_IN,
    Kind.SHARE: Activity.Kind.SHARE,
}


def counting(rules: ScoreRules, asked: str, horizon: str) -> str:
    """Common table expressions that end in `fresh`: the daily values of the members and days that `asked` selects.

    `asked` is a SELECT of (member, first day, last day); days of one member must not overlap. `horizon` is the oldest
    day of interest, as a literal. Needs `parameters`.
    """
    once = _together((source for source in rules.windowed if source.kind in _ONCE_A_DAY), horizon)
    often = _together((source for source in rules.windowed if source.kind not in _ONCE_A_DAY), horizon)
    return f"""{_GROUND.format(asked=asked)}
    once (owner_id, day, source_id, category, store_code, value) AS ({once}),
    often (owner_id, day, source_id, category, store_code, value) AS ({often}),
    fresh (member_id, day, month, source_id, category, store_code, value) AS (
        SELECT owner_id, day, {month("day")}, source_id, category, store_code, value FROM once
        UNION ALL
        SELECT owner_id, day, {month("day")}, source_id, category, store_code, CAST(sum(value) AS bigint)
        FROM often GROUP BY owner_id, day, source_id, category, store_code HAVING sum(value) <> 0
    )"""


def parameters(rules: ScoreRules) -> dict[str, Any]:
    """What the statement refers to by name: the time zone and the types of events."""
    types = {f"type_{source.pk}": source.event_type.name for source in rules.windowed if source.event_type}
    return {"zone": settings.TIME_ZONE, **types}


def _together(sources: Iterable[ScoreSource], horizon: str) -> str:
    return " UNION ALL ".join(_counted(source, horizon) for source in sources) or _NOTHING


def _counted(source: ScoreSource, horizon: str) -> str:
    kind = Kind(source.kind)
    return _STATEMENTS[kind].format(
        id=source.pk,
        value=source.value,
        size=abs(source.value),
        sign=1 if source.value > 0 else -1,
        unit=source.money_unit,
        cap=NO_LIMIT if source.cap_order is None else source.cap_order,
        least=word("least"),
        horizon=horizon,
        day=local_day("e.time" if kind == Kind.EVENT else "r.approved_at"),
        approved=Review.Status.APPROVED,
        photos=1 if kind == Kind.PHOTO_REVIEW else 0,
        activity=_ACTIVITIES.get(kind, ""),
        no_reason=Refund.Reason.NO_REASON,
    )
