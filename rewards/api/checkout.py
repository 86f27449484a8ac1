"""POST /api/v1/checkout/quote: what points can do for a basket."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from msgspec import Meta, Struct, field
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import messages
from common.models import ApiKey
from loyalty.api import examples
from loyalty.api.holds import LineNumber, refuse_twins
from loyalty.api.views import ServerView
from loyalty.messages import Amount, Channel, Quantity, Word
from loyalty.selectors import members as selectors
from loyalty.services.occasions import Item
from members.services import members
from members.services.profiles import ExternalId
from rewards.services import checkout


class QuoteRequestLine(Struct, frozen=True, kw_only=True):
    """`cash` is the price of the whole line before points, in minor units."""

    line: LineNumber
    cash: Amount
    sku: Word = ""
    category: Word = ""
    store: Annotated[str, Meta(max_length=60)] = ""
    quantity: Quantity = 1
    virtual: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)


class QuoteRequest(Struct, frozen=True, kw_only=True):
    """A basket. Points never pay for `freight`."""

    member: ExternalId
    lines: Annotated[list[QuoteRequestLine], Meta(min_length=1, max_length=1000)]
    channel: Channel = ""
    freight: Amount = 0


class QuoteLineSerializer(serializers.Serializer):
    line = serializers.CharField()
    points = serializers.IntegerField()
    cash = serializers.IntegerField(help_text="What is left to pay in money, in minor units.")


class QuoteSerializer(serializers.Serializer):
    max_points = serializers.IntegerField(help_text="The most points this basket may take from this member now.")
    points_step = serializers.IntegerField(help_text="Points for goods are used in multiples of this.")
    points_value = serializers.IntegerField(help_text="What `max_points` are worth, in minor units.")
    points_available = serializers.IntegerField()
    points_to_earn = serializers.IntegerField(help_text="If no points are used.")
    points_to_earn_with_points = serializers.IntegerField(help_text="If `max_points` are used.")
    growth_to_earn = serializers.IntegerField(help_text="Whole growth, if no points are used.")
    growth_to_earn_with_points = serializers.IntegerField(help_text="Whole growth, if `max_points` are used.")
    lines = QuoteLineSerializer(many=True, help_text="How `max_points` fall on the lines.")


BASKET = {
    "member": "cust-42",
    "lines": [
        {"line": "1", "sku": "sku-9", "category": "books", "quantity": 2, "cash": 6660},
        {"line": "2", "sku": "gift-card", "cash": 1000, "virtual": True},
    ],
    "freight": 600,
}
OFFER = {
    "max_points": 4000,
    "points_step": 1000,
    "points_value": 4000,
    "points_available": 5300,
    "points_to_earn": 76,
    "points_to_earn_with_points": 36,
    "growth_to_earn": 66,
    "growth_to_earn_with_points": 36,
    "lines": [{"line": "1", "points": 3000, "cash": 3660}, {"line": "2", "points": 1000, "cash": 0}],
}


class QuoteView(ServerView, APIView):
    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}

    @extend_schema(
        tags=["checkout"],
        summary="What points can do for a basket, and what the basket earns",
        description="Nothing is written and nothing is set aside; see holds for that.",
        operation_id="checkout_quote",
        request=QuoteRequest,
        responses=QuoteSerializer,
        examples=[examples.request("A book and a gift card", BASKET), examples.answer("The offer", OFFER)],
    )
    def post(self, request):
        asked = messages.read(request, QuoteRequest)
        refuse_twins([line.line for line in asked.lines])
        member = selectors.with_wallets().get(pk=members.active(asked.member).pk)
        basket = [
            Item(
                number=line.line,
                sku=line.sku,
                category=line.category,
                store=line.store,
                quantity=line.quantity,
                cash=line.cash,
                virtual=line.virtual,
                attributes=line.attributes,
            )
            for line in asked.lines
        ]
        quote = checkout.quote(member, basket, channel=asked.channel, at=timezone.now())
        return Response(dataclasses.asdict(quote))
