"""Daily values are counted again where something changed, wholly for members whose values are of another policy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.db import connection

from loyalty.models import ScoreSource
from loyalty.selectors import score_buckets
from loyalty.selectors import score_windows as windows
from loyalty.selectors.score_dialect import among, keys
from loyalty.selectors.score_dialect import day as literal
from loyalty.selectors.score_policies import ScoreRules

_DELETE = "DELETE FROM loyalty_scorebucket WHERE"
_PAIRS = "SELECT DISTINCT member_id, day FROM loyalty_changedday WHERE id IN ({marks}) AND {changed}"
_COLUMNS = "member_id, day, month, source_id, category, store_code, value"


def recount(
    rules: ScoreRules, day: dt.date, *, renewed: Collection[int], changed: Collection[int], marks: Collection[int]
) -> None:
    """Count daily values again: of the `renewed` members all, of the `changed` ones the days that `marks` names.

    `marks` are keys of ChangedDay rows. Nothing is counted for renewed members before the horizon of `day`.
    """
    oldest = literal(windows.horizon(day))
    pairs = _PAIRS.format(marks=keys(marks), changed=among("member_id", changed))
    firsts = [source.pk for source in rules.windowed if source.kind == ScoreSource.Kind.NEW_CATEGORY]
    with connection.cursor() as cursor:
        if renewed:
            cursor.execute(f"{_DELETE} {among('member_id', renewed)}")
        if changed:
            cursor.execute(f"{_DELETE} (member_id, day) IN ({pairs})")
        if changed and firsts:
            # The first purchase in a category may now be another one, on a day without a mark.
            cursor.execute(f"{_DELETE} source_id IN ({keys(firsts)}) AND {among('member_id', changed)}")
        if renewed or changed:
            asked = f"""SELECT id, {oldest}, {literal(dt.date.max)} FROM members_member WHERE {among("id", renewed)}
                        UNION ALL SELECT member_id, day, day FROM ({pairs}) pairs"""
            cursor.execute(
                f"""WITH RECURSIVE {score_buckets.counting(rules, asked, oldest)}
                    INSERT INTO loyalty_scorebucket ({_COLUMNS}) SELECT {_COLUMNS} FROM fresh""",
                score_buckets.parameters(rules),
            )


def forget(first: int, last: int, day: dt.date) -> None:
    """Take away what lies before the horizon, for a range of members."""
    with connection.cursor() as cursor:
        oldest = literal(windows.horizon(day))
        cursor.execute(f"{_DELETE} day < {oldest} AND member_id BETWEEN %s AND %s", [first, last])
