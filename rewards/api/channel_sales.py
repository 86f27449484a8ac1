"""/api/v1/channel: a bank, an airline or a company sells codes for plans by itself, and sees what it owes (S1-24, E55).

Its key acts for one channel: nothing of another's is ever found. Members are not named to it.
"""

from __future__ import annotations

from typing import Annotated

from django.db.models import Count
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from msgspec import Meta, Struct
from rest_framework import generics, serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import idempotency, messages
from common.api.pagination import CursorPagination
from common.models import ApiKey
from common.problems import InvalidInput
from loyalty.api import examples
from loyalty.api.views import ServerView
from members.models import PlanOffer, SalesChannel, Voucher
from members.services import voucher_sales
from rewards.services import channel_sales

REFERENCE = r"(?P<reference>[A-Za-z0-9._~-]{1,100})"
Reference = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._~-]{1,100}$")]
Code = Annotated[str, Meta(max_length=60)]


class SaleAsked(Struct, frozen=True, kw_only=True):
    """`reference` is your order, and sells once. Name the `offer`, or the printed `code` that is to be activated."""

    reference: Reference
    offer: Code = ""
    code: Code = ""


class CancelAsked(Struct, frozen=True, kw_only=True):
    reason: Annotated[str, Meta(max_length=200)] = ""


class StockSerializer(serializers.Serializer):
    offer = serializers.CharField(source="code")
    name = serializers.CharField()
    term_days = serializers.IntegerField()
    left = serializers.IntegerField(help_text="Codes that can still be sold.")


class SaleSerializer(serializers.Serializer):
    """Money in minor units. Nothing is owed before the code is redeemed."""

    reference = serializers.CharField()
    offer = serializers.CharField(source="batch.offer.code")
    code = serializers.CharField()
    state = serializers.SerializerMethodField()
    sold_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(source="batch.expires_at", help_text="To be redeemed until then.")
    redeemed_at = serializers.DateTimeField(allow_null=True)
    cancelled_at = serializers.DateTimeField(source="void_at", allow_null=True)
    price = serializers.IntegerField(source="batch.price", help_text="Owed once it is redeemed.")
    refund = serializers.SerializerMethodField(help_text="Comes back to the channel.")

    def get_refund(self, voucher: Voucher) -> int:
        purchase = getattr(voucher, "purchase", None)
        return purchase.refund if purchase else 0

    def get_state(self, voucher: Voucher) -> str:
        """sold, redeemed, refunded, cancelled"""
        if voucher.redeemed_at is not None:
            return "refunded" if voucher.void_at is not None else "redeemed"
        return "cancelled" if voucher.void_at is not None else "sold"


SOLD = {
    "reference": "A-1001",
    "offer": "plus-year",
    "code": "7Q3M9WXK2TBH5C",
    "state": "sold",
    "sold_at": "2026-03-01T04:00:00Z",
    "expires_at": "2026-12-31T16:00:00Z",
    "redeemed_at": None,
    "cancelled_at": None,
    "price": 11900,
    "refund": 0,
}


class ChannelView(ServerView):
    """Mixin: called by a sales channel, about itself."""

    required_scopes = {"GET": ApiKey.Scope.CHANNEL_SELL, "POST": ApiKey.Scope.CHANNEL_SELL}

    def channel(self) -> SalesChannel:
        """The channel for which the key acts."""
        channel = SalesChannel.objects.filter(keys__key=self.request.user.key).first()
        if channel is None:
            raise PermissionDenied
        return channel


class ChannelStockView(ChannelView, APIView):
    @extend_schema(
        tags=["channel"],
        summary="Offers of which I have codes to sell",
        operation_id="channel_stock",
        responses=StockSerializer(many=True),
    )
    def get(self, request):
        unsold = voucher_sales.for_sale(self.channel(), timezone.now())
        left = dict(unsold.order_by().values_list("batch__offer").annotate(left=Count("pk")))
        offers = list(PlanOffer.objects.filter(pk__in=left).order_by("code"))
        for offer in offers:
            offer.left = left[offer.pk]
        return Response(StockSerializer(offers, many=True).data)


@extend_schema_view(
    get=extend_schema(
        tags=["channel"], summary="What I sold, newest first", operation_id="channel_sales", responses=SaleSerializer
    )
)
class ChannelSalesView(ChannelView, generics.ListAPIView):
    serializer_class = SaleSerializer
    pagination_class = CursorPagination
    queryset = Voucher.objects.none()

    def get_queryset(self):
        return voucher_sales.of(self.channel())

    @extend_schema(
        tags=["channel"],
        summary="Sell a code, or activate a printed one",
        description="The same `reference` sells once and answers the same again (200). Only codes that were made for the API.",
        operation_id="channel_sales_post",
        request=SaleAsked,
        responses={201: SaleSerializer, 200: SaleSerializer},
        examples=[
            examples.request("A code of an offer", {"reference": "A-1001", "offer": "plus-year"}),
            examples.answer("Sold", SOLD, 201),
        ],
    )
    @idempotency.once
    def post(self, request):
        asked = messages.read(request, SaleAsked)
        if bool(asked.offer) == bool(asked.code):
            detail = str(_("Name either the offer or the printed code."))
            raise InvalidInput(errors=[{"pointer": "/offer", "code": "invalid", "detail": detail}])
        sold, is_new = voucher_sales.sell(
            self.channel(), asked.reference, timezone.now(), offer=asked.offer, code=asked.code
        )
        return Response(SaleSerializer(sold).data, status=201 if is_new else 200)


class ChannelSaleView(ChannelView, APIView):
    @extend_schema(tags=["channel"], summary="One sale of mine", operation_id="channel_sale", responses=SaleSerializer)
    def get(self, request, reference):
        sold = voucher_sales.of(self.channel()).filter(reference=reference).first()
        if sold is None:
            raise Http404
        return Response(SaleSerializer(sold).data)


class ChannelSaleCancelView(ChannelView, APIView):
    @extend_schema(
        tags=["channel"],
        summary="Cancel a sale of mine",
        description="A code that nobody has redeemed is void, and nothing is owed. Of a term that runs comes back, to you, "
        "what the offer's policy gives; if that is nothing, 409 `no_refund_due`. Cancelled again it answers the same.",
        operation_id="channel_sale_cancel",
        request=CancelAsked,
        responses=SaleSerializer,
    )
    @idempotency.once
    def post(self, request, reference):
        asked = messages.read(request, CancelAsked)
        sold = channel_sales.cancel(
            self.channel(), reference, reason=asked.reason, actor=request.user.actor, at=timezone.now()
        )
        return Response(SaleSerializer(sold).data)
