"""Plays: a stake, what it won, and what anybody needs to check it."""

from __future__ import annotations

from typing import Annotated, Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from msgspec import Meta, Struct
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import idempotency, messages
from common.api.pagination import CursorPagination
from common.problems import InvalidInput
from loyalty.api import examples
from loyalty.api.views import MemberView
from members.api.risk_guards import guarded
from members.models import Member
from members.models.risk_words import Action
from rewards.models import Outcome, Play, Prize, PrizeClaim
from rewards.selectors import games
from rewards.services import plays


class PlayRequest(Struct, frozen=True, kw_only=True):
    """`commitment` is the one the game was shown with; `client_seed` is the member's own share in the draw."""

    commitment: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    client_seed: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]


class PlaySerializer(serializers.Serializer):
    uuid = serializers.UUIDField()
    game = serializers.CharField(source="game.code")
    version = serializers.IntegerField(source="version.number")
    at = serializers.DateTimeField()
    stake = serializers.IntegerField()
    state = serializers.SerializerMethodField(help_text="won, lost, waiting (for the draw), or returned (called off).")
    prize = serializers.SerializerMethodField()
    fell_on = serializers.SerializerMethodField(help_text="The prize drawn; another one than `prize` if out of stock.")
    ticket = serializers.IntegerField(allow_null=True)
    number = serializers.IntegerField(allow_null=True, help_text="Drawn out of the version's total.")
    client_seed = serializers.CharField()
    nonce = serializers.IntegerField(
        help_text="From 1 for each seed: after the member's own plays, and after all with this client seed."
    )
    commitment = serializers.CharField(source="period.commitment")
    server_seed = serializers.CharField(
        source="period.revealed_seed", allow_null=True, help_text="null until revealed."
    )
    delivery = serializers.SerializerMethodField(help_text="Of a gift or coupon: open, sent or delivered; else null.")
    redemption = serializers.SerializerMethodField(
        help_text="Where the code of a coupon is that was handed out: /me/redemptions/{uuid}; else null."
    )

    def get_state(self, play: Play) -> str:
        if play.ticket is None:
            return "won" if play.prize else "lost"
        if play.version.drawn_at is None:
            return "waiting"
        outcome = _outcome(play)
        return "lost" if outcome is None else "won" if outcome.prize else "returned"

    def get_prize(self, play: Play) -> str:
        return _name(_prize(play))

    def get_fell_on(self, play: Play) -> str:
        return _name(play.drawn)

    def get_delivery(self, play: Play) -> str | None:
        claim: PrizeClaim | None = getattr(play, "claim", None)
        return claim.status if claim else None

    def get_redemption(self, play: Play) -> str | None:
        claim: PrizeClaim | None = getattr(play, "claim", None)
        return str(claim.redemption.uuid) if claim and claim.redemption else None


def _name(prize: Prize | None) -> str:
    return prize.name if prize else ""


def _outcome(play: Play) -> Outcome | None:
    return getattr(play, "outcome", None)


def _prize(play: Play) -> Prize | None:
    outcome = _outcome(play)
    return outcome.prize if outcome else play.prize


COMMITMENT = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
PLAY: dict[str, Any] = {
    "uuid": "5f0c6f6e-8f0b-4f38-9a55-0b8f6f1c2d3e",
    "game": "joy",
    "version": 3,
    "at": "2026-03-01T04:00:00Z",
    "stake": 10,
    "state": "won",
    "prize": "1,000 points",
    "fell_on": "1,000 points",
    "ticket": None,
    "number": 0,
    "client_seed": "my-lucky-words",
    "nonce": 1,
    "commitment": COMMITMENT,
    "server_seed": None,
    "delivery": None,
    "redemption": None,
}


def _of(member: Member) -> QuerySet[Play]:
    """The plays of the member and of those merged into her, with everything that is told of them."""
    return games.of_member(member).select_related(
        "game", "version", "period", "prize", "drawn", "outcome__prize", "claim__redemption"
    )


def _asked(view: MemberView, request, code: str) -> tuple[str, str, dict[str, str]]:
    return Action.PLAY, view.member().external_id, {}


class MyGamePlaysView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="Play",
        description=(
            "Takes the stake and draws at once; a lottery's ticket waits for its draw. The Idempotency-Key is required: "
            "the same key gives the same play and the same prize. Once `server_seed` is revealed, HMAC-SHA256(server_seed, "
            "`client_seed:nonce`) gives the number; see docs/decisions/0022."
        ),
        operation_id="me_game_plays_post",
        parameters=[
            OpenApiParameter(
                idempotency.HEADER,
                idempotency.KEY,
                OpenApiParameter.HEADER,
                required=True,
                description="Names the play.",
            )
        ],
        request=PlayRequest,
        responses={201: PlaySerializer},
        examples=[
            examples.request("With words of my own", {"commitment": COMMITMENT, "client_seed": "my-lucky-words"}),
            examples.answer("The top prize", PLAY, 201),
        ],
    )
    @idempotency.once
    @guarded(_asked)
    def post(self, request, code):
        asked = messages.read(request, PlayRequest)
        key = request.headers.get(idempotency.HEADER)
        if not key:
            raise InvalidInput(gettext("A play needs an Idempotency-Key, so that it is never paid twice."))
        play = plays.play(
            self.member(),
            code,
            commitment=asked.commitment,
            client_seed=asked.client_seed,
            key=key,
            at=timezone.now(),
        )
        return Response(PlaySerializer(_of(play.member).get(pk=play.pk)).data, status=201)


class PlayFilter(filters.FilterSet):
    game = filters.CharFilter("game__code", help_text="A game's code.")

    class Meta:
        model = Play
        fields: list[str] = []


@extend_schema_view(
    get=extend_schema(
        tags=["me"],
        summary="My plays, newest first",
        operation_id="me_plays",
        examples=[examples.answer("A play", PLAY)],
    )
)
class MyPlaysView(MemberView, generics.ListAPIView):
    serializer_class = PlaySerializer
    pagination_class = CursorPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = PlayFilter
    queryset = Play.objects.none()

    def get_queryset(self):
        return _of(self.member())
