"""Growth: every movement, with the coefficient it was given by and what it serves."""

from __future__ import annotations

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers

from common.models import ApiKey
from loyalty.models import GrowthEntry
from loyalty.models.standings import HUNDREDTHS

from . import examples
from .points import NewestFirst
from .views import MemberView, ServerView

DESCRIPTION = """\
Growth is kept in hundredths and shown whole, rounded down. What an entry gives or takes back is `base` times the
coefficient in force then, exactly `base` × `coefficient_percent` hundredths (`due_hundredths`); it may do less, where
growth would fall below nothing or time had taken it already. What time takes has the criterion `time` and no base.
"""


class GrowthEntrySerializer(serializers.ModelSerializer):
    """`change` is the difference of the whole growth shown before and after, so that the list adds up."""

    number = serializers.IntegerField(source="seq", help_text="Counts the member's entries without a gap.")
    text = serializers.CharField(source="get_kind_display", help_text="The kind in words, in the caller's language.")
    base = serializers.IntegerField(help_text="Whole growth before the coefficient; negative is taken back.")
    coefficient_percent = serializers.IntegerField(
        source="percent", help_text="The coefficient in force when it was given, as the rational n/100: 120 = 1.2."
    )
    due_hundredths = serializers.IntegerField(source="asked", help_text="What was due.")
    change = serializers.SerializerMethodField(help_text="Whole growth; negative goes out.")
    change_hundredths = serializers.IntegerField(source="delta", help_text="What it did, exactly.")
    balance = serializers.SerializerMethodField(help_text="Whole growth afterwards, rounded down.")
    balance_hundredths = serializers.IntegerField(source="balance_after")
    occurred_on = serializers.DateField(help_text="The local day it counts for; a refund counts on its order's day.")
    reference = serializers.CharField(help_text="What caused it, `order:o-1001` for example.")
    order = serializers.CharField(source="order.code", default=None, allow_null=True)
    review = serializers.CharField(source="review.code", default=None, allow_null=True)

    class Meta:
        model = GrowthEntry
        fields = [
            "number", "at", "occurred_on", "kind", "text", "criterion", "base", "coefficient_percent", "due_hundredths",
            "change", "change_hundredths", "balance", "balance_hundredths", "reference", "order", "review",
        ]  # fmt: skip

    def get_change(self, entry: GrowthEntry) -> int:
        return entry.balance_after // HUNDREDTHS - (entry.balance_after - entry.delta) // HUNDREDTHS

    def get_balance(self, entry: GrowthEntry) -> int:
        return entry.balance_after // HUNDREDTHS


class GrowthFilter(filters.FilterSet):
    occurred_from = filters.DateFilter("occurred_on", "gte", help_text="First local day.")
    occurred_until = filters.DateFilter("occurred_on", "lte", help_text="Last local day.")

    class Meta:
        model = GrowthEntry
        fields = ["kind", "criterion"]


class GrowthBase(generics.ListAPIView):
    """Newest first."""

    serializer_class = GrowthEntrySerializer
    pagination_class = NewestFirst
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = GrowthFilter
    queryset = GrowthEntry.objects.none()

    def get_queryset(self):
        return GrowthEntry.objects.filter(member=self.member()).select_related("order", "review")


_ENTRIES = [examples.answer("Growth from an order", examples.GROWTH_ENTRY)]


@extend_schema_view(
    get=extend_schema(
        tags=["members"],
        summary="Every movement of a member's growth, newest first",
        description=DESCRIPTION,
        examples=_ENTRIES,
    )
)
class GrowthView(ServerView, GrowthBase):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ}


@extend_schema_view(
    get=extend_schema(
        tags=["me"],
        summary="Every movement of my growth, newest first",
        description=DESCRIPTION,
        examples=_ENTRIES,
    )
)
class MyGrowthView(MemberView, GrowthBase):
    pass
