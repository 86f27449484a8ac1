"""/api/v1/channel/statement: what a channel owes for a month, and the terms it consists of (S1-24)."""

from __future__ import annotations

import datetime as dt
import re

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api.pagination import CursorPagination
from common.problems import InvalidInput
from members.models import PlanPurchase
from members.selectors import sales_channels

from .channel_sales import ChannelView


class TermSerializer(serializers.Serializer):
    """A term that was bought through the channel. Money in minor units."""

    term = serializers.UUIDField(source="uuid")
    offer = serializers.CharField(source="offer.code")
    reference = serializers.CharField(source="voucher.reference", default=None, allow_null=True)
    batch = serializers.CharField(source="voucher.batch.name", default=None, allow_null=True)
    price = serializers.IntegerField()
    paid_at = serializers.DateTimeField()
    refund = serializers.IntegerField()
    refunded_at = serializers.DateTimeField(allow_null=True)


class StatementSerializer(serializers.Serializer):
    """Money in minor units: `due` = `owed` − `refunded`."""

    channel = serializers.CharField(source="code")
    month = serializers.CharField()
    sold = serializers.IntegerField(help_text="Terms that were paid or redeemed in the month.")
    owed = serializers.IntegerField()
    returned = serializers.IntegerField(help_text="Terms that were paid back in the month.")
    refunded = serializers.IntegerField()
    due = serializers.SerializerMethodField()

    def get_due(self, channel) -> int:
        return channel.owed - channel.refunded


MONTH = OpenApiParameter("month", str, required=True, description="A month of the programme: 2026-03.")


def _month(request: Request) -> dt.date:
    """The month that the address asks for. Raises InvalidInput."""
    text = request.query_params.get("month", "")
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", text):
        detail = str(_("Name a month like 2026-03."))
        raise InvalidInput(errors=[{"pointer": "/month", "code": "invalid", "detail": detail}])
    return dt.date.fromisoformat(f"{text}-01")


class ChannelStatementView(ChannelView, APIView):
    @extend_schema(
        tags=["channel"],
        summary="My settlement of a month",
        operation_id="channel_statement",
        parameters=[MONTH],
        responses=StatementSerializer,
    )
    def get(self, request):
        month = _month(request)
        channel = sales_channels.settlement(month).get(pk=self.channel().pk)
        channel.month = f"{month:%Y-%m}"
        return Response(StatementSerializer(channel).data)


@extend_schema_view(
    get=extend_schema(
        tags=["channel"],
        summary="The terms that my settlement of a month consists of",
        operation_id="channel_terms",
        parameters=[MONTH],
        responses=TermSerializer,
    )
)
class ChannelTermsView(ChannelView, generics.ListAPIView):
    serializer_class = TermSerializer
    pagination_class = CursorPagination
    queryset = PlanPurchase.objects.none()

    def get_queryset(self):
        return sales_channels.terms(self.channel(), _month(self.request))
