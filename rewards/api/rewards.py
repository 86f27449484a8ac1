"""GET /api/v1/me/rewards: the catalogue as the member sees it, with every reason why not."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api.filters import BooleanFilter
from common.api.pagination import CursorPagination
from loyalty.api.examples import answer
from loyalty.api.views import MemberView
from rewards.api import coupons
from rewards.api.coupons import CouponTermsSerializer
from rewards.models import Reward
from rewards.selectors import catalogue
from rewards.selectors.catalogue import Offer
from rewards.services import redemptions

from . import examples

_REASON = {
    "type": "object",
    "properties": {
        "code": {
            "type": "string",
            "description": "member_closed, not_yet_available (`from`), no_longer_available, tier_too_low (`needs`), "
            "not_in_segment, out_of_stock, limit_reached (`period`, `limit`) or insufficient_points (`missing`).",
        },
        "detail": {"type": "string", "description": "In words, in the caller's language."},
    },
    "required": ["code", "detail"],
    "additionalProperties": True,
}


@extend_schema_field(_REASON)
class ReasonField(serializers.DictField):
    """Why not: a stable code and what belongs to it."""


class OfferSerializer(serializers.Serializer):
    """A reward at this member's price. Money is in minor units."""

    code = serializers.CharField(source="reward.code")
    name = serializers.CharField(source="reward.name")
    description = serializers.CharField(source="reward.description")
    kind = serializers.ChoiceField(Reward.Kind.choices, source="reward.kind")
    symbol = serializers.CharField(source="reward.symbol", help_text="A Material Symbols name.")
    colour = serializers.CharField(source="reward.colour")
    picture = serializers.SerializerMethodField(help_text="null: show the symbol in its colour.")
    sponsor = serializers.SerializerMethodField(help_text="The merchant that bears a share of the cost; null = none.")
    perceived_value = serializers.IntegerField(source="reward.perceived_value", help_text="Its price in the shop.")
    points = serializers.IntegerField(source="price.points", help_text="What this member pays.")
    cash = serializers.IntegerField(source="price.cash", help_text="What this member pays besides.")
    list_points = serializers.IntegerField(source="reward.points", help_text="What everybody pays.")
    list_cash = serializers.IntegerField(source="reward.cash")
    price_for = serializers.CharField(
        source="price.basis", help_text="Why the price is so: list, or tier:…, segment:…, plan:… with its code."
    )
    left = serializers.IntegerField(
        source="reward.left", allow_null=True, help_text="Of its stock; null = it has none and may be endless."
    )
    available_from = serializers.DateTimeField(source="reward.available_from", allow_null=True)
    available_until = serializers.DateTimeField(source="reward.available_until", allow_null=True)
    least_tier = serializers.SerializerMethodField(help_text="Code of the tier it asks for; null = none said.")
    valid_days = serializers.IntegerField(
        source="reward.validity_days", allow_null=True, help_text="What is handed out is good so long; null = no end."
    )
    coupon = serializers.SerializerMethodField(help_text="What a coupon takes off; null = it is none, or does not say.")
    available = serializers.BooleanField(help_text="Whether the member can take it now.")
    reasons = serializers.ListField(child=ReasonField(), help_text="Every reason why not, the gravest first.")

    def get_picture(self, offer: Offer) -> str | None:
        return offer.reward.picture or None

    def get_sponsor(self, offer: Offer) -> str | None:
        return offer.reward.merchant.name if offer.reward.merchant else None

    @extend_schema_field(CouponTermsSerializer(allow_null=True))
    def get_coupon(self, offer: Offer) -> dict[str, Any] | None:
        return coupons.terms(offer.reward)

    def get_least_tier(self, offer: Offer) -> str | None:
        return offer.reward.least_tier.code if offer.reward.least_tier else None


class RewardFilter(filters.FilterSet):
    affordable = BooleanFilter(
        method="keep", help_text="true: only what the member can take now; false: only what not."
    )

    class Meta:
        model = Reward
        fields = ["kind"]

    def keep(self, rewards, name: str, wanted: bool):
        """Ask the one rule about all of them, in a fixed number of queries; the page then finds its rows by id."""
        offers = catalogue.offers(self.request.user.member, timezone.now(), list(rewards))
        return rewards.filter(pk__in=[offer.reward.pk for offer in offers if offer.available is wanted])


class CheapestFirst(CursorPagination):
    ordering = ("points", "id")


@extend_schema_view(
    get=extend_schema(
        tags=["me"],
        summary="The rewards, the lowest list price first, each with my price and why I cannot take it",
        operation_id="me_rewards",
        examples=[answer("A mug that is too dear", examples.REWARD)],
    )
)
class MyRewardsView(MemberView, generics.ListAPIView):
    serializer_class = OfferSerializer
    pagination_class = CheapestFirst
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = RewardFilter
    queryset = Reward.objects.none()

    def get_queryset(self):
        return catalogue.rewards(timezone.now())

    def paginate_queryset(self, queryset):
        return catalogue.offers(self.member(), timezone.now(), super().paginate_queryset(queryset))


class MyRewardView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="One reward, with my price and why I cannot take it",
        operation_id="me_reward",
        responses=OfferSerializer,
        examples=[answer("A mug that is too dear", examples.REWARD)],
    )
    def get(self, request, code):
        return Response(OfferSerializer(redemptions.quote(self.member(), code, timezone.now())).data)
