"""/api/v1/me/plan: what a paid plan costs me, would save and has saved; buying, trying, codes, renewal, giving back.

The shop takes the money: a purchase waits until its server says it was paid.
"""

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
from common.models import ApiKey
from common.services.audit import Actor
from loyalty.api import examples
from loyalty.api.views import MemberView, ServerView
from members.api.risk_guards import guarded
from members.models import Member, PlanOffer, PlanPurchase, SalesChannel
from members.models.risk_words import Action
from members.services import plan_purchases, plan_quotes, plan_refunds, plan_renewals
from rewards.selectors import plan_buyers, plans, savings

Code = Annotated[str, Meta(min_length=1, max_length=60)]


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


class RenewalAsked(Struct, frozen=True, kw_only=True):
    offer: Code


class PlanPaid(Struct, frozen=True, kw_only=True):
    """The shop's name for the payment; the same one pays once."""

    payment: Annotated[str, Meta(min_length=1, max_length=100)]


class RenewalPaid(Struct, frozen=True, kw_only=True):
    payment: Annotated[str, Meta(min_length=1, max_length=100)]
    channel: Code = "direct"


class RefundAsked(Struct, frozen=True, kw_only=True):
    reason: Annotated[str, Meta(max_length=200)] = ""
    refund: Annotated[int, Meta(ge=0)] | None = None


class SavingSerializer(serializers.Serializer):
    """Money in minor units; over `orders` orders completed in [since, until)."""

    since = serializers.DateField()
    until = serializers.DateField()
    orders = serializers.IntegerField()
    spent = serializers.IntegerField(help_text="What was paid for what was kept.")
    prices = serializers.IntegerField(help_text="Through the plan's prices.")
    freight = serializers.IntegerField()
    points = serializers.IntegerField(help_text="More points, at their published value.")
    benefits = serializers.IntegerField(help_text="Other benefits that were used, at cost.")
    total = serializers.IntegerField()


class PlanOfferSerializer(serializers.Serializer):
    code = serializers.CharField(source="offer.code")
    name = serializers.CharField(source="offer.name")
    term_days = serializers.IntegerField(source="offer.term_days")
    trial_days = serializers.IntegerField(source="offer.trial_days")
    fee = serializers.IntegerField(source="price.fee")
    price = serializers.IntegerField(source="price.price", help_text="What this member pays now.")
    discount = serializers.CharField(source="because", allow_null=True, help_text="Why less, in words; null = the fee.")
    available = serializers.SerializerMethodField()
    reasons = serializers.ListField(child=serializers.DictField(), help_text="Why not: stable codes and words.")

    def get_available(self, row) -> bool:
        return not row.reasons


class PlanSerializer(serializers.Serializer):
    plan = serializers.CharField(source="plan.code")
    name = serializers.CharField(source="plan.name")
    until = serializers.DateTimeField(allow_null=True, help_text="Paid until then; null = not a member of the plan.")
    renews = serializers.CharField(allow_null=True, help_text="The offer that renews by itself; null = none.")
    estimate = SavingSerializer(
        allow_null=True,
        help_text="What the plan would have saved on the own orders of the last twelve months; null = fewer than three.",
    )
    saved = SavingSerializer(allow_null=True, help_text="What the term that runs has saved; null = none runs.")
    offers = PlanOfferSerializer(many=True)


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


class RefundOfferSerializer(serializers.Serializer):
    purchase = serializers.UUIDField()
    refund = serializers.IntegerField(help_text="What would be paid back now, in minor units; 0 = nothing.")
    policy = serializers.ChoiceField(PlanOffer.Refunds.choices)
    used = serializers.BooleanField(help_text="Whether a benefit was had in this term.")
    saved = SavingSerializer()


def _offer(code: str) -> PlanOffer:
    """An offer on sale by its code. Raises Http404."""
    offer = plans.on_sale(timezone.now()).filter(code=code).first()
    if offer is None:
        raise Http404
    return offer


def _channel(code: str) -> SalesChannel:
    channel = SalesChannel.objects.filter(code=code, is_active=True).first()
    if channel is None:
        raise Http404
    return channel


def _own(member: Member, purchase_uuid: uuid.UUID) -> PlanPurchase:
    rows = PlanPurchase.objects.select_related("offer__plan", "subscription", "member", "channel")
    purchase = rows.filter(uuid=purchase_uuid, member=member).first()
    if purchase is None:
        raise Http404
    return purchase


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


def _asked(view: APIView, request, external_id: str) -> tuple[str, str, dict[str, str]]:
    """A renewal may be blocked where a running term may not (domain.md E57)."""
    return Action.PLAN, external_id, {}


class MyPlanView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="The paid plans: what they cost me, would save and have saved",
        operation_id="me_plan",
        responses=PlanSerializer(many=True),
    )
    def get(self, request):
        return Response(PlanSerializer(plans.of(self.member(), timezone.now()), many=True).data)


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
        quote = plan_quotes.quote(member, _offer(asked.offer), _channel(asked.channel), plan_buyers.of(member, at), at)
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
        asked = messages.read(request, TrialAsked)
        at = timezone.now()
        purchase = plan_purchases.try_out(self.member(), _offer(asked.offer), _channel(asked.channel), at)
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
        plan_renewals.agree(self.member(), _offer(asked.offer), timezone.now())
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
        if purchase.status != PlanPurchase.Status.PAID:
            raise plan_purchases.NotPaid
        use = savings.use_of(purchase, at)
        row = {
            "purchase": purchase.uuid,
            "refund": plan_refunds.due(purchase, use, at),
            "policy": purchase.offer.refunds,
            "used": use.used,
            "saved": savings.saved(purchase, at),
        }
        return Response(RefundOfferSerializer(row).data)

    @extend_schema(
        tags=["me"],
        summary="Give a plan back",
        description="`refund` is what the member was shown: no more than that is paid back, but less if less is due by now.",
        operation_id="me_plan_purchases_refund_post",
        request=RefundAsked,
        responses=PlanPurchaseSerializer,
    )
    @idempotency.once
    def post(self, request, uuid):
        asked, at, member = messages.read(request, RefundAsked), timezone.now(), self.member()
        purchase = _own(member, uuid)
        if purchase.status != PlanPurchase.Status.PAID:
            raise plan_purchases.NotPaid
        purchase = plan_purchases.refund(
            purchase.uuid,
            savings.use_of(purchase, at),
            reason=asked.reason,
            actor=Actor(label=f"member:{member.external_id}"),
            at=at,
            most=asked.refund,
        )
        return Response(PlanPurchaseSerializer(purchase).data)


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


class MemberPlanRenewView(ServerView, APIView):
    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}

    @extend_schema(
        tags=["members"],
        summary="A member's plan was renewed: the shop has charged the fee",
        description="Only for who agreed and was given notice (`plan.renewal_due`). The term follows the old one's end.",
        operation_id="members_plan_renew",
        request=RenewalPaid,
        responses={201: PlanPurchaseSerializer},
    )
    @idempotency.once
    @guarded(_asked)
    def post(self, request, external_id):
        asked = messages.read(request, RenewalPaid)
        purchase = plan_renewals.renew(self.member(), _channel(asked.channel), asked.payment, timezone.now())
        return Response(PlanPurchaseSerializer(purchase).data, status=201)
