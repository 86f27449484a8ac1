"""Who agreed to what: questions that every floor may ask before it shows, sends or links anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from django.db.models import QuerySet

from members.models import Consent, Member


def has(member: Member, purpose: str, recipient: str = "") -> bool:
    """Whether the member's consent for this purpose and recipient stands now."""
    return Consent.objects.filter(member=member, purpose=purpose, recipient=recipient, withdrawn_at=None).exists()


def members_with(purpose: str, recipient: str = "") -> QuerySet:
    """The ids of the members whose consent stands now, as a queryset to filter others by."""
    rows = Consent.objects.filter(purpose=purpose, recipient=recipient, withdrawn_at=None)
    return rows.order_by().values_list("member_id", flat=True)


def any_with(purpose: str) -> QuerySet:
    """The same for a purpose, whoever the recipient."""
    rows = Consent.objects.filter(purpose=purpose, withdrawn_at=None)
    return rows.order_by().values_list("member_id", flat=True)


def open_of(member: Member) -> set[tuple[str, str]]:
    """(purpose, recipient) of every consent of the member that stands now; one query."""
    rows = Consent.objects.filter(member=member, withdrawn_at=None)
    return set(rows.order_by().values_list("purpose", "recipient"))


def of_members(member_ids: Collection[int], recipient: str) -> dict[int, set[str]]:
    """The purposes that stand now for a recipient, by member; one query."""
    rows = Consent.objects.filter(member__in=member_ids, recipient=recipient, withdrawn_at=None).order_by()
    found: dict[int, set[str]] = defaultdict(set)
    for member_id, purpose in rows.values_list("member_id", "purpose"):
        found[member_id].add(purpose)
    return found
