"""Renewal by itself: the member agrees and ends it; the shop's server asks whether it may charge, and says that it has."""

from __future__ import annotations

from typing import Annotated

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from msgspec import Meta, Struct
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import idempotency, messages
from common.models import ApiKey
from loyalty.api.views import MemberView, ServerView
from members.api.risk_guards import guarded
from members.models.risk_words import Action
from members.services import members, plan_renewals, plans
from rewards.selectors import plan_buyers

from .plan_purchases import PlanPurchaseSerializer
from .plans import Code, channel_of, offer_of


class RenewalAsked(Struct, frozen=True, kw_only=True):
    offer: Code


class RenewalPaid(Struct, frozen=True, kw_only=True):
    """The offer that the notice named, and the shop's name for the payment; the same one pays once."""

    offer: Code
    payment: Annotated[str, Meta(min_length=1, max_length=100)]
    channel: Code = "direct"


class RenewalSerializer(serializers.Serializer):
    offer = serializers.CharField(source="agreement.offer.code")
    fee = serializers.IntegerField(source="agreement.offer.fee", help_text="To be charged, in minor units.")
    ends_at = serializers.DateTimeField(allow_null=True, help_text="The end of the last term: charge before it.")
    available = serializers.BooleanField(help_text="Whether the fee may be charged now.")
    reasons = serializers.ListField(child=serializers.DictField(), help_text="Why not: stable codes and words.")


class MyPlanRenewalView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="Agree that a plan renews by itself",
        description="A notice comes days before each renewal; `DELETE` ends it at any time.",
        operation_id="me_plan_renewal_put",
        request=RenewalAsked,
        responses={204: None},
    )
    def put(self, request):
        asked = messages.read(request, RenewalAsked)
        plan_renewals.agree(self.member(), offer_of(asked.offer), timezone.now())
        return Response(status=204)

    @extend_schema(
        tags=["me"],
        summary="Let no plan renew by itself",
        operation_id="me_plan_renewal_delete",
        responses={204: None},
    )
    def delete(self, request):
        plan_renewals.stop(self.member(), timezone.now())
        return Response(status=204)


class MemberPlanRenewalView(ServerView, APIView):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ}

    @extend_schema(
        tags=["members"],
        summary="Whether a member's plan may be renewed now",
        description="Ask before you charge: a member who has fallen below what the offer asks keeps the paid term, and "
        "does not renew it. 404 `renewal_not_agreed` if the member has not agreed, or has stopped it.",
        operation_id="members_plan_renewal",
        parameters=[OpenApiParameter("offer", str, required=True, description="The offer that the notice named.")],
        responses=RenewalSerializer,
    )
    def get(self, request, external_id):
        member, at = members.remaining(self.member()), timezone.now()
        agreement = plan_renewals.agreed(member, request.query_params.get("offer", ""))
        reasons = plan_renewals.reasons_against(agreement, plan_buyers.of(member, at), at)
        row = {
            "agreement": agreement,
            "ends_at": plans.runs_until(member, agreement.offer.plan, at),
            "available": not reasons,
            "reasons": reasons,
        }
        return Response(RenewalSerializer(row).data)


def _asked(view: APIView, request, external_id: str) -> tuple[str, str, dict[str, str]]:
    """A renewal may be blocked where a running term may not (domain.md E57)."""
    return Action.PLAN, external_id, {}


class MemberPlanRenewView(ServerView, APIView):
    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}

    @extend_schema(
        tags=["members"],
        summary="A member's plan was renewed: the shop has charged the fee",
        description="Only for who agreed and was given notice (`plan.renewal_due`), before the term ends; ask first "
        "(`GET /members/{external_id}/plan/renewal`). The term follows the old one's end.",
        operation_id="members_plan_renew",
        request=RenewalPaid,
        responses={201: PlanPurchaseSerializer},
    )
    @idempotency.once
    @guarded(_asked)
    def post(self, request, external_id):
        asked, member, at = messages.read(request, RenewalPaid), members.remaining(self.member()), timezone.now()
        buyer = plan_buyers.of(member, at)
        purchase = plan_renewals.renew(member, asked.offer, channel_of(asked.channel), asked.payment, buyer, at)
        return Response(PlanPurchaseSerializer(purchase).data, status=201)
