"""Redemptions: a member takes rewards and hands them back; the shop's server places, packs, sends and uses them."""

from __future__ import annotations

import hashlib
import uuid
from typing import Annotated, Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from msgspec import Meta, Struct
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import documents, messages
from common.api.idempotency import HEADER, once
from common.api.pagination import CursorPagination
from common.models import ApiKey
from loyalty.api.examples import answer, request
from loyalty.api.views import MemberView, ServerView
from members.api.risk_guards import guarded
from members.models.risk_words import Action
from rewards.api import coupons
from rewards.models import Code, Redemption, Reward
from rewards.selectors import catalogue
from rewards.services import fulfilment, redemptions
from rewards.services.refusals import UnknownRedemption

from . import examples

RewardCode = Annotated[str, Meta(min_length=1, max_length=60)]
Reason = Annotated[str, Meta(max_length=300)]
Short = Annotated[str, Meta(max_length=100)]


class RedemptionRequest(Struct, frozen=True, kw_only=True):
    """A reward that costs money besides is held until the shop tells that it was paid."""

    reward: RewardCode


class ServerRedemptionRequest(RedemptionRequest, frozen=True, kw_only=True):
    """`hold`: only set it aside, even if it costs points alone; place it later."""

    hold: bool = False


class Reasoned(Struct, frozen=True, kw_only=True):
    """Why; it stands in the history."""

    reason: Reason = ""


class Used(Reasoned, frozen=True, kw_only=True):
    """`order`: the order it was used for. If that is cancelled as a whole, a coupon is good again by itself."""

    order: Short = ""


class Paid(Struct, frozen=True, kw_only=True):
    """The shop's name for the payment of the cash part."""

    payment: Short = ""


class Sent(Struct, frozen=True, kw_only=True):
    """The number by which the parcel is found."""

    tracking: Short = ""


class TakenRewardSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    symbol = serializers.CharField(help_text="A Material Symbols name.")
    colour = serializers.CharField()
    picture = serializers.SerializerMethodField(help_text="null: show the symbol in its colour.")
    coupon = serializers.SerializerMethodField(help_text="What a coupon takes off; null = it is none, or does not say.")

    def get_picture(self, reward) -> str | None:
        return reward.picture or None

    @extend_schema_field(coupons.CouponTermsSerializer(allow_null=True))
    def get_coupon(self, reward) -> dict[str, Any] | None:
        return coupons.terms(reward)


class StepSerializer(serializers.Serializer):
    status = serializers.CharField(source="after")
    at = serializers.DateTimeField()


class RedemptionSerializer(serializers.ModelSerializer):
    """One reward that a member took. Money is in minor units."""

    member = serializers.CharField(source="member.external_id")
    reward = TakenRewardSerializer()
    text = serializers.SerializerMethodField(help_text="The status in the caller's language.")
    points = serializers.IntegerField()
    cash = serializers.IntegerField()
    price_for = serializers.CharField(source="basis", help_text="list; tier:…, segment:…, plan:… with its code; gift.")
    code = serializers.SerializerMethodField(help_text="The code to use it with; null if there is none, or no more.")
    instructions = serializers.SerializerMethodField(help_text="How the partner's code is used.")
    held_until = serializers.SerializerMethodField(help_text="It lets go by itself then; null unless it is held.")
    restored = serializers.IntegerField(help_text="Points that came back.")
    order = serializers.CharField(source="order_code", help_text="The order it was used for; else empty.")
    history = StepSerializer(many=True, source="steps")

    class Meta:
        model = Redemption
        fields = [
            "uuid", "member", "reward", "status", "text", "points", "cash", "price_for", "code", "instructions",
            "created_at", "held_until", "expires_at", "tracking", "restored", "order", "history",
        ]  # fmt: skip

    def get_text(self, redemption) -> str:
        return str(Redemption.Status(redemption.status).label)

    def get_code(self, redemption) -> str | None:
        code = getattr(redemption, "code", None)
        return code.code if code is not None and code.status in _SHOWN else None

    def get_instructions(self, redemption) -> str:
        partner = redemption.reward.partner
        return partner.instructions if partner and self.get_code(redemption) else ""

    def get_held_until(self, redemption) -> str | None:
        held = redemption.status == Redemption.Status.HELD
        return serializers.DateTimeField().to_representation(redemption.hold.expires_at) if held else None


_SHOWN = (Code.Status.CLAIMED, Code.Status.USED, Code.Status.EXPIRED)


def whole(found: QuerySet[Redemption]) -> QuerySet[Redemption]:
    """Everything that documents of redemptions read, in two queries."""
    found = found.select_related("member", "reward__partner", "code", "hold")
    # The model computes the attribute for who has not asked for it here.
    return found.prefetch_related(Prefetch("events", to_attr="steps"))  # type: ignore[no-redef]


def document(redemption: Redemption) -> dict[str, Any]:
    """A redemption as the last step has left it; what that step has not read is read now."""
    return documents.write(RedemptionSerializer, redemption)


class RedemptionFilter(filters.FilterSet):
    class Meta:
        model = Redemption
        fields = ["status"]


class RedemptionsBase(generics.ListAPIView):
    """Newest first."""

    serializer_class = RedemptionSerializer
    pagination_class = CursorPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = RedemptionFilter
    queryset = Redemption.objects.none()

    def get_queryset(self):
        return whole(catalogue.of_member(self.member()))

    def take(self, name: str, asked: ServerRedemptionRequest | RedemptionRequest) -> Response:
        """The header's key guards the redemption itself, too: a key whose answer was purged does not take it twice."""
        verb = redemptions.hold if getattr(asked, "hold", False) else redemptions.redeem
        made = verb(name, asked.reward, key=self._key(), actor=self.request.user.actor, at=timezone.now())
        return Response(document(made), status=201)

    def _key(self) -> str:
        said = self.request.headers.get(HEADER)
        return hashlib.sha256(f"{self.request.user.principal}/{said}".encode()).hexdigest() if said else ""


def _asked(view: APIView, request, external_id: str) -> tuple[str, str, dict[str, str]]:
    return _action(messages.read(request, ServerRedemptionRequest).reward), external_id, {}


def _asked_by_me(view: MemberView, request) -> tuple[str, str, dict[str, str]]:
    return _action(messages.read(request, RedemptionRequest).reward), view.member().external_id, {}


def _action(reward: str) -> str:
    """Coupons are hoarded, other rewards are emptied accounts (domain.md S2-49): rules tell them apart."""
    is_coupon = Reward.objects.filter(code=reward, kind=Reward.Kind.COUPON).exists()
    return Action.COUPON if is_coupon else Action.REDEMPTION


_LIST = [answer("A coupon", examples.REDEMPTION)]
_TAKE = [request("A coupon", examples.REDEMPTION_REQUEST), answer("Taken", examples.REDEMPTION, 201)]
_REFUSALS = (
    "A refusal is 409; its `code` is that of the gravest reason, and `reasons` has them all, as in the catalogue."
)


@extend_schema_view(
    get=extend_schema(tags=["me"], summary="What I took, newest first", operation_id="me_redemptions", examples=_LIST)
)
class MyRedemptionsView(MemberView, RedemptionsBase):
    @extend_schema(
        tags=["me"],
        summary="Take a reward",
        description=f"Placed and handed out at once; held if it costs money besides. {_REFUSALS}",
        operation_id="me_redemptions_redeem",
        request=RedemptionRequest,
        responses={201: RedemptionSerializer},
        examples=_TAKE,
    )
    @once
    @guarded(_asked_by_me)
    def post(self, request):
        return self.take(self.member().external_id, messages.read(request, RedemptionRequest))


class MyRedemptionView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="One of the rewards I took",
        operation_id="me_redemption",
        responses=RedemptionSerializer,
        examples=[answer("A coupon", examples.REDEMPTION)],
    )
    def get(self, request, uuid):
        found = whole(catalogue.of_member(self.member())).filter(uuid=uuid).first()
        if found is None:
            raise UnknownRedemption
        return Response(document(found))


class MyRedemptionCancelView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="Give a reward back",
        description="What is not packed yet, or a coupon of ours that is not used. The points go back to where they "
        "came from, with their expiry. Cancelled again it stays cancelled.",
        operation_id="me_redemptions_cancel",
        request=Reasoned,
        responses=RedemptionSerializer,
        examples=[request("Why", {"reason": "Not needed"}), answer("Given back", examples.RETURNED)],
    )
    @once
    @transaction.atomic
    def post(self, request, uuid):
        asked = messages.read(request, Reasoned)
        undone = redemptions.cancel(
            uuid, reason=asked.reason, by=self.member(), actor=request.user.actor, at=timezone.now()
        )
        return Response(document(undone))


@extend_schema_view(
    get=extend_schema(
        tags=["members"],
        summary="What a member took, newest first",
        operation_id="members_redemptions",
        examples=_LIST,
    )
)
class RedemptionsView(ServerView, RedemptionsBase):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ, "POST": ApiKey.Scope.POINTS_WRITE}

    @extend_schema(
        tags=["members"],
        summary="Take a reward for a member",
        description=f"Placed and handed out at once; held if it costs money besides, or if asked to. {_REFUSALS}",
        operation_id="members_redemptions_redeem",
        request=ServerRedemptionRequest,
        responses={201: RedemptionSerializer},
        examples=_TAKE,
    )
    @once
    @guarded(_asked)
    def post(self, request, external_id):
        return self.take(external_id, messages.read(request, ServerRedemptionRequest))


class RedemptionView(ServerView, APIView):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ}

    @extend_schema(
        tags=["members"],
        summary="A redemption",
        operation_id="redemptions_read",
        responses=RedemptionSerializer,
        examples=[answer("A coupon", examples.REDEMPTION)],
    )
    def get(self, request, uuid):
        found = whole(Redemption.objects).filter(uuid=uuid).first()
        if found is None:
            raise UnknownRedemption
        return Response(document(found))


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
        "`reward_used`; an order that was cancelled is 409 `order_cancelled`, and the coupon stays good.",
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
