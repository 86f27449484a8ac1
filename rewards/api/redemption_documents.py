"""A redemption as the API writes it."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.api import documents
from rewards.api import coupons
from rewards.models import Code, Redemption


class TakenRewardSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    symbol = serializers.CharField(help_text="A Material Symbols name.")
    colour = serializers.CharField()
    picture = serializers.SerializerMethodField(help_text="null: show the symbol in its colour.")
    coupon = serializers.SerializerMethodField(help_text="What a coupon takes off; null = it is none, or does not say.")

    def get_picture(self, reward) -> str | None:
        return reward.picture or None

    @extend_schema_field(coupons.CouponTermsSerializer(allow_null=True))
    def get_coupon(self, reward) -> dict[str, Any] | None:
        return coupons.terms(reward)


class StepSerializer(serializers.Serializer):
    status = serializers.CharField(source="after")
    at = serializers.DateTimeField()


class RedemptionSerializer(serializers.ModelSerializer):
    """One reward that a member took. Money is in minor units."""

    member = serializers.CharField(source="member.external_id")
    reward = TakenRewardSerializer()
    text = serializers.SerializerMethodField(help_text="The status in the caller's language.")
    points = serializers.IntegerField()
    cash = serializers.IntegerField()
    price_for = serializers.CharField(source="basis", help_text="list; tier:…, segment:…, plan:… with its code; gift.")
    code = serializers.SerializerMethodField(help_text="The code to use it with; null if there is none, or no more.")
    instructions = serializers.SerializerMethodField(help_text="How the partner's code is used.")
    held_until = serializers.SerializerMethodField(help_text="It lets go by itself then; null unless it is held.")
    restored = serializers.IntegerField(help_text="Points that came back.")
    order = serializers.CharField(source="order_code", help_text="The order it was used for; else empty.")
    history = StepSerializer(many=True, source="steps")

    class Meta:
        model = Redemption
        fields = [
            "uuid", "member", "reward", "status", "text", "points", "cash", "price_for", "code", "instructions",
            "created_at", "held_until", "expires_at", "tracking", "restored", "order", "history",
        ]  # fmt: skip

    def get_text(self, redemption) -> str:
        return str(Redemption.Status(redemption.status).label)

    def get_code(self, redemption) -> str | None:
        code = getattr(redemption, "code", None)
        return code.code if code is not None and code.status in _SHOWN else None

    def get_instructions(self, redemption) -> str:
        partner = redemption.reward.partner
        return partner.instructions if partner and self.get_code(redemption) else ""

    def get_held_until(self, redemption) -> str | None:
        held = redemption.status == Redemption.Status.HELD
        return serializers.DateTimeField().to_representation(redemption.hold.expires_at) if held else None


_SHOWN = (Code.Status.CLAIMED, Code.Status.USED, Code.Status.EXPIRED)


def whole(found: QuerySet[Redemption]) -> QuerySet[Redemption]:
    """Everything that documents of redemptions read, in two queries."""
    found = found.select_related("member", "reward__partner", "code", "hold")
    # The model computes the attribute for who has not asked for it here.
    return found.prefetch_related(Prefetch("events", to_attr="steps"))  # type: ignore[no-redef]


def document(redemption: Redemption) -> dict[str, Any]:
    """A redemption as the last step has left it; what that step has not read is read now."""
    return documents.write(RedemptionSerializer, redemption)
