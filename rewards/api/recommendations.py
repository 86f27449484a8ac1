"""GET /api/v1/me/recommendations: rewards and benefits for me, with the reasons."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.api import examples
from loyalty.api.views import MemberView
from rewards.selectors import recommendations
from rewards.selectors.recommendations import Recommendation

MOST = 100


class LimitSerializer(serializers.Serializer):
    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=20)


class BecauseSerializer(serializers.Serializer):
    code = serializers.ChoiceField(
        [
            "own_category", "own_merchant", "points_expire", "affordable", "taken_before", "left_to_use", "ends_soon",
            "used_before", "never_bought",
        ]
    )  # fmt: skip
    words = serializers.CharField(help_text="In the caller's language.")


class RecommendationSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(["reward", "benefit"])
    code = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    symbol = serializers.CharField(help_text="A Material Symbols name.")
    colour = serializers.CharField()
    points = serializers.IntegerField(allow_null=True, help_text="Of a reward: my price.")
    cash = serializers.IntegerField(allow_null=True, help_text="Of a reward: the cash part, in minor units.")
    left = serializers.IntegerField(allow_null=True, help_text="Of a benefit: uses left; null = any number.")
    because = BecauseSerializer(many=True)


class RecommendationsSerializer(serializers.Serializer):
    personalised = serializers.BooleanField(
        help_text="false: everybody's order. It is mine only with my consent `personalise`, which I can withdraw."
    )
    basis = serializers.CharField(help_text="What the order was made from, in the caller's language.")
    results = RecommendationSerializer(many=True)


EXAMPLE = {
    "personalised": True,
    "basis": "By what you bought in twelve months, your points and what you used.",
    "results": [
        {
            "kind": "reward",
            "code": "tea-500",
            "name": "5.00 off tea",
            "description": "",
            "symbol": "local_cafe",
            "colour": "#16a34a",
            "points": 500,
            "cash": 0,
            "left": None,
            "because": [{"code": "own_category", "words": "You often buy tea."}],
        }
    ],
}


class RecommendationsView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="Rewards and benefits for me, with the reasons",
        description="Only what I can take or use now. Prices and rights are the same for everybody of my standing.",
        operation_id="me_recommendations",
        parameters=[LimitSerializer],
        responses=RecommendationsSerializer,
        examples=[examples.answer("A tea drinker", EXAMPLE)],
    )
    def get(self, request):
        asked = LimitSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        found = recommendations.of(self.member(), timezone.now(), limit=asked.validated_data["limit"])
        document = {
            "personalised": found.personalised,
            "basis": _basis(found.personalised),
            "results": [_document(one) for one in found.found],
        }
        return Response(RecommendationsSerializer(document).data)


def _basis(is_personalised: bool) -> str:
    if is_personalised:
        return gettext("By what you bought in twelve months, your points and what you used.")
    return gettext("The same order for everybody: rewards by price, then your benefits.")


def _document(one: Recommendation) -> dict[str, Any]:
    because = [{"code": reason.code, "words": reason.words} for reason in one.because]
    if one.offer is not None:
        reward, price = one.offer.reward, one.offer.price
        own = {"kind": "reward", "symbol": reward.symbol, "points": price.points, "cash": price.cash, "left": None}
        return own | _named(reward) | {"because": because}
    assert one.entitlement is not None
    benefit = one.entitlement.benefit
    own = {"kind": "benefit", "symbol": benefit.icon, "points": None, "cash": None, "left": one.entitlement.left}
    return own | _named(benefit) | {"because": because}


def _named(thing: Any) -> dict[str, str]:
    return {name: getattr(thing, name) for name in ("code", "name", "description", "colour")}
