"""Who calls: the shop's server with an API key, or a member with a token. Every view is one or the other."""

from __future__ import annotations

from django.http import Http404
from rest_framework.permissions import IsAuthenticated

from common.api.authentication import ApiKeyAuthentication
from common.api.instants import UtcMixin
from common.api.permissions import HasScope
from loyalty.models import Account
from loyalty.selectors import members
from members.api.authentication import MemberAuthentication
from members.models import Member

EXTERNAL_ID = r"(?P<external_id>[^/\x00-\x1f\x7f]{1,100})"


class ServerView(UtcMixin):
    """Mixin: called by the shop's back end; `required_scopes` names the scope each method asks for."""

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    throttle_scope = "server"

    def member(self) -> Member:
        """The member the address names, with wallet. Raises Http404."""
        member = members.with_wallets().filter(external_id=self.kwargs["external_id"]).first()
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


class OfMember:
    """Mixin for either: the account of the member at hand."""

    def account(self) -> Account | None:
        """None before the first movement."""
        return members.account_of(self.member())
