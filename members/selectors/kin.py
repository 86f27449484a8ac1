"""A person under all her names: the member, and those who were merged into it (domain.md E58)."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet

from members.models import Member


def ids(member_id: int) -> QuerySet:
    """The ids of a member, of those merged into it, and of those merged into these: for `member__in`.

    Each part uses an index. Asked as "hers OR merged into hers", a database reads the whole table of what is looked for.
    """
    own = Member.objects.order_by().values_list("pk", flat=True)
    return own.filter(pk=member_id).union(
        own.filter(merged_into=member_id), own.filter(merged_into__merged_into=member_id), all=True
    )


def heirs(member_ids: Collection[int]) -> dict[int, int]:
    """Who of these members stands for each of them and for each who was merged into them, whatever the length of the way.

    A query a generation: mostly one.
    """
    found = {member_id: member_id for member_id in member_ids}
    generation = list(found)
    while generation:
        merged = Member.objects.filter(merged_into__in=generation).order_by().values_list("pk", "merged_into_id")
        further = {member_id: found[into] for member_id, into in merged if member_id not in found}
        found |= further
        generation = list(further)
    return found
