"""Tiers: where a member stands, what comes next, and how it came so."""

from __future__ import annotations

import datetime as dt
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers

from common.api import documents
from common.api.pagination import CursorPagination
from common.models import ApiKey
from loyalty.models import Tier, TierChange
from loyalty.models.standings import HUNDREDTHS
from loyalty.selectors import members as selectors
from loyalty.selectors import programme as programmes
from loyalty.services import standings
from loyalty.services.standings import NextReview, Progress
from members.models import Member

from . import examples
from .views import MemberView, ServerView


class TierSerializer(serializers.ModelSerializer):
    rank = serializers.IntegerField(help_text="0 is the lowest.")
    icon = serializers.CharField(help_text="A Material Symbols name.")

    class Meta:
        model = Tier
        fields = ["code", "name", "rank", "colour", "icon"]


class NextReviewSerializer(serializers.Serializer):
    """What the next review does, as things stand. Growth until then changes it."""

    on = serializers.DateField(help_text="The local day of the review; in the past while the review waits.")
    deduction = serializers.IntegerField(help_text="Growth that time will have taken by then.")
    growth_after = serializers.IntegerField()
    tier_after = TierSerializer(help_text="The same tier if it is kept.")
    grace_until = serializers.DateField(
        allow_null=True, help_text="The tier is lost, but kept in grace until the start of this day; else null."
    )


class ProgressSerializer(serializers.Serializer):
    """Growth is whole: what there is rounded down, what is missing rounded up."""

    growth = serializers.IntegerField(help_text="On this day: where growth halves, what is left of it.")
    next_tier = TierSerializer(allow_null=True, help_text="null at the top.")
    threshold = serializers.IntegerField(
        allow_null=True,
        help_text="Growth that leads there. Where the best members have the places, the growth of the last of them.",
    )
    missing = serializers.IntegerField(allow_null=True, help_text="Growth missing for it; null if it is not known.")
    needs_order = serializers.BooleanField(help_text="Whether the next tier also asks for a completed order.")
    ranked_on = serializers.DateField(
        allow_null=True, help_text="Where the best members have the places: the day the threshold was drawn; else null."
    )
    tier_since = serializers.DateTimeField(allow_null=True)
    provisional_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then a refund takes the last upgrade back; null if it is final."
    )
    set_by_hand_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then the tier stays as the shop has set it; else null."
    )
    next_review = NextReviewSerializer(allow_null=True, help_text="null if nothing will be reviewed.")


class TierChangeSerializer(serializers.ModelSerializer):
    before = TierSerializer(allow_null=True)
    after = TierSerializer(allow_null=True)
    text = serializers.CharField(source="get_reason_display", help_text="The reason in words.")
    growth = serializers.SerializerMethodField(help_text="Whole growth at that moment, rounded down.")
    until = serializers.DateTimeField(allow_null=True, help_text="When the tier was to be reviewed; null = never.")
    provisional = serializers.BooleanField(
        source="is_provisional", help_text="Whether a refund could take it back within the return window."
    )
    reference = serializers.CharField(help_text="What caused it, `order:o-1001` for example; may be empty.")

    class Meta:
        model = TierChange
        fields = ["at", "before", "after", "reason", "text", "growth", "until", "provisional", "reference"]

    def get_growth(self, change: TierChange) -> int:
        return change.growth // HUNDREDTHS


class NotedTierChangeSerializer(TierChangeSerializer):
    """As the shop's back end sees it."""

    note = serializers.CharField(help_text="Why a person decided so; not for the member.")

    class Meta(TierChangeSerializer.Meta):
        fields = [*TierChangeSerializer.Meta.fields, "note"]


def tier(member: Member) -> dict[str, Any] | None:
    """The tier of a member read by `selectors.with_wallets`; no query."""
    standing = selectors.standing_of(member)
    return _tier(standing.tier) if standing else None


def progress(member: Member, at: dt.datetime) -> dict[str, Any]:
    """What a member read by `selectors.with_wallets` has and misses; three queries at most."""
    standing = selectors.standing_of(member)
    found = standings.progress(programmes.current(), standing, at)
    provisional_until = standing.provisional_until if standing else None
    return {
        **_next_tier(found),
        "tier_since": standing.tier_since if standing else None,
        "provisional_until": provisional_until if provisional_until and provisional_until > at else None,
        "set_by_hand_until": standing.override_until if standing else None,
        "next_review": _review(found.next_review),
    }


def _next_tier(found: Progress) -> dict[str, Any]:
    coming = found.next_tier
    return {
        "growth": found.growth,
        "next_tier": _tier(coming.tier) if coming else None,
        "threshold": coming.threshold if coming else None,
        "missing": coming.missing if coming else None,
        "needs_order": coming.needs_order if coming else False,
        "ranked_on": coming.ranked_on if coming else None,
    }


def _review(review: NextReview | None) -> dict[str, Any] | None:
    if review is None:
        return None
    return {
        "on": review.on,
        "deduction": review.deduction,
        "growth_after": review.growth_after,
        "tier_after": _tier(review.tier_after),
        "grace_until": review.grace_until,
    }


def _tier(found: Tier | None) -> dict[str, Any] | None:
    return documents.write(TierSerializer, found) if found else None


class NewestFirst(CursorPagination):
    ordering = ("-at", "-id")


class TierHistoryBase(generics.ListAPIView):
    """Newest first."""

    pagination_class = NewestFirst
    queryset = TierChange.objects.none()

    def get_queryset(self):
        return TierChange.objects.filter(member=self.member()).select_related("before", "after")


@extend_schema_view(
    get=extend_schema(
        tags=["members"],
        summary="How a member's tier changed, newest first",
        examples=[examples.answer("Lost at a review", examples.TIER_CHANGE | {"note": ""})],
    )
)
class TierHistoryView(ServerView, TierHistoryBase):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ}
    serializer_class = NotedTierChangeSerializer


@extend_schema_view(
    get=extend_schema(
        tags=["me"],
        summary="How my tier changed, newest first",
        examples=[examples.answer("Lost at a review", examples.TIER_CHANGE)],
    )
)
class MyTierHistoryView(MemberView, TierHistoryBase):
    serializer_class = TierChangeSerializer
