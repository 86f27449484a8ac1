"""Who is signed in at the merchants' site, and what that person may do there."""

from __future__ import annotations

from django.http import HttpRequest

from merchants.models import Merchant, StaffRole
from merchants.selectors import staff


def role_of(request: HttpRequest) -> StaffRole | None:
    """The signed-in person's role, read once a request; None for somebody without one (selectors.staff)."""
    if not hasattr(request, "_merchant_role"):
        request._merchant_role = staff.role_of(request.user)
    return request._merchant_role


def merchant_of(request: HttpRequest) -> Merchant:
    """The merchant whose rows this request may see. Call it only where a role was checked."""
    role = role_of(request)
    assert role is not None
    return role.merchant


def may(request: HttpRequest, deed: str | None) -> bool:
    """Whether the signed-in person's role allows the deed; None is allowed to nobody."""
    role = role_of(request)
    return bool(deed and role and role.may(deed))
