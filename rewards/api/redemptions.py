"""Redemptions: a member takes rewards, sees them and hands them back; the shop's server takes them for a member."""

from __future__ import annotations

import hashlib
from typing import Annotated

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from msgspec import Meta, Struct
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import messages
from common.api.idempotency import HEADER, once
from common.api.pagination import CursorPagination
from common.models import ApiKey
from loyalty.api.examples import answer, request
from loyalty.api.views import MemberView, ServerView
from loyalty.services.desk import UnknownMember
from members.api.risk_guards import guarded
from members.models.risk_words import Action
from rewards.models import Redemption, Reward
from rewards.selectors import catalogue
from rewards.services import redemptions
from rewards.services.refusals import UnknownRedemption

from . import examples
from .redemption_documents import RedemptionSerializer, document, whole

RewardCode = Annotated[str, Meta(min_length=1, max_length=60)]
Reason = Annotated[str, Meta(max_length=300)]


class RedemptionRequest(Struct, frozen=True, kw_only=True):
    """A reward that costs money besides is held until the shop tells that it was paid."""

    reward: RewardCode


class ServerRedemptionRequest(RedemptionRequest, frozen=True, kw_only=True):
    """`hold`: only set it aside, even if it costs points alone; place it later."""

    hold: bool = False


class Reasoned(Struct, frozen=True, kw_only=True):
    """Why; operators read it in the history."""

    reason: Reason = ""


class RedemptionFilter(filters.FilterSet):
    class Meta:
        model = Redemption
        fields = ["status"]


class RedemptionsBase(generics.ListAPIView):
    """Newest first."""

    serializer_class = RedemptionSerializer
    pagination_class = CursorPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = RedemptionFilter
    queryset = Redemption.objects.none()

    def get_queryset(self):
        return whole(catalogue.of_member(self.member()))

    def take(self, name: str, asked: ServerRedemptionRequest | RedemptionRequest) -> Response:
        """The header's key guards the redemption itself, too: a key whose answer was purged does not take it twice."""
        verb = redemptions.hold if getattr(asked, "hold", False) else redemptions.redeem
        made = verb(name, asked.reward, key=self._key(), actor=self.request.user.actor, at=timezone.now())
        return Response(document(made), status=201)

    def _key(self) -> str:
        said = self.request.headers.get(HEADER)
        return hashlib.sha256(f"{self.request.user.principal}/{said}".encode()).hexdigest() if said else ""


def _asked(view: APIView, request, external_id: str) -> tuple[str, str, dict[str, str]]:
    return _action(messages.read(request, ServerRedemptionRequest).reward), external_id, {}


def _asked_by_me(view: MemberView, request) -> tuple[str, str, dict[str, str]]:
    return _action(messages.read(request, RedemptionRequest).reward), view.member().external_id, {}


def _action(reward: str) -> str:
    """Coupons are hoarded, other rewards are emptied accounts (domain.md S2-49): rules tell them apart."""
    is_coupon = Reward.objects.filter(code=reward, kind=Reward.Kind.COUPON).exists()
    return Action.COUPON if is_coupon else Action.REDEMPTION


_LIST = [answer("A coupon", examples.REDEMPTION)]
_TAKE = [request("A coupon", examples.REDEMPTION_REQUEST), answer("Taken", examples.REDEMPTION, 201)]
_REFUSALS = (
    "A refusal is 409; its `code` is that of the gravest reason, and `reasons` has them all, as in the catalogue."
)


@extend_schema_view(
    get=extend_schema(tags=["me"], summary="What I took, newest first", operation_id="me_redemptions", examples=_LIST)
)
class MyRedemptionsView(MemberView, RedemptionsBase):
    @extend_schema(
        tags=["me"],
        summary="Take a reward",
        description=f"Placed and handed out at once; held if it costs money besides. {_REFUSALS}",
        operation_id="me_redemptions_redeem",
        request=RedemptionRequest,
        responses={201: RedemptionSerializer},
        examples=_TAKE,
    )
    @once
    @guarded(_asked_by_me)
    def post(self, request):
        return self.take(self.member().external_id, messages.read(request, RedemptionRequest))


class MyRedemptionView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="One of the rewards I took",
        operation_id="me_redemption",
        responses=RedemptionSerializer,
        examples=[answer("A coupon", examples.REDEMPTION)],
    )
    def get(self, request, uuid):
        found = whole(catalogue.of_member(self.member())).filter(uuid=uuid).first()
        if found is None:
            raise UnknownRedemption
        return Response(document(found))


class MyRedemptionCancelView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="Give a reward back",
        description="What is not packed yet, or a coupon of ours that is not used. The points go back to where they "
        "came from, with their expiry. Cancelled again it stays cancelled.",
        operation_id="me_redemptions_cancel",
        request=Reasoned,
        responses=RedemptionSerializer,
        examples=[request("Why", {"reason": "Not needed"}), answer("Given back", examples.RETURNED)],
    )
    @once
    @transaction.atomic
    def post(self, request, uuid):
        asked = messages.read(request, Reasoned)
        undone = redemptions.cancel(
            uuid, reason=asked.reason, by=self.member(), actor=request.user.actor, at=timezone.now()
        )
        return Response(document(undone))


@extend_schema_view(
    get=extend_schema(
        tags=["members"],
        summary="What a member took, newest first",
        operation_id="members_redemptions",
        examples=_LIST,
    )
)
class RedemptionsView(ServerView, RedemptionsBase):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ, "POST": ApiKey.Scope.POINTS_WRITE}

    @extend_schema(
        tags=["members"],
        summary="Take a reward for a member",
        description=f"Placed and handed out at once; held if it costs money besides, or if asked to. {_REFUSALS}",
        operation_id="members_redemptions_redeem",
        request=ServerRedemptionRequest,
        responses={201: RedemptionSerializer},
        examples=_TAKE,
    )
    @once
    @guarded(_asked)
    def post(self, request, external_id):
        try:
            return self.take(external_id, messages.read(request, ServerRedemptionRequest))
        except UnknownMember:
            raise Http404 from None  # the address names her, not the body


class RedemptionView(ServerView, APIView):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ}

    @extend_schema(
        tags=["members"],
        summary="A redemption",
        operation_id="redemptions_read",
        responses=RedemptionSerializer,
        examples=[answer("A coupon", examples.REDEMPTION)],
    )
    def get(self, request, uuid):
        found = whole(Redemption.objects).filter(uuid=uuid).first()
        if found is None:
            raise UnknownRedemption
        return Response(document(found))
