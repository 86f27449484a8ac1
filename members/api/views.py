"""Who calls about a member: the shop's server, which names her in the address, or she herself."""

from __future__ import annotations

from django.http import Http404
from rest_framework.permissions import IsAuthenticated

from common.api.authentication import ApiKeyAuthentication
from common.api.instants import UtcMixin
from common.api.permissions import HasScope
from members.models import Member

from .authentication import MemberAuthentication

EXTERNAL_ID = r"(?P<external_id>[^/\x00-\x1f\x7f]{1,100})"


class ServerView(UtcMixin):
    """Mixin: called by the shop's back end; `required_scopes` names the scope each method asks for."""

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    throttle_scope = "server"

    def member(self) -> Member:
        """The member the address names. Raises Http404."""
        member = Member.objects.select_related("merged_into").filter(external_id=self.kwargs["external_id"]).first()
        if member is None:
            raise Http404
        return member


class MemberView(UtcMixin):
    """Mixin: called by a member, about herself."""

    authentication_classes = [MemberAuthentication]
    permission_classes = [IsAuthenticated]
    throttle_scope = "member"

    def member(self) -> Member:
        return self.request.user.member
