"""Points given or taken with a reason, by the shop's back end."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from msgspec import Meta, Struct
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import messages
from common.api.idempotency import once
from common.models import ApiKey
from common.problems import InvalidInput
from loyalty.messages import Instant
from loyalty.models import Adjustment
from loyalty.services import adjustments, wallets
from members.services import members

from . import examples
from .views import ServerView

LONGEST_LIFE = dt.timedelta(days=36525)


class AdjustmentRequest(Struct, frozen=True, kw_only=True):
    """Negative points are taken away. `expires_at` is for points that are given; left out, the programme decides."""

    points: Annotated[int, Meta(ge=-(10**9), le=10**9)]
    category: Literal["goodwill", "correction", "write_off"]
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    expires_at: Instant | None = None


class AdjustmentSerializer(serializers.ModelSerializer):
    points = serializers.IntegerField()

    class Meta:
        model = Adjustment
        fields = ["uuid", "points", "category", "reason", "expires_at", "at"]


class AdjustmentsView(ServerView, APIView):
    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}

    @extend_schema(
        tags=["members"],
        summary="Give or take points, with a reason",
        operation_id="adjustments_post",
        request=AdjustmentRequest,
        responses={201: AdjustmentSerializer},
        examples=[
            examples.request("An apology", examples.ADJUSTMENT_REQUEST),
            examples.answer("Given", examples.ADJUSTMENT, 201),
        ],
    )
    @once
    @transaction.atomic
    def post(self, request, external_id):
        asked, at = messages.read(request, AdjustmentRequest), timezone.now()
        expires_at = _checked(asked.expires_at, at)
        self.member()
        adjustment = adjustments.post(
            wallets.of(members.active(external_id)).account,
            asked.points,
            category=asked.category,
            reason=asked.reason,
            actor=request.user.actor,
            at=at,
            expires_at=expires_at,
        )
        return Response(AdjustmentSerializer(adjustment).data, status=201)


def _checked(expires_at: dt.datetime | None, at: dt.datetime) -> dt.datetime | None:
    """The same instant in UTC: PostgreSQL knows no offset of sixteen hours."""
    if expires_at is None:
        return None
    if not at < expires_at <= at + LONGEST_LIFE:
        detail = str(_("Must lie in the future, a hundred years ahead at most."))
        raise InvalidInput(errors=[{"pointer": "/expires_at", "code": "invalid", "detail": detail}])
    return expires_at.astimezone(dt.UTC)
