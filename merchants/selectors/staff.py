"""Who works for which merchant."""

from __future__ import annotations

from common.models import Staff
from merchants.models import StaffRole


def role_of(person: Staff) -> StaffRole | None:
    """The person's role with its merchant; None for somebody tied to no merchant, or to one that is switched off."""
    if person.pk is None:
        return None
    return StaffRole.objects.select_related("merchant").filter(staff=person, merchant__active=True).first()
