"""Why a member has this score: every source by month, what limits cut, what drops out next, and what would raise it.

The same arithmetic as `score_sums`, for one member, in Python; tests hold the two against each other.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from loyalty.models import Dimension, MemberState, ScoreBucket, ScoreSource
from loyalty.selectors import score_windows as windows
from loyalty.selectors.score_policies import ScoreRules
from loyalty.selectors.score_windows import Window

Kind = ScoreSource.Kind

# An idea about money names a purchase of so many units.
_PURCHASE = 100


@dataclass(frozen=True)
class Day:
    """A daily value, as ScoreBucket keeps it."""

    day: dt.date
    source_id: int
    category: str
    store_code: str
    value: int


@dataclass(frozen=True)
class State:
    """What is read off the member: at the night of the count, or at the settlement."""

    real_name_verified: bool
    phone_verified: bool
    birthday_given: bool
    years: int
    credit_score: int | None


@dataclass(frozen=True)
class Month:
    """What a source gave in a calendar month: `counted` before and `given` after its limits, `cut_by` the tightest."""

    month: dt.date
    counted: int
    given: int
    cut_by: str


@dataclass(frozen=True)
class Part:
    """What a source gives to its dimension; state has no months."""

    source: ScoreSource
    given: int
    months: Sequence[Month] = ()


@dataclass(frozen=True)
class DimensionPart:
    """A dimension: x is what its sources give together, s what curve and cap make of it."""

    code: str
    x: int
    s: int
    cap: int
    weight_percent: int
    parts: Sequence[Part]

    @property
    def name(self) -> str:
        return str(Dimension(self.code).label)

    @property
    def is_full(self) -> bool:
        return self.s >= self.cap


@dataclass(frozen=True)
class Explanation:
    """A score with everything it is made of."""

    window: Window
    value: int
    dimensions: Sequence[DimensionPart]


@dataclass(frozen=True)
class DropOut:
    """The month that leaves with the next settlement, what it gave, and the settled score without it (F6)."""

    on: dt.date
    month: dt.date
    parts: Sequence[Part]
    score_without: int


@dataclass(frozen=True)
class Idea:
    """One thing more, and what the provisional score would gain by it. `units` of money, or one of anything else."""

    source: ScoreSource
    units: int
    gain: int


def state_of(row: MemberState) -> State:
    """The state a score or a snapshot was told of."""
    return State(row.real_name_verified, row.phone_verified, row.birthday_given, row.years, row.credit_score)


def days_of(member_id: int, rules: ScoreRules, window: Window) -> list[Day]:
    """A member's daily values by this policy; one query."""
    rows = ScoreBucket.objects.filter(
        member=member_id, day__gte=window.first, day__lt=window.end, source__in=[s.pk for s in rules.windowed]
    )
    return [Day(*row) for row in rows.values_list("day", "source_id", "category", "store_code", "value")]


def explain(rules: ScoreRules, window: Window, days: Iterable[Day], state: State) -> Explanation:
    """The score that these days (those in the window count) and this state make."""
    by_source: dict[int, list[Day]] = defaultdict(list)
    for day in days:
        if window.first <= day.day < window.end:
            by_source[day.source_id].append(day)
    dimensions = []
    for code, shape in rules.shapes.items():
        parts = [_part(source, by_source[source.pk], state) for source in rules.of_dimension(code)]
        x = sum(part.given for part in parts)
        dimensions.append(DimensionPart(code, x, shape.of(x), shape.cap, shape.weight_percent, parts))
    return Explanation(window, rules.total({part.code: part.s for part in dimensions}), dimensions)


def _part(source: ScoreSource, days: Sequence[Day], state: State) -> Part:
    if source.is_state:
        return Part(source, _STATES[Kind(source.kind)](state) * source.value)
    months: dict[dt.date, list[Day]] = defaultdict(list)
    for day in days:
        months[day.day.replace(day=1)].append(day)
    given = [_month(source, month, rows) for month, rows in sorted(months.items())]
    return Part(source, sum(month.given for month in given), given)


_STATES: dict[Kind, Callable[[State], int]] = {
    Kind.REAL_NAME: lambda state: int(state.real_name_verified),
    Kind.PHONE: lambda state: int(state.phone_verified),
    Kind.BIRTHDAY: lambda state: int(state.birthday_given),
    Kind.YEAR: lambda state: state.years,
    Kind.CREDIT: lambda state: state.credit_score or 0,
}


def _month(source: ScoreSource, month: dt.date, days: Sequence[Day]) -> Month:
    """The least of what each limit leaves, with the sign of the source (docs/decisions/0012)."""
    sign = 1 if source.value > 0 else -1
    counted = abs(sum(day.value for day in days))
    ways = {"": counted}
    if source.cap_month is not None:
        ways["month"] = min(counted, source.cap_month)
    for part, limit in (("day", source.cap_day), ("category", source.cap_category), ("store_code", source.cap_store)):
        if limit is not None:
            ways[part] = _capped(days, part, limit)
    cut_by = min(ways, key=lambda way: ways[way])
    return Month(month, counted * sign, ways[cut_by] * sign, cut_by if ways[cut_by] < counted else "")


def _capped(days: Sequence[Day], part: str, limit: int) -> int:
    sums: dict[object, int] = defaultdict(int)
    for day in days:
        sums[getattr(day, part)] += day.value
    return sum(min(abs(size), limit) for size in sums.values())


def drop_out(rules: ScoreRules, month: dt.date, days: Sequence[Day], state: State) -> DropOut:
    """What leaves with the settlement after that of `month`; what enters until then is not foreseen."""
    window = windows.settled(month)
    following = windows.settled(windows.month_after(month)).first
    leaving = explain(rules, Window(window.first, following), days, state)
    parts = [part for dimension in leaving.dimensions for part in dimension.parts if part.months]
    without = explain(rules, Window(following, window.end), days, state)
    on = windows.month_after(month).replace(day=rules.policy.settled_on)
    return DropOut(on, window.first, parts, without.value)


def ideas(rules: ScoreRules, window: Window, days: Sequence[Day], state: State) -> list[Idea]:
    """What would raise the provisional score most: one more of each source on the window's last day; the best first."""
    now = explain(rules, window, days, state).value
    found = []
    for source in rules.sources:
        if source.kind in (Kind.YEAR, Kind.CREDIT) or source.value < 0:
            continue
        units = _PURCHASE if source.kind == Kind.CASH else 1
        more_days, better = list(days), state
        if source.is_state:
            better = replace(state, **{_FLAGS[Kind(source.kind)]: True})
        else:
            more_days.append(Day(window.end - dt.timedelta(days=1), source.pk, "", "", units * source.value))
        gain = explain(rules, window, more_days, better).value - now
        if gain > 0:
            found.append(Idea(source, units, gain))
    return sorted(found, key=lambda idea: -idea.gain)


_FLAGS = {Kind.REAL_NAME: "real_name_verified", Kind.PHONE: "phone_verified", Kind.BIRTHDAY: "birthday_given"}
