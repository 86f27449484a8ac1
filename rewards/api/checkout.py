"""POST /api/v1/checkout/quote: what a basket costs a member, what points can do for it, what it earns."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from django.utils import timezone
from django.utils.translation import gettext
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
from rewards.api import coupons
from rewards.api.coupons import CouponReasonField, CouponTermsSerializer
from rewards.selectors.coupons import Tried
from rewards.services import checkout


class QuoteRequestLine(Struct, frozen=True, kw_only=True):
    """`cash` is the list price of the whole line, before member prices and points, in minor units."""

    line: LineNumber
    cash: Amount
    sku: Word = ""
    category: Word = ""
    store: Annotated[str, Meta(max_length=60)] = ""
    quantity: Quantity = 1
    virtual: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)


class QuoteRequest(Struct, frozen=True, kw_only=True):
    """A basket. Points never pay for `freight`. `coupon` is the code of one coupon of the member's that is to be used.

    `channel` and `attributes` are those that the order will say: earning rules may ask for them.
    """

    member: ExternalId
    lines: Annotated[list[QuoteRequestLine], Meta(min_length=1, max_length=1000)]
    channel: Channel = ""
    freight: Amount = 0
    coupon: Word = ""
    attributes: dict[str, Any] = field(default_factory=dict)


class QuoteLineSerializer(serializers.Serializer):
    line = serializers.CharField()
    list_price = serializers.IntegerField(help_text="As asked, for the whole line.")
    price = serializers.IntegerField(help_text="The member's price of the whole line, before coupon and points.")
    because = serializers.CharField(help_text="Why it is lower, in the caller's language; else empty.")
    coupon = serializers.IntegerField(help_text="Its share of the coupon; price = coupon + points' worth + cash.")
    points = serializers.IntegerField()
    cash = serializers.IntegerField(help_text="What is left to pay in money, in minor units.")


class FreightSerializer(serializers.Serializer):
    asked = serializers.IntegerField()
    to_pay = serializers.IntegerField()
    free_from = serializers.IntegerField(
        allow_null=True, help_text="Shipping is free from this sum of goods at the member's prices; null = never."
    )
    missing = serializers.IntegerField(allow_null=True, help_text="How much more has to be bought for it.")
    waived = serializers.IntegerField(
        help_text="Not asked for. Tell it with the order (`freight_waived`, and `free_from`), so that refunds know."
    )
    back_charge = serializers.BooleanField(
        help_text="Whether what is waived is deducted from a refund, if goods sent back without a fault of the seller leave "
        "less than `free_from`."
    )


class CouponShareSerializer(serializers.Serializer):
    line = serializers.CharField()
    off = serializers.IntegerField()


class CouponSerializer(serializers.Serializer):
    """A coupon of the member's, as if it alone were used on these lines."""

    redemption = serializers.UUIDField(help_text="By which the shop says that it was used.")
    code = serializers.CharField()
    reward = serializers.CharField(help_text="The reward's code.")
    name = serializers.CharField()
    worth = serializers.IntegerField(help_text="In minor units, as the catalogue says.")
    until = serializers.DateTimeField(allow_null=True)
    terms = CouponTermsSerializer(allow_null=True, help_text="What it takes off and of what; null = the shop's to say.")
    applies = serializers.BooleanField()
    off = serializers.IntegerField(help_text="What it takes off the member's prices, in minor units.")
    lines = CouponShareSerializer(many=True, help_text="Where it falls, by largest remainder on the prices.")
    reasons = serializers.ListField(child=CouponReasonField(), help_text="Why it takes nothing off; else empty.")


class PlanSavingSerializer(serializers.Serializer):
    plan = serializers.CharField()
    name = serializers.CharField()
    total = serializers.IntegerField(help_text="What the plan would save on this basket, in minor units.")
    prices = serializers.IntegerField(help_text="Of which by lower prices.")
    freight = serializers.IntegerField(help_text="Of which by free shipping.")
    points = serializers.IntegerField(help_text="Points earned besides; negative if lower prices earn fewer.")
    points_value = serializers.IntegerField(help_text="Their worth, part of the total.")
    basis = serializers.CharField(help_text="What it was reckoned from, in the caller's language.")


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
    list_total = serializers.IntegerField(help_text="All lines at the list price.")
    total = serializers.IntegerField(
        help_text="All lines at the member's prices, before coupon and points, without freight."
    )
    coupon_off = serializers.IntegerField(help_text="What the coupon that was asked for takes off; else 0.")
    saving = serializers.IntegerField(help_text="What member prices and discounts save.")
    freight = FreightSerializer()
    coupons = CouponSerializer(many=True, help_text="All that the member holds, the soonest to expire first.")
    plans = PlanSavingSerializer(many=True, help_text="Paid plans that would save something here, the most first.")


BASKET = {
    "member": "cust-42",
    "lines": [
        {"line": "1", "sku": "sku-9", "category": "books", "store": "acme-1", "quantity": 2, "cash": 7000},
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
    "lines": [
        {
            "line": "1",
            "list_price": 7000,
            "price": 6660,
            "because": "Gold price",
            "coupon": 0,
            "points": 3000,
            "cash": 3660,
        },
        {"line": "2", "list_price": 1000, "price": 1000, "because": "", "coupon": 0, "points": 1000, "cash": 0},
    ],
    "list_total": 8000,
    "total": 7660,
    "coupon_off": 0,
    "saving": 340,
    "freight": {"asked": 600, "to_pay": 600, "free_from": 9900, "missing": 3240, "waived": 0, "back_charge": False},
    "coupons": [
        {
            "redemption": "5d0c5f2e-2f43-4b5c-8d7f-0f6c4b1de9a3",
            "code": "TEA-7QK2",
            "reward": "tea-500",
            "name": "5.00 off tea",
            "worth": 500,
            "until": "2026-12-31T16:00:00Z",
            "terms": coupons.TERMS | {"categories": ["tea"], "text": "5.00 CNY off, for tea"},
            "applies": False,
            "off": 0,
            "lines": [],
            "reasons": [{"code": "no_line_fits", "detail": "It is for other goods: 5.00 CNY off, for tea."}],
        }
    ],
    "plans": [
        {
            "plan": "plus",
            "name": "PLUS",
            "total": 960,
            "prices": 360,
            "freight": 600,
            "points": 0,
            "points_value": 0,
            "basis": "Prices, free shipping and points of PLUS on this basket; nothing else is counted.",
        }
    ],
}


def document(quote: checkout.Quote) -> dict[str, Any]:
    """The quote as it is answered."""
    basket = quote.basket
    return {name: getattr(quote, name) for name in _PLAIN} | {
        "lines": [dataclasses.asdict(line) for line in quote.lines],
        "list_total": basket.list_cash,
        "total": basket.cash,
        "coupon_off": basket.cash - basket.to_pay,
        "saving": basket.list_cash - basket.cash,
        "freight": {
            "asked": basket.freight,
            "to_pay": basket.freight_to_pay,
            "free_from": basket.free_shipping_from,
            "missing": basket.missing_for_free_shipping,
            "waived": basket.waived,
            "back_charge": quote.back_charge,
        },
        "coupons": [_coupon(tried, quote) for tried in quote.coupons],
        "plans": [_saving(saving) for saving in quote.plans],
    }


_PLAIN = (
    "max_points", "points_step", "points_value", "points_available", "points_to_earn", "points_to_earn_with_points",
    "growth_to_earn", "growth_to_earn_with_points",
)  # fmt: skip


def _coupon(tried: Tried, quote: checkout.Quote) -> dict[str, Any]:
    redemption, reward = tried.redemption, tried.redemption.reward
    shares = zip(quote.lines, tried.shares, strict=True)
    return {
        "redemption": redemption.uuid,
        "code": redemption.code.code,
        "reward": reward.code,
        "name": reward.name,
        "worth": reward.perceived_value,
        "until": redemption.expires_at,
        "terms": coupons.terms(reward),
        "applies": not tried.reasons,
        "off": tried.off,
        "lines": [{"line": line.line, "off": share} for line, share in shares if share],
        "reasons": tried.reasons,
    }


def _saving(saving: checkout.PlanSaving) -> dict[str, Any]:
    basis = gettext("Prices, free shipping and points of %s on this basket; nothing else is counted.")
    return {
        "plan": saving.plan.code,
        "name": saving.plan.name,
        "total": saving.total,
        "prices": saving.prices,
        "freight": saving.freight,
        "points": saving.points,
        "points_value": saving.points_value,
        "basis": basis % saving.plan.name,
    }


class QuoteView(ServerView, APIView):
    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}

    @extend_schema(
        tags=["checkout"],
        summary="What a basket costs a member, what points can do for it, and what it earns",
        description=(
            "Nothing is written and nothing is set aside; see holds for that. An order completed with these lines "
            "(`cash` and `points` as quoted) earns just what is quoted. The order of what lowers a price: the best member "
            "price or discount of each line, then one coupon (`coupon`) on what is left, then points. Free shipping looks at "
            "goods after the coupon. A coupon that does not apply is 409 `coupon_refused` with `reasons`."
        ),
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
        quote = checkout.quote(
            member,
            basket,
            channel=asked.channel,
            at=timezone.now(),
            freight=asked.freight,
            coupon=asked.coupon,
            attributes=asked.attributes,
        )
        return Response(QuoteSerializer(document(quote)).data)
