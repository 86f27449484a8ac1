"""Instant refunds: asked for before the shop pays, settled when the goods are back (domain.md F21)."""

from __future__ import annotations

import uuid
from typing import Annotated

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from msgspec import Meta, Struct
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import messages
from common.api.idempotency import HEADER, once
from common.models import ApiKey
from loyalty.api import examples
from loyalty.api.views import ServerView
from members.api.risk_guards import guarded
from members.models.risk_words import Action
from members.services import members
from rewards.models import InstantRefund
from rewards.services import instant_refunds


class InstantRefundRequest(Struct, frozen=True, kw_only=True):
    """`amount` in minor units is what the shop is about to pay back for the order."""

    order: Annotated[str, Meta(min_length=1, max_length=100)]
    amount: Annotated[int, Meta(ge=1, le=10**12)]
    store: Annotated[str, Meta(max_length=60)] = ""
    key: Annotated[str, Meta(max_length=200)] = ""


class InstantRefundSerializer(serializers.ModelSerializer):
    order = serializers.CharField(source="order_code")
    amount = serializers.IntegerField(help_text="In minor units.")
    limit = serializers.IntegerField(help_text="How much may be out at this member, when it was opened.")
    points_taken = serializers.IntegerField(help_text="If the goods did not come.")
    points_owed = serializers.IntegerField(help_text="What the balance lacked then.")

    class Meta:
        model = InstantRefund
        fields = [
            "uuid", "order", "amount", "limit", "status", "opened_at", "due_at", "closed_at", "points_taken", "points_owed",
        ]  # fmt: skip


REFUND = {
    "uuid": "5a1b2f0a-3d3e-4c7a-8d55-0f5e2c1b7a90",
    "order": "o-1001",
    "amount": 15000,
    "limit": 50000,
    "status": "open",
    "opened_at": "2026-03-01T10:00:00Z",
    "due_at": "2026-03-11T16:00:00Z",
    "closed_at": None,
    "points_taken": 0,
    "points_owed": 0,
}


def _asked(view: APIView, request, external_id: str) -> tuple[str, str, dict[str, str]]:
    return Action.INSTANT_REFUND, external_id, {"order": messages.read(request, InstantRefundRequest).order}


class InstantRefundsView(ServerView, APIView):
    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}

    @extend_schema(
        tags=["members"],
        summary="May this refund be paid before the goods are back?",
        description="Created: yes, and it counts as out. 409 `not_entitled`, `credit_too_low`, `quota_used_up`, "
        "`exposure_exceeded` (with `limit`, `open` and `amount`), `refund_exceeds_order` (with `paid`, `before` and "
        "`amount`) or `order_of_another`: no.",
        operation_id="members_instant_refunds_open",
        request=InstantRefundRequest,
        responses={201: InstantRefundSerializer},
        examples=[
            examples.request("150.00 of an order", {"order": "o-1001", "amount": 15000}),
            examples.answer("It may", REFUND, 201),
        ],
    )
    @once
    @guarded(_asked)
    @transaction.atomic
    def post(self, request, external_id):
        asked = messages.read(request, InstantRefundRequest)
        refund = instant_refunds.open(
            members.active(self.member().external_id),
            asked.order,
            asked.amount,
            timezone.now(),
            key=asked.key or request.headers.get(HEADER) or str(uuid.uuid4()),
            store=asked.store,
        )
        return Response(InstantRefundSerializer(refund).data, status=201)


class InstantRefundSettleView(ServerView, APIView):
    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}

    @extend_schema(
        tags=["members"],
        summary="The goods are back",
        description="Settled again it stays settled. After the money was recovered: 409 `already_recovered`.",
        operation_id="members_instant_refunds_settle",
        request=None,
        responses=InstantRefundSerializer,
        examples=[
            examples.answer("Settled", REFUND | {"status": "received", "closed_at": "2026-03-04T09:00:00Z"}),
        ],
    )
    @once
    @transaction.atomic
    def post(self, request, external_id, uuid):
        return Response(InstantRefundSerializer(instant_refunds.settle(self.member(), uuid, timezone.now())).data)
