"""A member's consents: for what, to whom, since when; given and withdrawn as easily (PIPL 15, 23)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from django.http import Http404
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import messages
from common.api.filters import BooleanFilter
from common.api.pagination import CursorPagination
from members.models import Consent
from members.services import consents, recipients

from .views import MemberView

Code = Annotated[str, msgspec.Meta(max_length=60, pattern=r"^[^\x00-\x1f\x7f/]*(?!\n)$")]


class Giving(msgspec.Struct, frozen=True):
    """What the member agrees to: one purpose, one merchant by its code (empty for `personalise`), and where she did."""

    purpose: Literal["insight", "contact", "link", "personalise"]
    recipient: Code = ""
    channel: Annotated[str, msgspec.Meta(max_length=40, pattern=r"^[^\x00-\x1f\x7f]*(?!\n)$")] = "app"


class RecipientSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField(allow_null=True)
    contact = serializers.CharField(allow_null=True, help_text="Whom to ask about the data.")


class ConsentSerializer(serializers.ModelSerializer):
    text = serializers.CharField(
        source="get_purpose_display", help_text="The purpose in words, in the caller's language."
    )
    recipient = serializers.SerializerMethodField(help_text="The merchant; null for the programme itself.")
    channel = serializers.CharField(source="source", help_text="Where it was given.")

    class Meta:
        model = Consent
        fields = ["purpose", "text", "recipient", "channel", "given_at", "withdrawn_at"]
        read_only_fields = fields

    @extend_schema_field(RecipientSerializer(allow_null=True))
    def get_recipient(self, consent: Consent) -> dict | None:
        if not consent.recipient:
            return None
        known = self.context["recipients"].get(consent.recipient)
        return {
            "code": consent.recipient,
            "name": known.name if known else None,
            "contact": known.contact if known else None,
        }


class ConsentFilter(filters.FilterSet):
    standing = BooleanFilter("withdrawn_at", "isnull", help_text="Only those that stand now, or only the others.")

    class Meta:
        model = Consent
        fields = ["purpose", "recipient"]


EXAMPLE = {
    "purpose": "insight",
    "text": "Show my purchases and score band to the merchant",
    "recipient": {"code": "acme", "name": "Acme", "contact": "privacy@acme.example"},
    "channel": "app",
    "given_at": "2026-03-01T10:00:00Z",
    "withdrawn_at": None,
}


def document(rows: list[Consent]) -> list[dict]:
    """Consents with whom they name; one query for all."""
    named = recipients.of({row.recipient for row in rows if row.recipient})
    return ConsentSerializer(rows, many=True, context={"recipients": named}).data


@extend_schema_view(
    get=extend_schema(
        tags=["me"],
        summary="My consents, the newest first, with those I withdrew",
        operation_id="me_consents",
        examples=[OpenApiExample("A consent", EXAMPLE, response_only=True, status_codes=["200"])],
    )
)
class MyConsentsView(MemberView, generics.ListAPIView):
    serializer_class = ConsentSerializer
    pagination_class = CursorPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = ConsentFilter
    queryset = Consent.objects.none()

    def get_queryset(self):
        return Consent.objects.filter(member=self.member()) if self.request else Consent.objects.none()

    def list(self, request, *args, **kwargs):
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(document(page))

    @extend_schema(
        tags=["me"],
        summary="Give a consent",
        description="One that stands already stays as it is.",
        operation_id="me_consents_give",
        request=Giving,
        responses={201: ConsentSerializer},
        examples=[
            OpenApiExample("Insight", {"purpose": "insight", "recipient": "acme"}, request_only=True),
            OpenApiExample("Given", EXAMPLE, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request):
        giving = messages.read(request, Giving)
        given = consents.give(self.member(), giving.purpose, giving.recipient, giving.channel, timezone.now())
        return Response(document([given])[0], status=201)


class MyConsentView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="Withdraw a consent",
        description="At once: nothing more is shown, sent or linked under it. `programme` stands for the programme itself.",
        operation_id="me_consents_withdraw",
        responses={204: None},
    )
    def delete(self, request, purpose, recipient):
        recipient = "" if purpose in consents.TO_THE_PROGRAMME and recipient == "programme" else recipient
        if not consents.withdraw(self.member(), purpose, recipient, timezone.now()):
            raise Http404
        return Response(status=204)
