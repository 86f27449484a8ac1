"""What a caller may do."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView


class HasScope(BasePermission):
    """The key holds the scope that the view's `required_scopes` names for the method: {"GET": "members:read"}.

    A method that is not named there is open to nobody; one that the view does not have goes on to its 405.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not getattr(request.user, "is_authenticated", False):
            return False
        scope = view.required_scopes.get("GET" if request.method == "HEAD" else request.method)
        if scope is not None and scope in getattr(request.user, "scopes", ()):
            return True
        if request.method == "OPTIONS" or not hasattr(view, (request.method or "").lower()):
            return True
        raise PermissionDenied(_("The key lacks the scope %(scope)s.") % {"scope": scope})
