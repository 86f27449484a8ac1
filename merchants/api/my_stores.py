"""A member's memberships of merchants: level, what is missing to the next, points of the card, join and leave."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import messages
from common.api.pagination import CursorPagination
from loyalty.api import examples
from loyalty.api.views import MemberView
from members.models import Member
from merchants.models import Card, CardEntry, CardEvent, Level, Store
from merchants.selectors import cards as selectors
from merchants.services import cards, intake


class Join(intake.Joining, frozen=True):
    """At which store, on what way, and what the member agrees to besides; a card of the brand brings `link` with it."""


class LevelSerializer(serializers.ModelSerializer):
    class Meta:
        model = Level
        fields = ["number", "name", "threshold", "multiplier_percent", "benefits", "colour"]
        read_only_fields = fields


class CardNextLevelSerializer(serializers.Serializer):
    number = serializers.IntegerField()
    name = serializers.CharField()
    missing = serializers.IntegerField(help_text="Money in minor units, or orders; see `basis`.")


class AnnouncedSerializer(serializers.Serializer):
    on = serializers.DateField(help_text="From this local day.")
    levels = LevelSerializer(many=True)


class CardPointsSerializer(serializers.Serializer):
    amount = serializers.IntegerField()
    unit = serializers.CharField(help_text="What the merchant calls them. They are no points of the programme.")


class MembershipSerializer(serializers.Serializer):
    membership = serializers.UUIDField()
    name = serializers.CharField()
    merchant = serializers.CharField(help_text="Its code, which consents name.")
    merchant_name = serializers.CharField()
    scope = serializers.CharField(help_text="`single`, `joint` or `brand`.")
    status = serializers.CharField(help_text="Of the membership: `open`, `winding_down`, `closed`.")
    ends_at = serializers.DateTimeField(allow_null=True)
    exchange_permille = serializers.IntegerField(
        allow_null=True, help_text="When it ends: points of the programme for 1,000 of the card."
    )
    external_card = serializers.CharField()
    basis = serializers.CharField(help_text="Members rise by `amount` or by `orders`.")
    level = LevelSerializer(allow_null=True)
    next_level = CardNextLevelSerializer(allow_null=True)
    announced = AnnouncedSerializer(allow_null=True, help_text="Levels that come into force on a later day.")
    points = CardPointsSerializer()
    spent = serializers.IntegerField(help_text="Minor units, after refunds, since the card was opened.")
    orders = serializers.IntegerField()
    joined_at = serializers.DateTimeField()


class CardEventSerializer(serializers.ModelSerializer):
    text = serializers.CharField(source="get_kind_display")

    class Meta:
        model = CardEvent
        fields = ["kind", "text", "channel", "before", "after", "at"]
        read_only_fields = fields


class MembershipDetailSerializer(MembershipSerializer):
    history = CardEventSerializer(many=True, help_text="The newest first, 50 at most.")


class MembershipsSerializer(serializers.Serializer):
    stores = MembershipSerializer(many=True)


LEVEL = {
    "number": 2, "name": "Gold", "threshold": 200000, "multiplier_percent": 150, "benefits": "Free gift wrap",
    "colour": "#c9a227",
}  # fmt: skip
MEMBERSHIP = {
    "membership": "9b2f7a4e-3f0b-4a57-9a57-2f8d5f2c1a77", "name": "Acme club", "merchant": "acme",
    "merchant_name": "Acme", "scope": "single", "status": "open", "ends_at": None, "exchange_permille": None,
    "external_card": "", "basis": "amount", "level": LEVEL,
    "next_level": {"number": 3, "name": "Black", "missing": 450000}, "announced": None,
    "points": {"amount": 1280, "unit": "miles"}, "spent": 550000, "orders": 12, "joined_at": "2026-01-05T08:00:00Z",
}  # fmt: skip
EVENT = {
    "kind": "joined",
    "text": "Opened the card",
    "channel": "app",
    "before": "",
    "after": "",
    "at": "2026-01-05T08:00:00Z",
}


def document(rows: list[Card], at: dt.datetime) -> list[dict]:
    """Cards with the levels of their clubs; two queries for all of them."""
    rules = selectors.rules([card.club_id for card in rows], at)
    return [MembershipSerializer(_membership(card, rules[card.club_id])).data for card in rows]


def _membership(card: Card, rules: selectors.Rules) -> dict:
    club, above = card.club, rules.next(card)
    ends = club.ends_at is not None
    return {
        "membership": club.uuid,
        "name": club.name,
        "merchant": club.merchant.code,
        "merchant_name": club.merchant.name,
        "scope": club.scope,
        "status": club.status,
        "ends_at": club.ends_at,
        "exchange_permille": club.exchange_permille if ends else None,
        "external_card": card.external_card,
        "basis": rules.basis,
        "level": rules.of(card),
        "next_level": {"number": above[0].number, "name": above[0].name, "missing": above[1]} if above else None,
        "announced": {"on": rules.announced_on, "levels": rules.announced} if rules.announced else None,
        "points": {"amount": card.points, "unit": club.unit_name},
        "spent": card.spent,
        "orders": card.orders,
        "joined_at": card.joined_at,
    }


class MyStoresView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="My memberships of merchants",
        operation_id="me_stores",
        responses=MembershipsSerializer,
        examples=[examples.answer("One membership", {"stores": [MEMBERSHIP]})],
    )
    def get(self, request):
        rows = list(selectors.of_member(self.member()))
        return Response({"stores": document(rows, timezone.now())})

    @extend_schema(
        tags=["me"],
        summary="Join at a store",
        description="Opens a card in every open membership that the store takes part in; an open card stays as it is.",
        operation_id="me_stores_join",
        request=Join,
        responses={201: MembershipsSerializer},
        examples=[
            examples.request("From the app", {"store": "acme-1", "channel": "app", "consents": ["contact"]}),
            examples.answer("Joined", {"stores": [MEMBERSHIP]}, 201),
        ],
    )
    def post(self, request):
        wish, now, member = messages.read(request, Join), timezone.now(), self.member()
        store = Store.objects.select_related("merchant").filter(code=wish.store).first()
        if store is None:
            raise intake.UnknownStore(store=wish.store)
        clubs = intake.open_clubs(store)
        if not clubs:
            raise cards.ClubNotOpen
        with transaction.atomic():
            joined = intake.join(member, wish, clubs, store, now)
        return Response({"stores": document([card for card, _is_news in joined], now)}, status=201)


class MyStoreView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="A membership, with its history",
        operation_id="me_stores_read",
        responses=MembershipDetailSerializer,
        examples=[examples.answer("A membership", {**MEMBERSHIP, "history": [EVENT]})],
    )
    def get(self, request, uuid):
        card = _mine(self.member(), uuid)
        history = card.events.order_by("-at", "-pk")[:50]
        return Response(document([card], timezone.now())[0] | {"history": CardEventSerializer(history, many=True).data})

    @extend_schema(
        tags=["me"],
        summary="Leave a membership",
        description="Points of the card stay on it, should the member come back. Consents are withdrawn at `/me/consents`.",
        operation_id="me_stores_leave",
        responses={204: None},
    )
    def delete(self, request, uuid):
        if not cards.leave(_mine(self.member(), uuid), at=timezone.now(), reference="member"):
            raise Http404
        return Response(status=204)


class CardEntrySerializer(serializers.ModelSerializer):
    """One movement of one figure of the card."""

    number = serializers.IntegerField(source="seq")
    text = serializers.CharField(source="get_kind_display")
    change = serializers.IntegerField(source="delta", help_text="Negative goes out.")

    class Meta:
        model = CardEntry
        fields = ["number", "unit", "kind", "text", "change", "balance_after", "reference", "at"]
        read_only_fields = fields


class NewestFirst(CursorPagination):
    ordering = "-seq"


@extend_schema_view(
    get=extend_schema(
        tags=["me"],
        summary="Every movement on my card, the newest first",
        operation_id="me_stores_transactions",
        examples=[
            examples.answer(
                "An order",
                {"number": 7, "unit": "points", "kind": "order", "text": "Order", "change": 66, "balance_after": 1280,
                 "reference": "order:o-1001", "at": "2026-03-01T10:00:00Z"},
            )
        ],
    )
)  # fmt: skip
class MyStoreTransactionsView(MemberView, generics.ListAPIView):
    serializer_class = CardEntrySerializer
    pagination_class = NewestFirst
    queryset = CardEntry.objects.none()

    def get_queryset(self):
        return CardEntry.objects.filter(card=_mine(self.member(), self.kwargs["uuid"]))


def _mine(member: Member, uuid) -> Card:
    card = selectors.of_member(member).filter(club__uuid=uuid).first()
    if card is None:
        raise Http404
    return card
