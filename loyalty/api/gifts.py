"""Gift campaigns: what a member was given, and for the shop's server also who was held out, so that nobody writes to them."""

from __future__ import annotations

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers

from common.api.pagination import CursorPagination
from common.models import ApiKey
from loyalty.models import GiftAssignment, GiftCampaign
from members.selectors.records import same_person

from . import examples
from .views import MemberView, ServerView

Arm = GiftAssignment.Arm


class GiftSerializer(serializers.ModelSerializer):
    campaign = serializers.CharField(source="campaign.code")
    name = serializers.CharField(source="campaign.name")
    trigger = serializers.ChoiceField(GiftCampaign.Trigger.choices, source="campaign.trigger")
    occasion = serializers.CharField(help_text="What for, each once: `birthday:2026` for example.")
    points = serializers.IntegerField(help_text="0 if the member was only told.")
    expires_at = serializers.DateTimeField(source="lot.expires_at", default=None, allow_null=True)
    taken_back = serializers.SerializerMethodField(help_text="Points taken back because the campaign was undone.")

    class Meta:
        model = GiftAssignment
        fields = ["campaign", "name", "trigger", "occasion", "points", "expires_at", "taken_back", "at"]

    def get_taken_back(self, assignment: GiftAssignment) -> int:
        undone = getattr(assignment.lot, "undone", None)
        return undone.taken + undone.others + undone.debt if undone else 0


class AssignmentSerializer(GiftSerializer):
    """As the shop's server sees it."""

    group = serializers.ChoiceField(
        Arm.choices, source="arm", help_text="Who is held out gets nothing and must not be written to about it."
    )

    class Meta(GiftSerializer.Meta):
        fields = [*GiftSerializer.Meta.fields, "group", "measured_until"]


class GiftCampaignSerializer(serializers.ModelSerializer):
    treated = serializers.IntegerField(help_text="How often members were given something.")
    held_out = serializers.IntegerField(help_text="How often members were held out.")

    class Meta:
        model = GiftCampaign
        fields = [
            "code", "name", "trigger", "status", "starts_at", "ends_at", "budget", "spent", "holdout_percent", "treated",
            "held_out",
        ]  # fmt: skip


class NewestFirst(CursorPagination):
    ordering = ("-at", "-id")


class GiftsBase(generics.ListAPIView):
    """Newest first, with those of who was merged into the member; a page costs a query."""

    pagination_class = NewestFirst
    queryset = GiftAssignment.objects.none()

    def get_queryset(self) -> QuerySet[GiftAssignment]:
        people = same_person(self.member())
        return GiftAssignment.objects.filter(member__in=people).select_related("campaign", "lot__undone")


@extend_schema_view(
    get=extend_schema(
        tags=["members"],
        summary="What gift campaigns gave a member, and which held the member out",
        operation_id="members_gifts",
        examples=[examples.answer("A birthday gift", examples.GIFT | examples.GROUP)],
    )
)
class GiftsView(ServerView, GiftsBase):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ}
    serializer_class = AssignmentSerializer


@extend_schema_view(
    get=extend_schema(
        tags=["me"],
        summary="What I was given by campaigns, newest first",
        operation_id="me_gifts",
        examples=[examples.answer("A birthday gift", examples.GIFT)],
    )
)
class MyGiftsView(MemberView, GiftsBase):
    serializer_class = GiftSerializer

    def get_queryset(self):
        """Nobody is told of having been held out."""
        return super().get_queryset().filter(arm=Arm.TREATED)


@extend_schema_view(
    get=extend_schema(
        tags=["members"],
        summary="Gift campaigns, newest first",
        description="What they mean and do is decided by operators; drafts are not listed.",
        operation_id="gift_campaigns",
        examples=[examples.answer("A win-back", examples.GIFT_CAMPAIGN)],
    )
)
class GiftCampaignsView(ServerView, generics.ListAPIView):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ}
    serializer_class = GiftCampaignSerializer
    pagination_class = CursorPagination
    queryset = GiftCampaign.objects.none()

    def get_queryset(self):
        return GiftCampaign.objects.exclude(status=GiftCampaign.Status.DRAFT).annotate(
            treated=_count(Arm.TREATED), held_out=_count(Arm.HELD_OUT)
        )


def _count(arm: str) -> Coalesce:
    rows = GiftAssignment.objects.filter(campaign=OuterRef("pk"), arm=arm).order_by().values("campaign")
    return Coalesce(Subquery(rows.annotate(n=Count("pk")).values("n")), 0)
