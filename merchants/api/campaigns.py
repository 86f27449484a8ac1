"""A merchant's campaigns: written as drafts, previewed, started and stopped."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from msgspec import Meta, Struct
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import messages
from common.api.idempotency import once
from common.api.pagination import CursorPagination
from common.problems import InvalidInput
from loyalty.api import examples
from merchants.models import Audience, CardSegment, Club, Deed, MerchantCampaign
from merchants.selectors import campaign_previews
from merchants.selectors import campaigns as selectors
from merchants.services import audiences, campaigns

from .views import MerchantView

_Points = Annotated[int, Meta(ge=1, le=10**12)]
_Money = Annotated[int, Meta(ge=0, le=10**15)]


class CampaignDraft(Struct, frozen=True, kw_only=True):
    """A campaign to be. Money in minor units; `segment` is the name of a segment of the membership.

    `cards` are for the audience `list`: a card's uuid, or the brand's own card number.
    """

    membership: Annotated[str, Meta(min_length=36, max_length=36)]
    name: Annotated[str, Meta(min_length=1, max_length=60)]
    points: _Points
    budget: _Points
    starts_at: Annotated[dt.datetime, Meta(tz=True)]
    ends_at: Annotated[dt.datetime, Meta(tz=True)]
    mode: Literal["daily", "promotion"] = "daily"
    trigger: Literal["now", "join", "order", "birthday"] = "now"
    audience: Literal["all", "level", "segment", "list"] = "all"
    level: Annotated[int, Meta(ge=1, le=5)] | None = None
    segment: Annotated[str, Meta(max_length=60)] | None = None
    money_unit: Annotated[int, Meta(ge=1, le=10**12)] | None = None
    least_cash: _Money = 0
    cap: _Points | None = None
    days: Annotated[int, Meta(ge=1, le=3660)] = 180
    cards: Annotated[list[Annotated[str, Meta(min_length=1, max_length=60)]], Meta(max_length=audiences.MOST)] = []


class CampaignSerializer(serializers.ModelSerializer):
    campaign = serializers.UUIDField(source="uuid")
    membership = serializers.UUIDField(source="club.uuid")
    segment = serializers.CharField(source="segment.name", allow_null=True, default=None)
    given = serializers.IntegerField(help_text="Points given so far, also those that refunds took back.")

    class Meta:
        model = MerchantCampaign
        fields = [
            "campaign", "membership", "name", "mode", "trigger", "audience", "level", "segment", "points", "money_unit",
            "least_cash", "cap", "budget", "days", "starts_at", "ends_at", "status", "started_at", "closed_at", "given",
            "released",
        ]  # fmt: skip
        read_only_fields = fields


class ResultsSerializer(serializers.Serializer):
    """Plain figures: they do not say that the campaign was the cause."""

    given = serializers.IntegerField()
    returned = serializers.IntegerField(help_text="Taken back by refunds.")
    members = serializers.IntegerField(help_text="Members who got something.")
    refused = serializers.IntegerField(help_text="Gifts that were refused: budget, cap, or the member had left.")
    spent = serializers.IntegerField(help_text="Of the points given, those that members have used.")
    left = serializers.IntegerField(help_text="Still set aside.")
    orders = serializers.IntegerField(help_text="Orders of these members at the membership's stores since.")
    cash = serializers.IntegerField(help_text="Kept cash of these orders, in minor units.")


class CampaignDetailSerializer(CampaignSerializer):
    results = serializers.SerializerMethodField()

    class Meta(CampaignSerializer.Meta):
        fields = [*CampaignSerializer.Meta.fields, "results"]
        read_only_fields = fields

    @extend_schema_field(ResultsSerializer)
    def get_results(self, campaign: MerchantCampaign) -> dict:
        return ResultsSerializer(selectors.results(campaign)).data


class PreviewSerializer(serializers.Serializer):
    members = serializers.IntegerField(help_text="Members it means now.")
    now = serializers.IntegerField(help_text="Points it gives at once.")
    month = serializers.IntegerField(help_text="Points it gives in 30 days if they are like the last 30.")
    budget = serializers.IntegerField(help_text="What it costs at most.")
    purse = serializers.IntegerField(help_text="What the purse has now.")
    missing = serializers.IntegerField(help_text="What the purse lacks for the budget.")


class CampaignFilter(filters.FilterSet):
    membership = filters.UUIDFilter("club__uuid")

    class Meta:
        model = MerchantCampaign
        fields = ["status", "trigger", "mode"]


class NewestFirst(CursorPagination):
    ordering = "-id"


CAMPAIGN = {
    "campaign": "4f0a3c52-0f7f-4b0e-9d2b-0f7a6c1e8d11", "membership": "9b2f7a4e-3f0b-4a57-9a57-2f8d5f2c1a77",
    "name": "Welcome", "mode": "daily", "trigger": "join", "audience": "all", "level": None, "segment": None, "points": 100,
    "money_unit": None, "least_cash": 0, "cap": None, "budget": 50000, "days": 180, "starts_at": "2026-03-01T00:00:00Z",
    "ends_at": "2026-06-01T00:00:00Z", "status": "running", "started_at": "2026-03-01T00:00:00Z", "closed_at": None,
    "given": 1200, "released": None,
}  # fmt: skip
DRAFT = {
    name: CAMPAIGN[name]
    for name in ("membership", "name", "trigger", "points", "budget", "starts_at", "ends_at")
}  # fmt: skip
PREVIEW = {"members": 1280, "now": 0, "month": 4200, "budget": 50000, "purse": 80000, "missing": 0}


class CampaignBase(MerchantView):
    def rows(self):
        rows = selectors.with_sums(MerchantCampaign.objects.filter(club__merchant=self.merchant()))
        return rows.select_related("club__merchant", "segment")

    def campaign(self) -> MerchantCampaign:
        """The own campaign the address names. Raises Http404."""
        campaign = self.rows().filter(uuid=self.kwargs["uuid"]).first()
        if campaign is None:
            raise Http404
        return campaign


@extend_schema_view(
    get=extend_schema(
        tags=["merchant"],
        summary="My campaigns, the newest first",
        operation_id="merchant_campaigns",
        examples=[examples.answer("A campaign", CAMPAIGN)],
    )
)
class CampaignsView(CampaignBase, generics.ListAPIView):
    deeds = {"GET": Deed.LOOK, "POST": Deed.EDIT}
    serializer_class = CampaignSerializer
    pagination_class = NewestFirst
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = CampaignFilter
    queryset = MerchantCampaign.objects.none()

    def get_queryset(self):
        return self.rows()

    @extend_schema(
        tags=["merchant"],
        summary="Write the draft of a campaign",
        description="Nothing is spent and nothing is set aside before it is started.",
        operation_id="merchant_campaigns_create",
        request=CampaignDraft,
        responses={201: CampaignSerializer},
        examples=[examples.request("A welcome", DRAFT), examples.answer("The draft", CAMPAIGN, status=201)],
    )
    @once
    def post(self, request):
        asked = messages.read(request, CampaignDraft)
        now = timezone.now()
        with transaction.atomic():
            campaign = campaigns.draft(self._draft(asked), request.user.actor, now)
            if asked.audience == Audience.LIST:
                audiences.list_cards(campaign, asked.cards, request.user.actor, now)
        return Response(CampaignSerializer(self.rows().get(pk=campaign.pk)).data, status=201)

    def _draft(self, asked: CampaignDraft) -> MerchantCampaign:
        """The rows that the request names must be the merchant's own."""
        clubs = Club.objects.select_related("merchant").filter(merchant=self.merchant())
        club = next((club for club in clubs if str(club.uuid) == asked.membership.lower()), None)
        if club is None:
            raise _unknown("membership", "There is no such membership.")
        segment = None
        if asked.segment is not None:
            segment = CardSegment.objects.filter(club=club, name=asked.segment).first()
            if segment is None:
                raise _unknown("segment", "The membership has no such segment.")
        same = (
            "name", "points", "budget", "starts_at", "ends_at", "mode", "trigger", "audience", "level", "money_unit",
            "least_cash", "cap", "days",
        )  # fmt: skip
        return MerchantCampaign(club=club, segment=segment, **{name: getattr(asked, name) for name in same})


def _unknown(field: str, detail: str) -> InvalidInput:
    return InvalidInput(errors=[{"pointer": f"/{field}", "code": "unknown", "detail": detail}])


class CampaignView(CampaignBase, APIView):
    deeds = {"GET": Deed.LOOK}

    @extend_schema(
        tags=["merchant"],
        summary="One of my campaigns, and what came of it",
        operation_id="merchant_campaigns_detail",
        responses=CampaignDetailSerializer,
    )
    def get(self, request, uuid):
        return Response(CampaignDetailSerializer(self.campaign()).data)


class CampaignPreviewView(CampaignBase, APIView):
    deeds = {"POST": Deed.LOOK}

    @extend_schema(
        tags=["merchant"],
        summary="What a campaign would do if it started now",
        operation_id="merchant_campaigns_preview",
        request=None,
        responses=PreviewSerializer,
        examples=[examples.answer("The preview", PREVIEW)],
    )
    def post(self, request, uuid):
        return Response(PreviewSerializer(campaign_previews.of(self.campaign(), timezone.now())).data)


class CampaignStartView(CampaignBase, APIView):
    deeds = {"POST": Deed.START}

    @extend_schema(
        tags=["merchant"],
        summary="Start a campaign: its budget leaves the purse",
        description="Refused with `purse_too_small` and numbers (`budget`, `has`, `missing`) if the purse has less.",
        operation_id="merchant_campaigns_start",
        request=None,
        responses=CampaignSerializer,
        examples=[examples.answer("It runs", CAMPAIGN)],
    )
    @once
    def post(self, request, uuid):
        campaigns.start(self.campaign(), request.user.actor, timezone.now())
        return Response(CampaignSerializer(self.campaign()).data)


class CampaignStopView(CampaignBase, APIView):
    deeds = {"POST": Deed.START}

    @extend_schema(
        tags=["merchant"],
        summary="Stop a campaign: what is left goes back to the purse",
        operation_id="merchant_campaigns_stop",
        request=None,
        responses=CampaignSerializer,
        examples=[examples.answer("It is over", CAMPAIGN | {"status": "stopped", "released": 48800})],
    )
    @once
    def post(self, request, uuid):
        campaigns.stop(self.campaign(), request.user.actor, timezone.now())
        return Response(CampaignSerializer(self.campaign()).data)
