"""Buying a plan: a quote, a purchase that waits for its payment, a trial, a code; and the shop's word that it was paid."""

from __future__ import annotations

import uuid
from typing import Annotated

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from msgspec import Meta, Struct
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import idempotency, messages
from common.models import ApiKey
from loyalty.api import examples
from loyalty.api.views import MemberView, ServerView
from members.api.risk_guards import guarded
from members.models import PlanPurchase
from members.models.risk_words import Action
from members.services import plan_purchases, plan_quotes
from rewards.selectors import plan_buyers

from .plans import Code, channel_of, offer_of


class QuoteAsked(Struct, frozen=True, kw_only=True):
    offer: Code
    channel: Code = "direct"


class PurchaseAsked(Struct, frozen=True, kw_only=True):
    quote: uuid.UUID


class TrialAsked(Struct, frozen=True, kw_only=True):
    offer: Code
    channel: Code = "direct"


class VoucherAsked(Struct, frozen=True, kw_only=True):
    code: Code


class PlanPaid(Struct, frozen=True, kw_only=True):
    """The shop's name for the payment; the same one pays once."""

    payment: Annotated[str, Meta(min_length=1, max_length=100)]


class PlanQuoteSerializer(serializers.Serializer):
    quote = serializers.UUIDField(source="uuid")
    offer = serializers.CharField(source="offer.code")
    fee = serializers.IntegerField()
    price = serializers.IntegerField()
    expires_at = serializers.DateTimeField()


class PlanPurchaseSerializer(serializers.Serializer):
    purchase = serializers.UUIDField(source="uuid")
    offer = serializers.CharField(source="offer.code")
    plan = serializers.CharField(source="offer.plan.code")
    kind = serializers.ChoiceField(PlanPurchase.Kind.choices)
    status = serializers.ChoiceField(PlanPurchase.Status.choices)
    price = serializers.IntegerField()
    refund = serializers.IntegerField()
    starts_at = serializers.DateTimeField(source="subscription.starts_at", allow_null=True, default=None)
    ends_at = serializers.DateTimeField(source="subscription.ends_at", allow_null=True, default=None)


BOUGHT = {
    "purchase": "0f3b6f0e-6f4c-4c0f-9d6b-2f6f3f7a9a10",
    "offer": "plus-year",
    "plan": "plus",
    "kind": "sale",
    "status": "awaited",
    "price": 9900,
    "refund": 0,
    "starts_at": None,
    "ends_at": None,
}


def _asked_by_me(view: MemberView, request) -> tuple[str, str, dict[str, str]]:
    return Action.PLAN, view.member().external_id, {}


class MyPlanQuotesView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="Freeze my price of an offer for some minutes",
        operation_id="me_plan_quotes_post",
        request=QuoteAsked,
        responses={201: PlanQuoteSerializer},
    )
    def post(self, request):
        asked, at = messages.read(request, QuoteAsked), timezone.now()
        member = self.member()
        quote = plan_quotes.quote(
            member, offer_of(asked.offer), channel_of(asked.channel), plan_buyers.of(member, at), at
        )
        return Response(PlanQuoteSerializer(quote).data, status=201)


class MyPlanPurchasesView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="Buy at a quote's price",
        description="It waits until the shop's server says that it was paid; a price of nothing is paid at once.",
        operation_id="me_plan_purchases_post",
        request=PurchaseAsked,
        responses={201: PlanPurchaseSerializer},
        examples=[examples.answer("Waits for the payment", BOUGHT, 201)],
    )
    @idempotency.once
    @guarded(_asked_by_me)
    def post(self, request):
        asked = messages.read(request, PurchaseAsked)
        purchase = plan_purchases.ask(self.member(), asked.quote, timezone.now())
        return Response(PlanPurchaseSerializer(purchase).data, status=201)


class MyPlanTrialView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="Begin the free trial",
        operation_id="me_plan_trial_post",
        request=TrialAsked,
        responses={201: PlanPurchaseSerializer},
    )
    @idempotency.once
    @guarded(_asked_by_me)
    def post(self, request):
        asked, at, member = messages.read(request, TrialAsked), timezone.now(), self.member()
        offer, channel = offer_of(asked.offer), channel_of(asked.channel)
        purchase = plan_purchases.try_out(member, offer, channel, plan_buyers.of(member, at), at)
        return Response(PlanPurchaseSerializer(purchase).data, status=201)


class MyPlanVouchersView(MemberView, APIView):
    throttle_scope = "codes"

    @extend_schema(
        tags=["me"],
        summary="Redeem a code for a plan",
        operation_id="me_plan_vouchers_post",
        request=VoucherAsked,
        responses={201: PlanPurchaseSerializer},
    )
    @idempotency.once
    @guarded(_asked_by_me)
    def post(self, request):
        asked, at, member = messages.read(request, VoucherAsked), timezone.now(), self.member()
        purchase = plan_purchases.redeem(member, asked.code, plan_buyers.of(member, at), at)
        return Response(PlanPurchaseSerializer(purchase).data, status=201)


class PlanPurchasePayView(ServerView, APIView):
    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}

    @extend_schema(
        tags=["members"],
        summary="A purchase of a plan was paid",
        operation_id="plan_purchases_pay",
        request=PlanPaid,
        responses=PlanPurchaseSerializer,
    )
    @idempotency.once
    def post(self, request, uuid):
        asked = messages.read(request, PlanPaid)
        return Response(PlanPurchaseSerializer(plan_purchases.pay(uuid, asked.payment, timezone.now())).data)
