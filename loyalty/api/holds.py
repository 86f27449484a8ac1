"""Holds: points set aside while a checkout is under way."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from msgspec import Meta, Struct
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import documents, messages
from common.api.idempotency import once
from common.models import ApiKey
from common.problems import InvalidInput
from loyalty.messages import Amount
from loyalty.models import Hold, HoldLine
from loyalty.services import holds
from loyalty.services.tenders import Payable, UnknownHold
from members.api.risk_guards import guarded
from members.models.risk_words import Action
from members.services.profiles import ExternalId

from . import examples
from .views import ServerView

Points = Annotated[int, Meta(ge=1, le=10**12)]
LineNumber = Annotated[str, Meta(min_length=1, max_length=40)]
OrderCode = Annotated[str, Meta(max_length=100)]
Seconds = Annotated[int, Meta(ge=1, le=7 * 24 * 3600)]


class HoldRequestLine(Struct, frozen=True, kw_only=True):
    """`cash` is the price of the whole line before points, in minor units."""

    line: LineNumber
    cash: Amount
    virtual: bool = False


class HoldRequest(Struct, frozen=True, kw_only=True):
    """`expires_in` is in seconds; left out, the programme's time holds."""

    member: ExternalId
    points: Points
    lines: Annotated[list[HoldRequestLine], Meta(min_length=1, max_length=1000)]
    order: OrderCode = ""
    expires_in: Seconds | None = None


class HoldLineSerializer(serializers.ModelSerializer):
    line = serializers.CharField(source="number")

    class Meta:
        model = HoldLine
        fields = ["line", "points"]


class HoldSerializer(serializers.ModelSerializer):
    member = serializers.CharField(source="account.wallet.member.external_id")
    order = serializers.CharField(source="order_code")
    lines = HoldLineSerializer(
        many=True, source="shares", help_text="How the points fall on the lines, by largest remainder."
    )
    points = serializers.IntegerField()

    class Meta:
        model = Hold
        fields = ["uuid", "member", "status", "points", "order", "lines", "created_at", "expires_at", "closed_at"]


def _asked(view: APIView, request) -> tuple[str, str, dict[str, str]]:
    asked = messages.read(request, HoldRequest)
    return Action.HOLD, asked.member, {"order": asked.order}


class HoldsView(ServerView, APIView):
    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}
    subject_field = "member"

    @extend_schema(
        tags=["checkout"],
        summary="Set points aside for an order",
        description="Takes the soonest-expiring points, shares them over the lines, and lets go by itself in time.",
        operation_id="holds_place",
        request=HoldRequest,
        responses={201: HoldSerializer},
        examples=[
            examples.request("1,000 points on three lines", examples.HOLD_REQUEST),
            examples.answer("The hold", examples.HOLD, 201),
        ],
    )
    @once
    @guarded(_asked)
    @transaction.atomic
    def post(self, request):
        asked, at = messages.read(request, HoldRequest), timezone.now()
        refuse_twins([line.line for line in asked.lines])
        hold = holds.place(
            asked.member,
            asked.points,
            order_code=asked.order,
            lines=[Payable(line.line, line.cash, line.virtual) for line in asked.lines],
            expires_at=at + dt.timedelta(seconds=asked.expires_in) if asked.expires_in else None,
            at=at,
        )
        return Response(document(hold), status=201)


class HoldView(ServerView, APIView):
    required_scopes = {"GET": ApiKey.Scope.POINTS_WRITE}

    @extend_schema(
        tags=["checkout"],
        summary="A hold",
        operation_id="holds_read",
        responses=HoldSerializer,
        examples=[examples.answer("The hold", examples.HOLD)],
    )
    def get(self, request, uuid):
        hold = Hold.objects.select_related("account__wallet__member").filter(uuid=uuid).first()
        if hold is None:
            raise UnknownHold
        return Response(document(hold))


class HoldCaptureView(ServerView, APIView):
    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}

    @extend_schema(
        tags=["checkout"],
        summary="Spend the held points",
        description="Captured again it stays captured. `order.paid` with `hold` does the same.",
        operation_id="holds_capture",
        request=None,
        responses=HoldSerializer,
        examples=[examples.answer("Spent", examples.CAPTURED)],
    )
    @once
    @transaction.atomic
    def post(self, request, uuid):
        return Response(document(holds.capture(uuid, timezone.now())))


class HoldReleaseView(ServerView, APIView):
    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}

    @extend_schema(
        tags=["checkout"],
        summary="Give the held points back",
        operation_id="holds_release",
        request=None,
        responses=HoldSerializer,
        examples=[examples.answer("Given back", examples.RELEASED)],
    )
    @once
    @transaction.atomic
    def post(self, request, uuid):
        return Response(document(holds.release(uuid, timezone.now())))


def refuse_twins(numbers: list[str]) -> None:
    """Raise InvalidInput for lines that bear the number of an earlier one."""
    seen: set[str] = set()
    errors = []
    for position, number in enumerate(numbers):
        if number in seen:
            pointer = f"/lines/{position}/line"
            errors.append({"pointer": pointer, "code": "duplicate_line", "detail": str(_("This line is named twice."))})
        seen.add(number)
    if errors:
        raise InvalidInput(errors=errors)


def document(hold: Hold) -> dict:
    return documents.write(HoldSerializer, hold)
