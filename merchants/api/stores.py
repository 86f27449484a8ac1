"""A merchant's own stores and the members of its memberships."""

from __future__ import annotations

from django.http import Http404
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api.pagination import CursorPagination
from common.models import Look
from loyalty.api import examples
from members.api.members import InstantFilter
from members.selectors import consents
from merchants.models import Card, Deed, Store
from merchants.selectors import cards as selectors

from .my_stores import CardEventSerializer
from .views import MerchantView


class StoreSerializer(serializers.ModelSerializer):
    brand = serializers.CharField(source="brand.code", allow_null=True, default=None)
    memberships = serializers.SerializerMethodField()

    class Meta:
        model = Store
        fields = ["code", "name", "brand", "memberships"]
        read_only_fields = fields

    def get_memberships(self, store: Store) -> list[str]:
        return [str(row.club.uuid) for row in store.club_stores.all()]


class ByCode(CursorPagination):
    ordering = "code"


@extend_schema_view(
    get=extend_schema(
        tags=["merchant"],
        summary="My stores",
        operation_id="merchant_stores",
        examples=[examples.answer("A store", {"code": "acme-1", "name": "Acme", "brand": None, "memberships": []})],
    )
)
class StoresView(MerchantView, generics.ListAPIView):
    deeds = {"GET": Deed.LOOK}
    serializer_class = StoreSerializer
    pagination_class = ByCode
    queryset = Store.objects.none()

    def get_queryset(self):
        rows = Store.objects.filter(merchant=self.merchant())
        return rows.select_related("brand").prefetch_related("club_stores__club")


class CardSerializer(serializers.ModelSerializer):
    """A member of a membership: the card's own figures. What else a member bought is in `insights`, with consent."""

    card = serializers.UUIDField(source="uuid", help_text="Names the member here.")
    membership = serializers.UUIDField(source="club.uuid")
    name = serializers.SerializerMethodField(help_text="Empty when the member has left the membership.")
    store = serializers.CharField(
        source="store.code", allow_null=True, default=None, help_text="Where the card was opened."
    )
    consents = serializers.SerializerMethodField(help_text="What the member agreed to: `insight`, `contact`, `link`.")

    class Meta:
        model = Card
        fields = [
            "card", "membership", "name", "status", "level", "points", "spent", "orders", "channel", "store",
            "external_card", "consents", "joined_at", "left_at", "last_order_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_name(self, card: Card) -> str:
        return selectors.known_name(card)

    def get_consents(self, card: Card) -> list[str]:
        return sorted(self.context["consents"].get(card.member_id, ()))


class CardDetailSerializer(CardSerializer):
    history = CardEventSerializer(many=True, help_text="The newest first, 50 at most.")

    class Meta(CardSerializer.Meta):
        fields = [*CardSerializer.Meta.fields, "history"]
        read_only_fields = fields


class CardFilter(filters.FilterSet):
    membership = filters.UUIDFilter("club__uuid")
    external_card = filters.CharFilter("external_card", "exact")
    joined_after = InstantFilter("joined_at", "gte")
    joined_before = InstantFilter("joined_at", "lt")

    class Meta:
        model = Card
        fields = ["status", "level", "channel"]


CARD = {
    "card": "0b0f8d8e-94b5-4e9e-8f0e-5f6a3c8c9d10", "membership": "9b2f7a4e-3f0b-4a57-9a57-2f8d5f2c1a77", "name": "Li Na",
    "status": "active", "level": 2, "points": 1280, "spent": 550000, "orders": 12, "channel": "app", "store": "acme-1",
    "external_card": "", "consents": ["contact"], "joined_at": "2026-01-05T08:00:00Z", "left_at": None,
    "last_order_at": "2026-03-01T10:00:00Z",
}  # fmt: skip


class MembersBase(MerchantView):
    deeds = {"GET": Deed.LOOK}

    def context(self, rows: list[Card]) -> dict:
        """What the members of a page agreed to for this merchant; one query."""
        agreed = consents.of_members([card.member_id for card in rows], self.merchant().code)
        return {"request": self.request, "consents": agreed}


@extend_schema_view(
    get=extend_schema(
        tags=["merchant"],
        summary="Members of my memberships, the newest first",
        operation_id="merchant_members",
        examples=[examples.answer("A member", CARD)],
    )
)
class MembersView(MembersBase, generics.ListAPIView):
    serializer_class = CardSerializer
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = CardFilter
    queryset = Card.objects.none()

    def get_queryset(self):
        return selectors.of_merchant(self.merchant())

    def list(self, request, *args, **kwargs):
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        self.note_look(Look.Kind.LIST, "merchants.card", rows=len(page))
        return self.get_paginated_response(CardSerializer(page, many=True, context=self.context(page)).data)


class MemberView(MembersBase, APIView):
    @extend_schema(
        tags=["merchant"],
        summary="A member of my memberships, with history",
        operation_id="merchant_members_read",
        responses=CardDetailSerializer,
    )
    def get(self, request, uuid):
        card = selectors.of_merchant(self.merchant()).filter(uuid=uuid).first()
        if card is None:
            raise Http404
        self.note_look(Look.Kind.PAGE, "merchants.card", subject=card.member.external_id)
        card.history = card.events.order_by("-at", "-pk")[:50]
        return Response(CardDetailSerializer(card, context=self.context([card])).data)
