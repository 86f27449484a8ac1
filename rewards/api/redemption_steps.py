"""The steps of a redemption, told by the shop's server: it places, packs, sends, uses and takes back."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from msgspec import Meta, Struct
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import messages
from common.api.idempotency import once
from common.models import ApiKey
from loyalty.api.examples import answer
from loyalty.api.views import ServerView
from rewards.services import fulfilment, redemptions

from . import examples
from .redemption_documents import RedemptionSerializer, document
from .redemptions import Reasoned

Short = Annotated[str, Meta(max_length=100)]


class Used(Reasoned, frozen=True, kw_only=True):
    """`order`: the order it was used for. If that is cancelled as a whole, a coupon is good again by itself."""

    order: Short = ""


class Paid(Struct, frozen=True, kw_only=True):
    """The shop's name for the payment of the cash part."""

    payment: Short = ""


class Sent(Struct, frozen=True, kw_only=True):
    """The number by which the parcel is found."""

    tracking: Short = ""


class StepView(ServerView, APIView):
    """One step of a redemption, told by the shop's server. Subclasses say which."""

    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}

    def step(self, request, uuid: uuid.UUID, verb, **said: str) -> Response:
        return Response(document(verb(uuid, actor=request.user.actor, at=timezone.now(), **said)))


def _documented(verb: str, summary: str, message: type[Struct] | None, example: dict, **more: Any):
    return extend_schema(
        tags=["members"],
        summary=summary,
        operation_id=f"redemptions_{verb}",
        request=message,
        responses=RedemptionSerializer,
        examples=[answer("Done", example)],
        **more,
    )


class PlaceView(StepView):
    @_documented(
        "place",
        "A held redemption has been paid: spend the points and hand it out",
        Paid,
        examples.REDEMPTION,
        description="`payment` is asked for if it costs money. Placed again by the same payment it stays placed.",
    )
    @once
    @transaction.atomic
    def post(self, request, uuid):
        return self.step(request, uuid, redemptions.place, payment=messages.read(request, Paid).payment)


class FulfilView(StepView):
    @_documented("fulfil", "A gift is being packed: the member cannot cancel it any more", None, examples.GIFT)
    @once
    @transaction.atomic
    def post(self, request, uuid):
        return self.step(request, uuid, fulfilment.fulfil)


class ShipView(StepView):
    @_documented("ship", "A gift is on its way", Sent, examples.GIFT)
    @once
    @transaction.atomic
    def post(self, request, uuid):
        return self.step(request, uuid, fulfilment.ship, tracking=messages.read(request, Sent).tracking)


class DeliverView(StepView):
    @_documented("deliver", "A gift has arrived", None, examples.GIFT)
    @once
    @transaction.atomic
    def post(self, request, uuid):
        return self.step(request, uuid, fulfilment.deliver)


class UseView(StepView):
    @_documented(
        "use",
        "A coupon or a right has been used: it is not given back any more",
        Used,
        examples.USED,
        description="Used again for the same `order` it stays used. Another order, or another call without one, is 409 "
        "`reward_used`; an order that was cancelled is 409 `order_cancelled`, a coupon for the order of another member "
        "`order_of_another`: it stays good.",
    )
    @once
    @transaction.atomic
    def post(self, request, uuid):
        asked = messages.read(request, Used)
        return self.step(request, uuid, fulfilment.use, reason=asked.reason, order=asked.order)


class ReinstateView(StepView):
    @_documented(
        "reinstate",
        "The order it was used for was cancelled as a whole: it is good again",
        Reasoned,
        examples.REDEMPTION,
        description="A partly refunded order keeps its coupon used. What has expired meanwhile stays used.",
    )
    @once
    @transaction.atomic
    def post(self, request, uuid):
        return self.step(request, uuid, fulfilment.reinstate, reason=messages.read(request, Reasoned).reason)


class ReturnView(StepView):
    @_documented(
        "return", "What was handed out came back unused: the points go back to their lots", Reasoned, examples.RETURNED
    )
    @once
    @transaction.atomic
    def post(self, request, uuid):
        return self.step(request, uuid, redemptions.give_back, reason=messages.read(request, Reasoned).reason)


class CancelView(StepView):
    @_documented(
        "cancel", "Undo a redemption before it is sent: the points go back to their lots", Reasoned, examples.RETURNED
    )
    @once
    @transaction.atomic
    def post(self, request, uuid):
        return self.step(request, uuid, redemptions.cancel, reason=messages.read(request, Reasoned).reason)
