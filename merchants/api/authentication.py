"""A merchant's staff call the API with the session of their site (/merchant/)."""

from __future__ import annotations

from dataclasses import dataclass

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

from common.models import Staff
from common.services import audit
from merchants.models import Merchant, StaffRole
from merchants.selectors import staff


@dataclass(frozen=True, slots=True)
class StaffPrincipal:
    """request.user of a call by a merchant's staff. `principal` names the caller to throttles and idempotency keys."""

    role: StaffRole
    is_authenticated = True

    @property
    def pk(self) -> str:
        return self.principal

    @property
    def principal(self) -> str:
        return f"staff:{self.role.staff_id}"

    @property
    def merchant(self) -> Merchant:
        return self.role.merchant

    @property
    def actor(self) -> audit.Actor:
        person = self.role.staff
        return audit.Actor(label=person.get_full_name() or person.get_username(), staff=person)


class StaffAuthentication(SessionAuthentication):
    """Active staff of the merchants' site with a role, and a CSRF token for what changes something. Others are 401."""

    def authenticate(self, request: Request) -> tuple[StaffPrincipal, None] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        person = found[0]
        if not person.is_staff or person.site != Staff.Site.MERCHANTS:
            return None
        role = staff.role_of(person)
        if role is None:
            return None
        role.staff = person
        return StaffPrincipal(role), None

    def authenticate_header(self, request: Request) -> str:
        return 'Session realm="merchant"'


class StaffScheme(OpenApiAuthenticationExtension):
    target_class = StaffAuthentication
    name = "merchantSession"

    def get_security_definition(self, auto_schema) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The session of somebody signed in at `/merchant/`; changes also need `X-CSRFToken`.",
        }
