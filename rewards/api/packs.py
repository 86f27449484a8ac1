"""Packs: what a benefit hands out of the catalogue once a period, asked for before the night brings it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api.idempotency import once
from common.models import ApiKey
from loyalty.api.examples import answer
from loyalty.api.views import MemberView, ServerView
from members.services import members
from rewards.api import examples
from rewards.api.redemption_documents import RedemptionSerializer, whole
from rewards.models import BenefitUse, Redemption
from rewards.selectors.packs import PREFIX
from rewards.services import packs


class OwedSerializer(serializers.Serializer):
    code = serializers.CharField(source="reward.code")
    name = serializers.CharField(source="reward.name")


class PackSerializer(serializers.Serializer):
    """A pack with what was handed out of it."""

    benefit = serializers.CharField()
    period = serializers.CharField(help_text="The period's name: a day, month, quarter, year or term.")
    at = serializers.DateTimeField()
    redemptions = RedemptionSerializer(many=True)
    owed = OwedSerializer(many=True, help_text="What was not there; it comes by itself when there is some again.")


PACK = {
    "benefit": "coupon-pack",
    "period": "2026-03",
    "at": "2026-03-01T10:00:00Z",
    "redemptions": [examples.REDEMPTION | {"points": 0, "price_for": "gift"}],
    "owed": [],
}


def document(pack: BenefitUse) -> dict[str, Any]:
    gifts = list(pack.gifts.select_related("reward").order_by("pk"))
    return PackSerializer(
        {
            "benefit": pack.benefit.code,
            "period": pack.key.removeprefix(PREFIX),
            "at": pack.at,
            "redemptions": whole(Redemption.objects.filter(pack_gift__use=pack)).order_by("pk"),
            "owed": [gift for gift in gifts if gift.redemption_id is None],
        }
    ).data


def _documented(tag: str, summary: str, name: str):
    return extend_schema(
        tags=[tag],
        summary=summary,
        description="Once a period; asked again it is the same pack, and what is owed of it is tried again. The night "
        "hands out what nobody has asked for.",
        operation_id=name,
        request=None,
        responses=PackSerializer,
        examples=[answer("A coupon", PACK)],
    )


class MyPackView(MemberView, APIView):
    @_documented("me", "Hand me the pack of my benefit now", "me_benefits_pack")
    @once
    @transaction.atomic
    def post(self, request, code):
        return Response(document(packs.claim(self.member(), code, timezone.now())))


class PackView(ServerView, APIView):
    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}

    @_documented("members", "Hand a member the pack of a benefit now", "members_benefits_pack")
    @once
    @transaction.atomic
    def post(self, request, external_id, code):
        return Response(document(packs.claim(members.active(self.member().external_id), code, timezone.now())))
