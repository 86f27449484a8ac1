"""What a coupon takes off, as the API tells it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from rewards.models import Reward
from rewards.models.coupons import listed
from rewards.selectors import coupons

TERMS = {
    "amount": 500,
    "percent": None,
    "most": None,
    "least_spend": 0,
    "categories": [],
    "stores": [],
    "skus": [],
    "text": "5.00 CNY off",
}


class CouponTermsSerializer(serializers.Serializer):
    """An amount, or a percentage up to `most`. A line counts if it fits every list that is not empty. Minor units."""

    amount = serializers.IntegerField(allow_null=True)
    percent = serializers.IntegerField(allow_null=True)
    most = serializers.IntegerField(allow_null=True)
    least_spend = serializers.IntegerField(help_text="What such lines must cost together, at the member's prices.")
    categories = serializers.ListField(child=serializers.CharField())
    stores = serializers.ListField(child=serializers.CharField())
    skus = serializers.ListField(child=serializers.CharField())
    text = serializers.CharField(help_text="All of it in words, in the caller's language.")


def terms(reward: Reward) -> dict[str, Any] | None:
    """The terms of a reward; null if it says none."""
    if not reward.says_terms:
        return None
    return {
        "amount": reward.off_amount,
        "percent": reward.off_percent,
        "most": reward.off_most,
        "least_spend": reward.least_spend,
        "categories": listed(reward.only_categories),
        "stores": listed(reward.only_stores),
        "skus": listed(reward.only_skus),
        "text": coupons.sentence(reward, days=reward.validity_days),
    }


_REASON = {
    "type": "object",
    "properties": {
        "code": {
            "type": "string",
            "description": "terms_unknown (the shop knows), no_line_fits, least_spend (`missing`, minor units) or "
            "nothing_to_take_off.",
        },
        "detail": {"type": "string", "description": "In words, in the caller's language."},
    },
    "required": ["code", "detail"],
    "additionalProperties": True,
}


@extend_schema_field(_REASON)
class CouponReasonField(serializers.DictField):
    """Why a coupon takes nothing off a basket."""
