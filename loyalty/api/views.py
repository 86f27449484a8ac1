"""Who calls: the shop's server with an API key, or a member with a token. Every view is one or the other."""

from __future__ import annotations

from django.http import Http404

from loyalty.models import Account
from loyalty.selectors import members
from members.api import views
from members.api.views import EXTERNAL_ID, MemberView
from members.models import Member

__all__ = ["EXTERNAL_ID", "MemberView", "OfMember", "ServerView"]


class ServerView(views.ServerView):
    """Mixin: called by the shop's back end; `required_scopes` names the scope each method asks for."""

    def member(self) -> Member:
        """The member the address names, with wallet. Raises Http404."""
        member = members.named(self.kwargs["external_id"])
        if member is None:
            raise Http404
        return member


class OfMember:
    """Mixin for either: the account of the member at hand."""

    def account(self) -> Account | None:
        """None before the first movement."""
        return members.account_of(self.member())
