"""A person under all her names: the member, and those who were merged into it (domain.md E58).

Merges may follow each other any number of times. Each question is one recursive query by index.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from members.models import Member

# Asked as "hers OR merged into hers", a database reads the whole table of what is looked for. UNION ends a circle, too.
_NAMES = """
WITH RECURSIVE person (id) AS (
    SELECT CAST(%s AS bigint)
    UNION
    SELECT m.id FROM person p JOIN members_member m ON m.merged_into_id = p.id
)
SELECT id FROM person
"""

# The nearest who was asked for comes last.
_HEIRS = """
WITH RECURSIVE person (id, heir_id, way) AS (
    SELECT id, id, 0 FROM members_member WHERE id IN ({asked})
    UNION ALL
    SELECT m.id, p.heir_id, p.way + 1 FROM person p JOIN members_member m ON m.merged_into_id = p.id
)
SELECT id, heir_id FROM person ORDER BY way DESC
"""

_REMAINING = """
WITH RECURSIVE person (id, merged_into_id) AS (
    SELECT id, merged_into_id FROM members_member WHERE id IN ({names})
    UNION
    SELECT m.id, m.merged_into_id FROM person p JOIN members_member m ON m.id = p.merged_into_id
)
SELECT id FROM person WHERE merged_into_id IS NULL
"""


def ids(member_id: int) -> QuerySet:
    """The ids of a member and of all who were merged into it at any time: for `member__in`."""
    return Member.objects.filter(pk__in=RawSQL(_NAMES, [member_id])).order_by().values_list("pk", flat=True)


def heirs(member_ids: Collection[int]) -> dict[int, int]:
    """Who of these members stands for each of them and for each who was merged into them: the nearest."""
    if not member_ids:
        return {}
    asked, params = _keys(Member.objects.filter(pk__in=member_ids))
    with connection.cursor() as cursor:
        cursor.execute(_HEIRS.format(asked=asked), params)
        return dict(cursor.fetchall())


def remaining(members: QuerySet[Member]) -> QuerySet[Member]:
    """Who stands for these members now: they themselves, or where merges have led."""
    names, params = _keys(members)
    return Member.objects.filter(pk__in=RawSQL(_REMAINING.format(names=names), params)).order_by()


def _keys(members: QuerySet[Member]) -> tuple[str, tuple]:
    return members.order_by().values("pk").query.sql_with_params()
