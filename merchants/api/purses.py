"""A merchant's purse: balance, lots, statement, and buying points."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from django.http import Http404
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from msgspec import Meta, Struct
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common import clock
from common.api import messages
from common.api.idempotency import once
from common.api.pagination import CursorPagination
from common.problems import InvalidInput
from loyalty.api import examples
from loyalty.models import Entry, Lot
from merchants.models import Deed, PointPack, PointPurchase, PurchaseStep, Purse
from merchants.selectors import purses as selectors
from merchants.services import purchases, purses

from .views import MerchantView

PURSE = {"available": 82000, "set_aside": 4000, "low_at": 5000, "is_low": False, "closed_at": None}
LOT = {
    "remaining": 10000, "points": 10000, "source": "purchase", "since": "2026-03-01T04:00:00Z",
    "expires_at": "2027-03-01T16:00:00Z",
}  # fmt: skip
MOVEMENT = {
    "at": "2026-03-02T04:00:00Z", "what": "given", "campaign": "Welcome", "change": -100, "moved": 0, "total": 85900,
}  # fmt: skip
PURCHASE = {
    "purchase": "4f0a3c52-0f7f-4b0e-9d2b-0f7a6c1e8d11", "status": "submitted", "pack": None, "points": 10000, "price": 10000,
    "fee": 50, "total": 10050, "validity_days": None, "refunded_points": 0, "refunded_money": 0,
    "drafted_at": "2026-03-01T04:00:00Z", "credited_at": None,
    "steps": [{"step": "drafted", "at": "2026-03-01T04:00:00Z"}, {"step": "submitted", "at": "2026-03-01T04:05:00Z"}],
}  # fmt: skip


class MerchantPurseSerializer(serializers.Serializer):
    available = serializers.IntegerField(help_text="Points in the purse now.")
    set_aside = serializers.IntegerField(help_text="Points in the pockets of running campaigns.")
    low_at = serializers.IntegerField(help_text="`purse.low` is told once when fewer are left; 0 = never.")
    is_low = serializers.BooleanField()
    closed_at = serializers.DateTimeField(allow_null=True, help_text="A closed purse pays for nothing any more.")


class PurseLotSerializer(serializers.ModelSerializer):
    points = serializers.IntegerField(source="earned")
    since = serializers.DateTimeField(source="earned_at")
    expires_at = serializers.SerializerMethodField(help_text="Null: never.")

    class Meta:
        model = Lot
        fields = ["remaining", "points", "source", "since", "expires_at"]

    def get_expires_at(self, lot: Lot) -> dt.datetime | None:
        return None if selectors.never_expires(lot) else lot.expires_at


class MovementSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    what = serializers.ChoiceField(
        ["bought", "paid_back", "set_aside", "returned", "given", "taken_back", "expired", "adjusted"]
    )
    campaign = serializers.CharField(source="about", help_text="The campaign's name, if it was one.")
    change = serializers.IntegerField(help_text="Of purse and pockets together.")
    moved = serializers.IntegerField(help_text="Between purse (negative: out of it) and pockets; no change in all.")
    total = serializers.IntegerField(help_text="In purse and pockets afterwards.")


class PurchaseStepSerializer(serializers.ModelSerializer):
    class Meta:
        model = PurchaseStep
        fields = ["step", "at"]


class PurchaseSerializer(serializers.ModelSerializer):
    purchase = serializers.UUIDField(source="uuid")
    pack = serializers.CharField(source="pack.code", allow_null=True, default=None)
    total = serializers.IntegerField(help_text="To pay, in minor units: price + fee.")
    steps = PurchaseStepSerializer(many=True)

    class Meta:
        model = PointPurchase
        fields = [
            "purchase", "status", "pack", "points", "price", "fee", "total", "validity_days", "refunded_points",
            "refunded_money", "drafted_at", "credited_at", "steps",
        ]  # fmt: skip
        read_only_fields = fields


class PurchaseDraft(Struct, frozen=True, kw_only=True):
    """Either a pack by its code or a number of points."""

    pack: Annotated[str, Meta(min_length=1, max_length=60)] | None = None
    points: Annotated[int, Meta(ge=1, le=10**12)] | None = None


class PurseBase(MerchantView):
    def purse(self) -> Purse:
        """The own purse, made if there is none."""
        return purses.of(self.merchant())


class PurseView(PurseBase, APIView):
    deeds = {"GET": Deed.LOOK}

    @extend_schema(
        tags=["merchant"],
        summary="My purse",
        operation_id="merchant_purse",
        responses=MerchantPurseSerializer,
        examples=[examples.answer("The purse", PURSE)],
    )
    def get(self, request):
        purse = self.purse()
        available = selectors.available(purse, timezone.now())
        return Response(
            {
                "available": available,
                "set_aside": selectors.set_aside(purse),
                "low_at": purse.low_at,
                "is_low": available < purse.low_at,
                "closed_at": purse.account.closed_at,
            }
        )


class SoonestFirst(CursorPagination):
    ordering = ("expires_at", "lot_seq")


@extend_schema_view(
    get=extend_schema(
        tags=["merchant"],
        summary="What lies in my purse, in the order in which it will be given",
        operation_id="merchant_purse_lots",
        examples=[examples.answer("A pack", LOT)],
    )
)
class PurseLotsView(PurseBase, generics.ListAPIView):
    deeds = {"GET": Deed.LOOK}
    serializer_class = PurseLotSerializer
    pagination_class = SoonestFirst
    queryset = Lot.objects.none()

    def get_queryset(self):
        return selectors.lots(self.purse(), timezone.now())


class Movements(CursorPagination):
    """The newest first; the running total is counted back from the first row of the page, in one query."""

    ordering = "-id"


class PurseStatementView(PurseBase, generics.GenericAPIView):
    deeds = {"GET": Deed.LOOK}
    serializer_class = MovementSerializer
    pagination_class = Movements
    queryset = Entry.objects.none()

    @extend_schema(
        tags=["merchant"],
        summary="Every movement of my purse and its campaigns, the newest first",
        description="Whom a gift reached is not said here. `month` (2026-03) narrows it.",
        operation_id="merchant_purse_statement",
        parameters=[OpenApiParameter("month", str, description="A month, as 2026-03.")],
        responses=MovementSerializer(many=True),
        examples=[examples.answer("A gift", MOVEMENT)],
    )
    def get(self, request):
        rows = whole = selectors.entries(self.purse())
        if "month" in request.query_params:
            first = _month(request.query_params["month"])
            rows = rows.filter(posted_on__gte=first, posted_on__lt=clock.months_after(first, 1))
        page = sorted(self.paginate_queryset(rows), key=lambda row: row.pk)
        opening = selectors.total(whole.filter(pk__lt=page[0].pk)) if page else 0
        lines = selectors.lines(page, opening)
        return self.get_paginated_response(MovementSerializer(reversed(lines), many=True).data)


def _month(text: str) -> dt.date:
    try:
        return clock.month(text)
    except ValueError:
        error = {"pointer": "/month", "code": "invalid", "detail": "Write a month like 2026-03."}
        raise InvalidInput(errors=[error]) from None


class PurchaseFilter(filters.FilterSet):
    class Meta:
        model = PointPurchase
        fields = ["status"]


class NewestPurchases(CursorPagination):
    ordering = "-id"


class PurchaseBase(MerchantView):
    def rows(self):
        own = PointPurchase.objects.filter(merchant=self.merchant())
        return own.select_related("pack", "merchant").prefetch_related("steps")

    def purchase(self) -> PointPurchase:
        """The own purchase the address names. Raises Http404."""
        purchase = self.rows().filter(uuid=self.kwargs["uuid"]).first()
        if purchase is None:
            raise Http404
        return purchase

    def answer(self, purchase: PointPurchase, status: int = 200) -> Response:
        return Response(PurchaseSerializer(self.rows().get(pk=purchase.pk)).data, status=status)


@extend_schema_view(
    get=extend_schema(
        tags=["merchant"],
        summary="My purchases of points, the newest first",
        operation_id="merchant_purchases",
        examples=[examples.answer("A purchase", PURCHASE)],
    )
)
class PurchasesView(PurchaseBase, generics.ListAPIView):
    deeds = {"GET": Deed.LOOK, "POST": Deed.BUY}
    serializer_class = PurchaseSerializer
    pagination_class = NewestPurchases
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = PurchaseFilter
    queryset = PointPurchase.objects.none()

    def get_queryset(self):
        return self.rows()

    @extend_schema(
        tags=["merchant"],
        summary="Draft a purchase of points",
        description="Its cost is fixed now: q·v + fee, or the price of the pack. Nothing is owed before it is submitted.",
        operation_id="merchant_purchases_create",
        request=PurchaseDraft,
        responses={201: PurchaseSerializer},
        examples=[
            examples.request("10,000 points", {"points": 10000}),
            examples.answer("The draft", PURCHASE | {"status": "draft"}, status=201),
        ],
    )
    @once
    def post(self, request):
        asked = messages.read(request, PurchaseDraft)
        pack = None
        if asked.pack is not None:
            pack = PointPack.objects.filter(code=asked.pack).first()
            if pack is None:
                error = {"pointer": "/pack", "code": "unknown", "detail": "There is no such pack."}
                raise InvalidInput(errors=[error])
        purchase = purchases.draft(
            self.merchant(), pack=pack, points=asked.points, actor=request.user.actor, at=timezone.now()
        )
        return self.answer(purchase, 201)


class PurchaseView(PurchaseBase, APIView):
    deeds = {"GET": Deed.LOOK}

    @extend_schema(
        tags=["merchant"],
        summary="A purchase",
        operation_id="merchant_purchases_read",
        responses=PurchaseSerializer,
        examples=[examples.answer("The purchase", PURCHASE)],
    )
    def get(self, request, uuid):
        return self.answer(self.purchase())


class PurchaseSubmitView(PurchaseBase, APIView):
    deeds = {"POST": Deed.BUY}

    @extend_schema(
        tags=["merchant"],
        summary="Submit a purchase",
        description="It is not changed any more. The points come when the platform's finance has approved the payment.",
        operation_id="merchant_purchases_submit",
        request=None,
        responses=PurchaseSerializer,
        examples=[examples.answer("Submitted", PURCHASE)],
    )
    @once
    def post(self, request, uuid):
        return self.answer(purchases.submit(self.purchase(), actor=request.user.actor, at=timezone.now()))


class PurchaseCancelView(PurchaseBase, APIView):
    deeds = {"POST": Deed.BUY}

    @extend_schema(
        tags=["merchant"],
        summary="Cancel a purchase that was not paid",
        operation_id="merchant_purchases_cancel",
        request=None,
        responses=PurchaseSerializer,
        examples=[examples.answer("Cancelled", PURCHASE | {"status": "cancelled"})],
    )
    @once
    def post(self, request, uuid):
        return self.answer(purchases.cancel(self.purchase(), actor=request.user.actor, at=timezone.now()))
