"""A merchant's member prices: listed, set one by one or as a list, changed, taken away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from msgspec import UNSET, Meta, Struct, UnsetType
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import idempotency, messages
from common.api.filters import BooleanFilter
from common.api.pagination import CursorPagination
from common.problems import InvalidInput
from loyalty.api import examples
from loyalty.models import Tier
from members.models import Plan
from merchants.models import Deed, MemberPrice, Merchant
from merchants.models.prices import MOST
from merchants.selectors import prices as selector
from merchants.services import prices

from .views import MerchantView

Price = Annotated[int, Meta(ge=1, le=MOST)]
Code = Annotated[str, Meta(min_length=1, max_length=60)]
Instant = Annotated[dt.datetime, Meta(tz=True)]


class NewMemberPrice(Struct, frozen=True, kw_only=True):
    """What one piece of a SKU costs (minor units) for a `tier` or above, for a `plan`, or for a `membership` from a `level` on.

    Without `store` it holds in all stores; without `ends_at` until further notice.
    """

    sku: Annotated[str, Meta(min_length=1, max_length=100)]
    price: Price
    starts_at: Instant
    ends_at: Instant | None = None
    store: Code | None = None
    tier: Code | None = None
    plan: Code | None = None
    membership: Code | None = None
    level: Annotated[int, Meta(ge=1, le=5)] | None = None


class ListedMemberPrice(NewMemberPrice, frozen=True, kw_only=True):
    """One of many prices."""


class MemberPriceList(Struct, frozen=True, kw_only=True):
    """Prices to set at once, all or none."""

    prices: Annotated[list[ListedMemberPrice], Meta(min_length=1, max_length=1000)]


class MemberPriceChange(Struct, frozen=True, kw_only=True):
    """Another price or end; what is left out stays. For whom and from when it holds is set anew with a new price."""

    price: Price | UnsetType = UNSET
    ends_at: Instant | UnsetType | None = UNSET


class MemberPriceSerializer(serializers.ModelSerializer):
    store = serializers.CharField(source="store.code", allow_null=True, default=None)
    tier = serializers.CharField(source="tier.code", allow_null=True, default=None)
    plan = serializers.CharField(source="plan.code", allow_null=True, default=None)
    membership = serializers.UUIDField(source="club.uuid", allow_null=True, default=None)

    class Meta:
        model = MemberPrice
        fields = [
            "uuid", "sku", "store", "tier", "plan", "membership", "level", "price", "starts_at", "ends_at", "changed_at",
        ]  # fmt: skip
        read_only_fields = fields


class TakenSerializer(serializers.Serializer):
    added = serializers.IntegerField()
    changed = serializers.IntegerField()


class MemberPriceFilter(filters.FilterSet):
    store = filters.CharFilter("store__code")
    tier = filters.CharFilter("tier__code")
    plan = filters.CharFilter("plan__code")
    in_force = BooleanFilter(method="now", help_text="Those that hold now, or those that do not.")

    class Meta:
        model = MemberPrice
        fields = ["sku"]

    def now(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        held = selector.in_force(timezone.now())
        return rows.filter(held) if value else rows.exclude(held)


NEW = {"sku": "sku-9", "price": 8800, "plan": "plus", "starts_at": "2026-03-01T00:00:00Z", "ends_at": None}
PRICE = {
    "uuid": "0b0f8d8e-94b5-4e9e-8f0e-5f6a3c8c9d10", "sku": "sku-9", "store": None, "tier": None, "plan": "plus",
    "membership": None, "level": None, "price": 8800, "starts_at": "2026-03-01T00:00:00Z", "ends_at": None,
    "changed_at": "2026-02-20T09:00:00Z",
}  # fmt: skip


class PricesBase(MerchantView):
    deeds = {"GET": Deed.LOOK, "POST": Deed.EDIT, "PUT": Deed.EDIT, "PATCH": Deed.EDIT, "DELETE": Deed.EDIT}

    def rows(self) -> QuerySet[MemberPrice]:
        rows = MemberPrice.objects.filter(merchant=self.merchant())
        return rows.select_related("merchant", "store", "tier", "plan", "club")


@extend_schema_view(
    get=extend_schema(
        tags=["merchant"],
        summary="My member prices, the newest first",
        operation_id="merchant_member_prices",
        examples=[examples.answer("A PLUS price", PRICE)],
    )
)
class MemberPricesView(PricesBase, generics.ListAPIView):
    serializer_class = MemberPriceSerializer
    pagination_class = CursorPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = MemberPriceFilter
    queryset = MemberPrice.objects.none()

    def get_queryset(self):
        return self.rows()

    @extend_schema(
        tags=["merchant"],
        summary="Set a member price",
        description="A price with the same SKU, store, buyers and start is changed; of several that hold, the lowest wins.",
        operation_id="merchant_member_prices_set",
        request=NewMemberPrice,
        responses={201: MemberPriceSerializer},
        examples=[examples.request("A PLUS price", NEW), examples.answer("A PLUS price", PRICE, status=201)],
    )
    @idempotency.once
    def post(self, request):
        asked = messages.read(request, NewMemberPrice)
        try:
            row = _Names(self.merchant(), [asked]).rows()[0]
            prices.put(self.merchant(), [row], request.user.actor, timezone.now())
        except InvalidInput as problem:
            raise InvalidInput(problem.detail, errors=_without_number(problem.errors)) from None
        return Response(MemberPriceSerializer(self._kept(row)).data, status=201)

    @extend_schema(
        tags=["merchant"],
        summary="Set many member prices at once, all or none",
        operation_id="merchant_member_prices_put",
        request=MemberPriceList,
        responses=TakenSerializer,
        examples=[
            examples.request("Two prices", {"prices": [NEW, NEW | {"sku": "sku-10"}]}),
            examples.answer("Taken", {"added": 1, "changed": 1}),
        ],
    )
    def put(self, request):
        asked = messages.read(request, MemberPriceList)
        try:
            rows = _Names(self.merchant(), asked.prices).rows()
            added, changed = prices.put(self.merchant(), rows, request.user.actor, timezone.now())
        except InvalidInput as problem:
            errors = [{**error, "pointer": f"/prices{error['pointer']}"} for error in problem.errors]
            raise InvalidInput(problem.detail, errors=errors) from None
        return Response(TakenSerializer({"added": added, "changed": changed}).data)

    def _kept(self, row: MemberPrice) -> MemberPrice:
        names = ("store", "sku", "tier", "plan", "club", "level", "starts_at")
        return self.rows().get(**{name: getattr(row, name) for name in names})


class MemberPriceView(PricesBase, APIView):
    def _row(self, uuid) -> MemberPrice:
        row = self.rows().filter(uuid=uuid).first()
        if row is None:
            raise Http404
        return row

    @extend_schema(
        tags=["merchant"],
        summary="One of my member prices",
        operation_id="merchant_member_prices_read",
        responses=MemberPriceSerializer,
    )
    def get(self, request, uuid):
        return Response(MemberPriceSerializer(self._row(uuid)).data)

    @extend_schema(
        tags=["merchant"],
        summary="Change a member price or its end",
        operation_id="merchant_member_prices_change",
        request=MemberPriceChange,
        responses=MemberPriceSerializer,
        examples=[examples.request("Cheaper", {"price": 8500})],
    )
    def patch(self, request, uuid):
        row, asked = self._row(uuid), messages.read(request, MemberPriceChange)
        amount = row.price if asked.price is UNSET else asked.price
        ends_at = row.ends_at if asked.ends_at is UNSET else asked.ends_at
        prices.change(row, amount=amount, ends_at=ends_at, actor=request.user.actor, at=timezone.now())
        return Response(MemberPriceSerializer(self._row(uuid)).data)

    @extend_schema(
        tags=["merchant"],
        summary="Take a member price away",
        operation_id="merchant_member_prices_remove",
        responses={204: None},
    )
    def delete(self, request, uuid):
        prices.remove(self._row(uuid), request.user.actor, timezone.now())
        return Response(status=204)


class _Names:
    """Rows from messages: what they name is the merchant's own or the programme's, read in four queries at most."""

    def __init__(self, merchant: Merchant, asked: Sequence[NewMemberPrice]):
        self._asked = asked
        self._known = {
            "store": {store.code: store for store in merchant.stores.filter(code__in={one.store for one in asked})},
            "tier": {tier.code: tier for tier in Tier.objects.all()},
            "plan": {plan.code: plan for plan in Plan.objects.all()},
            "membership": {str(club.uuid): club for club in merchant.clubs.all()},
        }

    def rows(self) -> list[MemberPrice]:
        """Raises InvalidInput, with a pointer to each name that nobody bears."""
        errors: list[dict] = []
        rows = [self._row(number, one, errors) for number, one in enumerate(self._asked)]
        if errors:
            raise InvalidInput(_("Some names are not known; nothing was changed."), errors=errors)
        return rows

    def _row(self, number: int, one: NewMemberPrice, errors: list[dict]) -> MemberPrice:
        found = {}
        for column, known in self._known.items():
            name = getattr(one, column)
            found[column] = known.get(name)
            if name is not None and found[column] is None:
                detail = str(_("There is no such thing here: %s") % name)
                errors.append({"pointer": f"/{number}/{column}", "code": "unknown", "detail": detail})
        chosen = [who for who in ("tier", "plan", "membership") if getattr(one, who) is not None]
        if len(chosen) != 1:
            detail = str(_("Name a tier, a plan or a membership, and only one of them."))
            errors.append({"pointer": f"/{number}", "code": "one_of", "detail": detail})
        return MemberPrice(
            who={"membership": "club"}.get(chosen[0], chosen[0]) if chosen else "",
            sku=one.sku,
            price=one.price,
            level=one.level,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            store=found["store"],
            tier=found["tier"],
            plan=found["plan"],
            club=found["membership"],
        )


def _without_number(errors: list[dict]) -> list[dict]:
    """Pointers into a body that is one price, not a list."""
    return [{**error, "pointer": error["pointer"].removeprefix("/0") or ""} for error in errors]
