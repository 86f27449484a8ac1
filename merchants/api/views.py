"""Views called by the staff of a merchant, about that merchant only."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import unquote_plus

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from common.api.instants import UtcMixin
from common.services import looks
from merchants.models import Merchant

from .authentication import StaffAuthentication, StaffPrincipal


class MayDo(BasePermission):
    """The role allows the deed that the view's `deeds` names for the method. One that is not named is open to nobody."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.user, StaffPrincipal):
            return False
        deed = view.deeds.get("GET" if request.method == "HEAD" else request.method)
        if deed is not None and request.user.role.may(deed):
            return True
        if request.method == "OPTIONS" or not hasattr(view, (request.method or "").lower()):
            return True
        raise PermissionDenied(_("Your role does not allow this."))


class MerchantView(UtcMixin):
    """Mixin: called by a merchant's staff. Rows begin at `merchant()`; what is another's is 404."""

    authentication_classes = [StaffAuthentication]
    permission_classes = [MayDo]
    throttle_scope = "merchant"
    deeds: ClassVar[dict[str, str]]

    def merchant(self) -> Merchant:
        return self.request.user.merchant

    def note_look(self, kind: str, page: str, *, subject: str = "", rows: int = 1) -> None:
        """Write down that the signed-in person is shown members (common/services/looks.py)."""
        looks.note(
            self.request.user.actor, kind, page, timezone.now(), subject=subject, rows=rows,
            query=unquote_plus(self.request.META.get("QUERY_STRING", "")), behalf=self.merchant().code,
        )  # fmt: skip
