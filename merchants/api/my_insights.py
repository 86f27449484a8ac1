"""What merchants have to do with a member: who looked at her purchases, and what is offered to her."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.api import examples
from loyalty.api.views import MemberView
from merchants.models import InsightAccess, ProspectOffer
from merchants.services import prospects


class InsightAccessSerializer(serializers.ModelSerializer):
    merchant = serializers.CharField(source="merchant.name")
    merchant_code = serializers.CharField(source="merchant.code")

    class Meta:
        model = InsightAccess
        fields = ["at", "merchant", "merchant_code", "what"]
        read_only_fields = fields


@extend_schema_view(
    get=extend_schema(
        tags=["me"],
        summary="Who looked at what I bought, the newest first",
        description="Merchants see it with my consent only; `/me/consents` takes it back.",
        operation_id="me_insight_accesses",
        examples=[
            examples.answer(
                "A look",
                {"at": "2026-03-01T10:00:00Z", "merchant": "Acme", "merchant_code": "acme", "what": "member"},
            )
        ],
    )
)
class MyInsightAccessesView(MemberView, generics.ListAPIView):
    serializer_class = InsightAccessSerializer
    queryset = InsightAccess.objects.none()

    def get_queryset(self):
        return InsightAccess.objects.filter(member=self.member()).select_related("merchant")


class ProspectOfferSerializer(serializers.ModelSerializer):
    merchant = serializers.CharField(source="merchant.name")
    membership = serializers.UUIDField(source="club.uuid", help_text="What to join at `/me/stores`.")
    membership_name = serializers.CharField(source="club.name")

    class Meta:
        model = ProspectOffer
        fields = ["uuid", "merchant", "membership", "membership_name", "category", "title", "message", "ends_at"]
        read_only_fields = fields


class MyOffersView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="Memberships offered to me by what I buy",
        description="Empty unless I agreed to personal recommendations. The merchant does not learn that it was shown to me.",
        operation_id="me_offers",
        responses=ProspectOfferSerializer(many=True),
        examples=[
            examples.answer(
                "An offer",
                {
                    "uuid": "0b0f8d8e-94b5-4e9e-8f0e-5f6a3c8c9d10", "merchant": "Acme",
                    "membership": "9b2f7a4e-3f0b-4a57-9a57-2f8d5f2c1a77", "membership_name": "Acme Club",
                    "category": "books", "title": "A gift for readers", "message": "200 points for your card.",
                    "ends_at": "2026-04-01T00:00:00Z",
                },
            )
        ],
    )  # fmt: skip
    def get(self, request):
        return Response(ProspectOfferSerializer(prospects.show(self.member(), timezone.now()), many=True).data)
