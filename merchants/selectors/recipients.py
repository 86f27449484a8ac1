"""Merchants as those whom a member's consent may name (PIPL 23: name and contact)."""

from __future__ import annotations

from collections.abc import Collection

from members.services.recipients import Recipient
from merchants.models import Merchant


def by_code(codes: Collection[str]) -> dict[str, Recipient]:
    """Merchants of these codes; one query."""
    rows = Merchant.objects.filter(code__in=codes).values_list("code", "name", "contact")
    return {code: Recipient(code, name, contact) for code, name, contact in rows}
