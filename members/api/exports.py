"""All that is kept about a member, as one JSON document (PIPL 45)."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.views import APIView

from common.models import ApiKey
from members.services import exports

from .views import MemberView, ServerView


class PartSerializer(serializers.Serializer):
    title = serializers.CharField(help_text="What the table is called, in the caller's language.")
    rows = serializers.ListField(child=serializers.DictField())


class DataExportSerializer(serializers.Serializer):
    format = serializers.CharField(help_text="Version of this form; a part or a column may be added to it.")
    made_at = serializers.DateTimeField()
    member = serializers.CharField()
    parts = serializers.DictField(child=PartSerializer(), help_text="One table each: orders, entries, consents …")


_DESCRIBED = {
    "description": "One JSON document, streamed. Instants are in UTC, money in minor units, and what a member brought who was "
    "merged into this one belongs to it. That it was handed out stands in the audit log.",
    "responses": DataExportSerializer,
    "examples": [
        OpenApiExample(
            "Some of it",
            {
                "format": exports.FORMAT,
                "made_at": "2026-03-01T10:00:00Z",
                "member": "cust-42",
                "parts": {
                    "members": {"title": "members", "rows": [{"external_id": "cust-42", "name": "Li Na"}]},
                    "orders": {"title": "orders", "rows": [{"code": "o-1001", "status": "completed", "cash": 6660}]},
                },
            },
            response_only=True,
            status_codes=["200"],
        )
    ],
}


class _Export(APIView):
    def get(self, request, external_id=None):
        member = self.member()
        pieces = exports.export(member, request.user.actor, timezone.now())
        return StreamingHttpResponse(
            pieces,
            content_type="application/json",
            headers={"Content-Disposition": 'attachment; filename="member-data.json"', "Cache-Control": "no-store"},
        )


class DataExportView(ServerView, _Export):
    required_scopes = {"GET": ApiKey.Scope.PRIVACY}

    @extend_schema(tags=["members"], summary="All data of a member", operation_id="members_data_export", **_DESCRIBED)
    def get(self, request, external_id):
        return super().get(request)


class MyDataExportView(MemberView, _Export):
    throttle_scope = "exports"

    @extend_schema(tags=["me"], summary="All my data", operation_id="me_data_export", **_DESCRIBED)
    def get(self, request):
        return super().get(request)
