"""How nightly work is cut: ranges of ids (of accounts, as a rule) that hold the same number of them with work to do."""

from __future__ import annotations

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

ACCOUNTS_PER_CHUNK = 1000


def of(rows: QuerySet, size: int = ACCOUNTS_PER_CHUNK, *, by: str = "account_id") -> list[tuple[int, int]]:
    """Ranges (first, last) of the accounts (`by`) that `rows` belong to, `size` of them a range; one statement."""
    try:
        owners, params = rows.order_by().values(by).distinct().query.sql_with_params()
    except EmptyResultSet:  # what Django raises for rows that cannot exist
        return []
    statement = f"""
        WITH owner (id) AS ({owners}),
        numbered AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM owner)
        SELECT min(id), max(id) FROM numbered GROUP BY place / {size:d} ORDER BY 1
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()


def accounts(rows: QuerySet, first: int, last: int) -> list[int]:
    """The accounts in a range that `rows` belong to, in id order: the ones a chunk locks."""
    within = rows.filter(account_id__gte=first, account_id__lte=last)
    return list(within.order_by("account_id").values_list("account_id", flat=True).distinct())
