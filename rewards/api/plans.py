"""/api/v1/me/plan: what a paid plan costs me, would save and has saved, and what comes with it.

The shop takes the money: a purchase waits until its server says it was paid.
"""

from __future__ import annotations

from typing import Annotated

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from msgspec import Meta
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.api.views import MemberView
from members.models import PlanOffer, SalesChannel
from rewards.models import PlanRight
from rewards.selectors import plan_rights, plans

Code = Annotated[str, Meta(min_length=1, max_length=60)]


def offer_of(code: str) -> PlanOffer:
    """An offer on sale by its code. Raises Http404."""
    offer = plans.on_sale(timezone.now()).filter(code=code).first()
    if offer is None:
        raise Http404
    return offer


def channel_of(code: str) -> SalesChannel:
    """A channel that sells, by its code. Raises Http404."""
    channel = SalesChannel.objects.filter(code=code, is_active=True).first()
    if channel is None:
        raise Http404
    return channel


class SavingSerializer(serializers.Serializer):
    """Money in minor units; over `orders` orders completed in [since, until). Partners' rights count nothing."""

    since = serializers.DateField()
    until = serializers.DateField()
    orders = serializers.IntegerField()
    basis = serializers.SerializerMethodField(help_text="The same in words, to be shown beside the amount.")
    spent = serializers.IntegerField(help_text="What was paid for what was kept.")
    prices = serializers.IntegerField(help_text="Through the plan's prices.")
    freight = serializers.IntegerField()
    points = serializers.IntegerField(help_text="More points, at their published value.")
    benefits = serializers.IntegerField(help_text="Other benefits that were used, at cost.")
    total = serializers.IntegerField()

    def get_basis(self, saving) -> str:
        return gettext("Based on your %(orders)d orders from %(since)s to %(until)s.") % {
            "orders": saving.orders, "since": saving.since.isoformat(), "until": saving.until.isoformat(),
        }  # fmt: skip


class OfferedRightSerializer(serializers.Serializer):
    """A partner's right that comes with each term."""

    reward = serializers.CharField(source="reward.code")
    name = serializers.CharField(source="reward.name")
    price = serializers.IntegerField(help_text="Deducted from a refund of the plan once it is claimed, in minor units.")


class RightSerializer(serializers.Serializer):
    """A partner's right of a term of mine. `POST /me/plan/rights` claims it."""

    purchase = serializers.UUIDField(source="purchase.uuid")
    reward = serializers.CharField(source="right.reward.code")
    name = serializers.CharField(source="right.reward.name")
    way = serializers.ChoiceField(
        PlanRight.Way.choices, source="right.way", help_text="`account`: name your account at the partner's."
    )
    state = serializers.ChoiceField(plan_rights.State.choices)
    price = serializers.IntegerField(
        source="right.price", help_text="Deducted from a refund of the plan once it is claimed, in minor units."
    )
    claim_until = serializers.DateTimeField(allow_null=True, help_text="null = claimed, or not any more.")
    code = serializers.CharField(help_text="The partner's code, or the name under which it is switched on.")
    account = serializers.CharField(source="claim.account", default="", help_text="The account you named.")
    instructions = serializers.SerializerMethodField(help_text="How the partner's code is used.")
    expires_at = serializers.DateTimeField(
        source="claim.expires_at", default=None, allow_null=True, help_text="Good until then; null = no end of ours."
    )

    def get_instructions(self, row) -> str:
        partner = row.right.reward.partner
        return partner.instructions if partner and row.code else ""


class PlanOfferSerializer(serializers.Serializer):
    code = serializers.CharField(source="offer.code")
    name = serializers.CharField(source="offer.name")
    term_days = serializers.IntegerField(source="offer.term_days")
    trial_days = serializers.IntegerField(source="offer.trial_days")
    fee = serializers.IntegerField(source="price.fee")
    price = serializers.IntegerField(source="price.price", help_text="What this member pays now.")
    discount = serializers.CharField(source="because", allow_null=True, help_text="Why less, in words; null = the fee.")
    saves = serializers.IntegerField(
        allow_null=True, help_text="What its term would save, by `estimate` shared by days; null = nothing is claimed."
    )
    net = serializers.IntegerField(allow_null=True, help_text="`saves` less `price`; below 0 it does not pay for you.")
    break_even = serializers.IntegerField(
        allow_null=True, help_text="So much spent within the term brings the price in."
    )
    rights = OfferedRightSerializer(many=True)
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
    rights = RightSerializer(many=True, help_text="Partners' rights of my terms: to be claimed, or claimed and good.")


class MyPlanView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="The paid plans: what they cost me, would save and have saved",
        operation_id="me_plan",
        responses=PlanSerializer(many=True),
    )
    def get(self, request):
        return Response(PlanSerializer(plans.of(self.member(), timezone.now()), many=True).data)
