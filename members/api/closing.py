"""Leaving the programme: first what it costs and what hinders it, then the deed (domain.md E59, C35)."""

from __future__ import annotations

import msgspec
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import messages
from common.models import ApiKey
from members.selectors import leaving
from members.services import closing

from .views import MemberView, ServerView


class Waiver(msgspec.Struct, frozen=True):
    """The member's word that everything in the preview is given up."""

    waive: bool


class WaivedSerializer(serializers.Serializer):
    code = serializers.CharField(help_text="points, tier, medal, plan, card, reward, benefit, tickets")
    title = serializers.CharField()
    amount = serializers.IntegerField(help_text="Points, growth, days of a plan, or how many.")
    value = serializers.IntegerField(allow_null=True, help_text="In minor units; null if it has no price.")
    until = serializers.DateTimeField(allow_null=True, help_text="Until when it would have been good.")


class HindranceSerializer(serializers.Serializer):
    code = serializers.CharField()
    detail = serializers.CharField()


class LeavingSerializer(serializers.Serializer):
    waived = WaivedSerializer(many=True)
    hindrances = HindranceSerializer(many=True)


class ClosedSerializer(serializers.Serializer):
    status = serializers.CharField()
    closed_at = serializers.DateTimeField()


_PREVIEW = {
    "description": "Everything in `waived` is lost for good. While there is one of `hindrances` the account stays open.",
    "responses": LeavingSerializer,
    "examples": [
        OpenApiExample(
            "Points, and a debt",
            {
                "waived": [
                    {
                        "code": "points",
                        "title": "Points",
                        "amount": 1280,
                        "value": 1280,
                        "until": "2026-12-31T16:00:00Z",
                    }
                ],
                "hindrances": [{"code": "debt", "detail": "80 points are owed."}],
            },
            response_only=True,
            status_codes=["200"],
        )
    ],
}
_DEED = {
    "description": "For good: points expire, cards and plans end, and the personal data is erased; the books stay. "
    "`closing_hindered` (409) names what must be settled first, `waiver_missing` (422) asks for the waiver.",
    "request": Waiver,
    "responses": ClosedSerializer,
    "examples": [
        OpenApiExample("I waive it", {"waive": True}, request_only=True),
        OpenApiExample(
            "Closed",
            {"status": "closed", "closed_at": "2026-03-01T10:00:00Z"},
            response_only=True,
            status_codes=["200"],
        ),
    ],
}


class _Closing(APIView):
    def get(self, request, external_id=None):
        return Response(LeavingSerializer(leaving.of(self.member(), timezone.now())).data)

    def post(self, request, external_id=None):
        waiver = messages.read(request, Waiver)
        closed = closing.close(self.member(), waive=waiver.waive, actor=request.user.actor, at=timezone.now())
        return Response(ClosedSerializer(closed).data)


class ClosingView(ServerView, _Closing):
    required_scopes = {"GET": ApiKey.Scope.PRIVACY, "POST": ApiKey.Scope.PRIVACY}

    @extend_schema(
        tags=["members"], summary="What closing an account costs", operation_id="members_closing", **_PREVIEW
    )
    def get(self, request, external_id):
        return super().get(request)

    @extend_schema(tags=["members"], summary="Close an account", operation_id="members_close", **_DEED)
    def post(self, request, external_id):
        return super().post(request)


class MyClosingView(MemberView, _Closing):
    @extend_schema(tags=["me"], summary="What closing my account costs", operation_id="me_closing", **_PREVIEW)
    def get(self, request):
        return super().get(request)

    @extend_schema(tags=["me"], summary="Close my account", operation_id="me_close", **_DEED)
    def post(self, request):
        return super().post(request)
