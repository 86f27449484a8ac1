"""How daily values become a score: limits by month, dimensions by curve and cap, the total by weight (domain.md F6).

One text of SQL for every use: the night, the settlement, restatements and previews differ in the days, in where the daily
values and the member's state stand, and in what is done with the result.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

from common import clock
from loyalty.models import Dimension, ScoreSource
from loyalty.selectors.score_buckets import NO_LIMIT
from loyalty.selectors.score_dialect import among, day, instant, keys, word
from loyalty.selectors.score_policies import ScoreRules, Shape
from loyalty.selectors.score_windows import Window

Kind = ScoreSource.Kind

DIMENSIONS = tuple(Dimension.values)
STATE = ("real_name_verified", "phone_verified", "birthday_given", "years", "credit_score")

# Nobody has been a member for longer.
_YEARS = 60

_STATE_VALUES = {
    Kind.REAL_NAME: "CASE WHEN state.real_name_verified THEN {} ELSE 0 END",
    Kind.PHONE: "CASE WHEN state.phone_verified THEN {} ELSE 0 END",
    Kind.BIRTHDAY: "CASE WHEN state.birthday_given THEN {} ELSE 0 END",
    Kind.YEAR: "state.years * {}",
    Kind.CREDIT: "COALESCE(state.credit_score, 0) * {}",
}

_BUCKETS = """
    SELECT member_id, source_id, month, day, category, store_code, value FROM loyalty_scorebucket
    WHERE {members} AND day >= {first} AND day < {end}
"""

# What a source gives in a month by each way of limiting it; the least counts.
_BY_MONTH = """
    SELECT member_id, source_id, month, {least}(abs(CAST(sum(value) AS bigint)), {cap}) AS size
    FROM bucket WHERE source_id IN ({sources}) GROUP BY member_id, source_id, month
"""
_BY_PART = """
    SELECT member_id, source_id, month, CAST(sum({least}(size, {cap})) AS bigint) AS size
    FROM (
        SELECT member_id, source_id, month, {part}, abs(CAST(sum(value) AS bigint)) AS size
        FROM bucket WHERE source_id IN ({sources}) GROUP BY member_id, source_id, month, {part}
    ) {part}_sum
    GROUP BY member_id, source_id, month
"""
_PARTS = {"day": "cap_day", "category": "cap_category", "store_code": "cap_store"}


def live_state(rules: ScoreRules, members: str, as_of: dt.datetime) -> tuple[str, dict[str, Any]]:
    """A SELECT of the state of the members that a condition on m.id picks, at the start of a local day; and parameters.

    Years and credit scores that the policy does not ask for are left out.
    """
    today = clock.local_date(as_of)
    years, parameters = "0", {"as_of": instant(as_of)}
    if rules.counts(Kind.YEAR):
        ends = {f"year_{n}": clock.day_end(clock.months_after(today, -12 * n)) for n in range(1, _YEARS)}
        parameters |= {name: instant(end) for name, end in ends.items()}
        cases = (f"WHEN m.registered_at < %(year_{n})s THEN {n}" for n in range(_YEARS - 1, 0, -1))
        years = f"CASE {' '.join(cases)} ELSE 0 END"
    credit = "NULL"
    if rules.counts(Kind.CREDIT):
        credit = """(SELECT c.score FROM members_creditscore c
                     WHERE c.member_id = m.id AND c.at <= %(as_of)s ORDER BY c.at DESC LIMIT 1)"""
    return (
        f"""SELECT m.id AS member_id, m.real_name_verified, m.phone_verified,
                   m.birthday IS NOT NULL AS birthday_given, {years} AS years, CAST({credit} AS integer) AS credit_score
            FROM members_member m WHERE {members}""",
        parameters,
    )


def buckets(members: Collection[int], window: Window) -> str:
    """A SELECT of the daily values of some members in a window."""
    return _BUCKETS.format(members=among("member_id", members), first=day(window.first), end=day(window.end))


def summing(rules: ScoreRules, *, buckets: str, state: str) -> str:
    """Common table expressions that end in `scored`: (member, state, dimensions, value) of every member in `state`.

    `buckets` is a SELECT of daily values in the window, `state` one of members' states.
    """
    return f"""
    state AS ({state}),
    bucket AS ({buckets}),
    limited AS ({_limited(rules.windowed)}),
    counted_x AS (
        SELECT member_id, {", ".join(f"{_windowed_x(rules, code)} AS {code}" for code in DIMENSIONS)}
        FROM limited GROUP BY member_id
    ),
    x AS (
        SELECT state.*, {", ".join(f"{_x(rules, code)} AS {code}_x" for code in DIMENSIONS)}
        FROM state LEFT JOIN counted_x ON counted_x.member_id = state.member_id
    ),
    shaped AS (
        SELECT member_id, {", ".join(STATE)}, {", ".join(f"{_s(rules, code)} AS {code}" for code in DIMENSIONS)} FROM x
    ),
    weighed AS (SELECT shaped.*, {_weighed(rules)} AS hundredths FROM shaped),
    scored AS (
        SELECT weighed.*, CASE WHEN hundredths >= 0 THEN hundredths / 100 ELSE -((99 - hundredths) / 100) END AS value
        FROM weighed
    )"""


def _limited(sources: Sequence[ScoreSource]) -> str:
    """What each source gives in each month, without its sign. Only sources with several ways are summed twice."""
    several = [source for source in sources if any(getattr(source, cap) is not None for cap in _PARTS.values())]
    ways = [_by_month(several)] if several else []
    for part, cap in _PARTS.items():
        limited = [source for source in several if getattr(source, cap) is not None]
        if limited:
            ids = keys(source.pk for source in limited)
            ways.append(_BY_PART.format(least=word("least"), cap=_caps(limited, cap), part=part, sources=ids))
    single = _by_month([source for source in sources if source not in several])
    if not several:
        return single
    least = (
        f"SELECT member_id, source_id, month, min(size) AS size FROM ({' UNION ALL '.join(ways)}) ways GROUP BY 1, 2, 3"
    )
    return f"{single} UNION ALL {least}"


def _by_month(sources: Sequence[ScoreSource]) -> str:
    ids = keys(source.pk for source in sources)
    return _BY_MONTH.format(least=word("least"), cap=_caps(sources, "cap_month"), sources=ids)


def _caps(sources: Sequence[ScoreSource], name: str) -> str:
    """The limit of the source at hand."""
    cases = [(source.pk, cap) for source in sources if (cap := getattr(source, name)) is not None]
    if not cases:
        return str(NO_LIMIT)
    return f"CASE source_id {' '.join(f'WHEN {pk} THEN {cap}' for pk, cap in cases)} ELSE {NO_LIMIT} END"


def _windowed_x(rules: ScoreRules, code: str) -> str:
    sources = [source for source in rules.windowed if source.dimension == code]
    if not sources:
        return "0"
    signs = {1: [source.pk for source in sources if source.value > 0], -1: [s.pk for s in sources if s.value < 0]}
    cases = (
        f"WHEN source_id IN ({keys(pks)}) THEN {'-' if sign < 0 else ''}size" for sign, pks in signs.items() if pks
    )
    return f"CAST(sum(CASE {' '.join(cases)} ELSE 0 END) AS bigint)"


def _x(rules: ScoreRules, code: str) -> str:
    states = [source for source in rules.states if source.dimension == code]
    terms = [_STATE_VALUES[Kind(source.kind)].format(source.value) for source in states]
    return " + ".join([f"COALESCE(counted_x.{code}, 0)", *terms])


def _s(rules: ScoreRules, code: str) -> str:
    shape = rules.shapes.get(code)
    return f"{word('least')}({shape.cap}, {_curve(shape)})" if shape else "0"


def _curve(shape: Shape) -> str:
    """The curve as cases. It never falls, so what is divided is never negative and is rounded down."""
    x = f"{shape.code}_x"
    if not shape.curve:
        return x
    (first_x, first_y), (_last_x, last_y) = shape.curve[0], shape.curve[-1]
    cases = [f"WHEN {x} <= {first_x} THEN {first_y}"]
    for (x0, y0), (x1, y1) in pairwise(shape.curve):
        cases.append(f"WHEN {x} < {x1} THEN {y0} + ({x} - {x0}) * {y1 - y0} / {x1 - x0}")
    return f"CASE {' '.join(cases)} ELSE {last_y} END"


def _weighed(rules: ScoreRules) -> str:
    return " + ".join(f"{code} * {shape.weight_percent}" for code, shape in rules.shapes.items()) or "0"
