"""Who calls: the shop's server with an API key, or a member with a token. Every view of this floor is one or the other."""

from __future__ import annotations

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


class MemberView(UtcMixin):
    """Mixin: called by a member, about herself."""

    authentication_classes = [MemberAuthentication]
    permission_classes = [IsAuthenticated]
    throttle_scope = "member"

    def member(self) -> Member:
        return self.request.user.member
