"""/api/v1/me/plan/rights: claiming a partner's right that comes with a plan."""

from __future__ import annotations

import uuid
from typing import Annotated

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from msgspec import Meta, Struct
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import idempotency, messages
from loyalty.api.views import MemberView
from members.models import PlanPurchase
from rewards.selectors import plan_rights as rights
from rewards.services import plan_rights

from .plans import Code, RightSerializer


class RightAsked(Struct, frozen=True, kw_only=True):
    """`account` only where the partner switches the right on for an account of yours."""

    purchase: uuid.UUID
    reward: Code
    account: Annotated[str, Meta(max_length=100)] = ""


class MyPlanRightsView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="Claim a partner's right of my plan",
        description="Once a term, while it runs; claimed again it answers the same (200). From then on its price is deducted "
        "from a refund of the plan.",
        operation_id="me_plan_rights_post",
        request=RightAsked,
        responses={201: RightSerializer, 200: RightSerializer},
    )
    @idempotency.once
    def post(self, request):
        asked, at = messages.read(request, RightAsked), timezone.now()
        claim, is_new = plan_rights.claim(self.member(), asked.purchase, asked.reward, at, account=asked.account)
        bought = PlanPurchase.objects.select_related("offer", "subscription").filter(pk=claim.purchase_id)
        (row,) = [row for row in rights.of(bought, at) if row.right.pk == claim.right_id]
        return Response(RightSerializer(row).data, status=201 if is_new else 200)
