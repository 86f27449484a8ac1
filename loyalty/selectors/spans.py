"""How nightly work is cut: ranges of ids (of accounts, as a rule) that hold the same number of them with work to do."""

from __future__ import annotations

from django.db.models import QuerySet

from common import sql

ACCOUNTS_PER_CHUNK = 1000


def of(rows: QuerySet, size: int = ACCOUNTS_PER_CHUNK, *, by: str = "account_id") -> list[tuple[int, int]]:
    """Ranges (first, last) of the accounts (`by`) that `rows` belong to, `size` of them a range; one statement."""
    return sql.spans(rows, size, by=by)


def accounts(rows: QuerySet, first: int, last: int) -> list[int]:
    """The accounts in a range that `rows` belong to, in id order: the ones a chunk locks."""
    within = rows.filter(account_id__gte=first, account_id__lte=last)
    return list(within.order_by("account_id").values_list("account_id", flat=True).distinct())
