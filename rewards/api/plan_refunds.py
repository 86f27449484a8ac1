"""Giving a plan back: what would come back, and why, and then just that."""

from __future__ import annotations

import uuid
from typing import Annotated

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from msgspec import Meta, Struct
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import idempotency, messages
from common.services.audit import Actor
from loyalty.api.views import MemberView
from members.models import Member, PlanOffer, PlanPurchase
from members.selectors import plan_terms
from members.services import plan_purchases
from members.services.plan_refunds import due
from rewards.selectors import savings
from rewards.services import plan_refunds

from .plan_purchases import PlanPurchaseSerializer
from .plans import SavingSerializer


class RefundAsked(Struct, frozen=True, kw_only=True):
    """`refund` is what the member was shown, in minor units."""

    reason: Annotated[str, Meta(max_length=200)] = ""
    refund: Annotated[int, Meta(ge=0)] | None = None


class RefundOfferSerializer(serializers.Serializer):
    purchase = serializers.UUIDField()
    refund = serializers.IntegerField(help_text="What would be paid back now, in minor units; 0 = nothing.")
    policy = serializers.ChoiceField(PlanOffer.Refunds.choices)
    used = serializers.BooleanField(help_text="Whether a benefit was had, or a partner's right claimed, in this term.")
    claimed = serializers.IntegerField(help_text="Deducted for partners' rights that were claimed, in minor units.")
    to = serializers.ChoiceField(
        [("member", "member"), ("channel", "channel")],
        help_text="Who gets the money: the channel, if it was paid there.",
    )
    saved = SavingSerializer()


def _own(member: Member, purchase_uuid: uuid.UUID) -> PlanPurchase:
    """A paid purchase of the member's own, by whatever name. Raises Http404, NotPaid."""
    rows = plan_terms.bought_by(member).select_related("offer__plan", "subscription", "member", "channel")
    purchase = rows.filter(uuid=purchase_uuid).first()
    if purchase is None:
        raise Http404
    if purchase.status != PlanPurchase.Status.PAID:
        raise plan_purchases.NotPaid
    return purchase


class MyPlanRefundView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="What would be paid back for a purchase now, and why",
        operation_id="me_plan_purchases_refund",
        responses=RefundOfferSerializer,
    )
    def get(self, request, uuid):
        at = timezone.now()
        purchase = _own(self.member(), uuid)
        use = savings.use_of(purchase, at)
        row = {
            "purchase": purchase.uuid,
            "refund": due(purchase, use, at),
            "policy": purchase.offer.refunds,
            "used": use.used,
            "claimed": use.claimed,
            "to": purchase.channel.payee,
            "saved": savings.saved(purchase, at),
        }
        return Response(RefundOfferSerializer(row).data)

    @extend_schema(
        tags=["me"],
        summary="Give a plan back",
        description="`refund` is what the member was shown: just that is paid back. If it is another amount by now, nothing "
        "happens, and 409 `refund_changed` names it.",
        operation_id="me_plan_purchases_refund_post",
        request=RefundAsked,
        responses=PlanPurchaseSerializer,
    )
    @idempotency.once
    def post(self, request, uuid):
        asked, member = messages.read(request, RefundAsked), self.member()
        purchase = plan_refunds.refund(
            _own(member, uuid).uuid,
            reason=asked.reason,
            actor=Actor(label=f"member:{member.external_id}"),
            at=timezone.now(),
            shown=asked.refund,
        )
        return Response(PlanPurchaseSerializer(purchase).data)
