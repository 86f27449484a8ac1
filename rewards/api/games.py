"""Games: what they cost and give, in numbers that anybody can check, and whether a member may play."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

from django.http import Http404
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.models import ApiKey
from loyalty.api import examples
from loyalty.api.views import MemberView, ServerView
from loyalty.models import Programme
from loyalty.selectors import balances
from loyalty.selectors import members as selectors
from loyalty.selectors import programme as programmes
from members.models import Member
from rewards.models import GameVersion, Prize
from rewards.selectors import games, odds
from rewards.services import plays


class OddsSerializer(serializers.Serializer):
    prize = serializers.CharField(help_text="Empty: nothing is won.")
    kind = serializers.ChoiceField(["points", "gift", "coupon", "nothing"])
    points = serializers.IntegerField()
    value = serializers.IntegerField(help_text="Market price, in minor units; points at what they pay for, rounded up.")
    weight = serializers.IntegerField(help_text="The chance is `weight` / `out_of`, exactly.")
    out_of = serializers.IntegerField()
    words = serializers.CharField(help_text="The chance in words, in the caller's language.")
    available = serializers.BooleanField(help_text="false: out of stock; the fallback is given instead.")
    is_fallback = serializers.BooleanField()


class ReasonSerializer(serializers.Serializer):
    code = serializers.ChoiceField(
        ["not_started", "over", "sold_out", "daily_limit", "lifetime_limit", "insufficient_points"]
    )
    missing = serializers.IntegerField(required=False)
    limit = serializers.IntegerField(required=False)
    again_at = serializers.DateTimeField(required=False)


class GameSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(["da_le_dou", "scratch", "wheel", "lottery"])
    description = serializers.CharField()
    version = serializers.IntegerField(help_text="What is said here never changes for a version.")
    stake = serializers.IntegerField(help_text="Points that one play or ticket costs.")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    daily_limit = serializers.IntegerField(allow_null=True, help_text="Plays a member and local day; null = no limit.")
    lifetime_limit = serializers.IntegerField(allow_null=True)
    won_points_days = serializers.IntegerField(
        allow_null=True, help_text="Points won are good for so many days; null = as long as the staked ones."
    )
    odds = OddsSerializer(many=True)
    rules = serializers.ListField(child=serializers.CharField(), help_text="In words, in the caller's language.")
    commitment = serializers.CharField(help_text="SHA-256 of the secret seed; the seed is revealed with my plays.")
    draws_at = serializers.DateTimeField(allow_null=True, help_text="Of a lottery.")
    tickets_least = serializers.IntegerField(allow_null=True, help_text="If fewer are sold, every stake goes back.")
    tickets_most = serializers.IntegerField(allow_null=True)
    tickets_sold = serializers.IntegerField()


class MyGameSerializer(GameSerializer):
    played_today = serializers.IntegerField()
    available = serializers.BooleanField(help_text="Whether I may play now.")
    reasons = ReasonSerializer(many=True, help_text="Why not.")


GAME: dict[str, Any] = {
    "code": "joy",
    "name": "Da Le Dou",
    "kind": "da_le_dou",
    "description": "Ten points for a chance of a thousand.",
    "version": 3,
    "stake": 10,
    "starts_at": "2026-03-01T00:00:00Z",
    "ends_at": "2026-04-01T00:00:00Z",
    "daily_limit": 3,
    "lifetime_limit": None,
    "won_points_days": None,
    "odds": [
        {
            "prize": "1,000 points",
            "kind": "points",
            "points": 1000,
            "value": 1000,
            "weight": 1,
            "out_of": 1000,
            "words": "1 in 1,000",
            "available": True,
            "is_fallback": False,
        },
        {
            "prize": "",
            "kind": "nothing",
            "points": 0,
            "value": 0,
            "weight": 999,
            "out_of": 1000,
            "words": "999 in 1,000",
            "available": True,
            "is_fallback": False,
        },
    ],
    "rules": ["Points you win are good as long as the points you stake."],
    "commitment": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "draws_at": None,
    "tickets_least": None,
    "tickets_most": None,
    "tickets_sold": 0,
}
MY_GAME = GAME | {"played_today": 3, "available": False, "reasons": [
    {"code": "daily_limit", "limit": 3, "again_at": "2026-03-02T16:00:00Z"}
]}  # fmt: skip


def document(version: GameVersion, programme: Programme) -> dict:
    """A version read by `games.active`, as everybody may see it."""
    prizes = list(version.prizes.all())
    told = odds.of(version, prizes, programme)
    return {
        "code": version.game.code,
        "name": version.game.name,
        "kind": version.game.kind,
        "description": version.game.description,
        "version": version.number,
        "odds": [_chance(version, chance, programme) for chance in told.chances],
        "rules": _rules(version, prizes),
        "commitment": games.commitment(version),
    } | {name: getattr(version, name) for name in _PLAIN}


_PLAIN = (
    "stake", "starts_at", "ends_at", "daily_limit", "lifetime_limit", "won_points_days", "draws_at", "tickets_least",
    "tickets_most", "tickets_sold",
)  # fmt: skip


def _chance(version: GameVersion, chance: odds.Chance, programme: Programme) -> dict:
    prize = chance.prize
    if version.game.is_lottery and prize is not None:
        weight, out_of = prize.stock or 0, max(version.tickets_sold, version.tickets_least or 1)
    else:
        out_of = version.weight_total
        weight = int(chance.probability * out_of)
    return {
        "prize": prize.name if prize else "",
        "kind": prize.kind if prize else "nothing",
        "points": prize.points if prize else 0,
        "value": plays.value_of(programme, prize),
        "weight": weight,
        "out_of": out_of,
        "words": in_words(Fraction(weight, out_of)),
        "available": prize is None or prize.remaining is None or prize.remaining > 0,
        "is_fallback": bool(prize and prize.is_fallback),
    }


def in_words(chance: Fraction) -> str:
    """Exactly, in lowest terms: 1 in 1,000."""
    numbers = {
        "numerator": number_format(chance.numerator, force_grouping=True),
        "denominator": number_format(chance.denominator, force_grouping=True),
    }
    return gettext("%(numerator)s in %(denominator)s") % numbers


def _rules(version: GameVersion, prizes: list[Prize]) -> list[str]:
    """What a player has to know beside the odds."""
    if version.won_points_days is not None:
        rules = [gettext("Points you win are good for %d days.") % version.won_points_days]
    elif version.game.is_lottery:
        rules = [gettext("Points you win are good as long as newly earned ones.")]
    else:
        rules = [gettext("Points you win are good as long as the points you stake.")]
    if version.game.is_lottery:
        return [
            gettext(
                "All tickets have the same chance; a ticket wins once. The odds are those of the tickets sold so far."
            ),
            gettext("If fewer than %d tickets are sold, every stake goes back.") % (version.tickets_least or 0),
            *rules,
        ]
    if any(prize.stock is not None for prize in prizes):
        fallback = next((prize.name for prize in prizes if prize.is_fallback), gettext("nothing"))
        rules.append(gettext("The odds never change. Who draws a prize that is out of stock gets: %s.") % fallback)
    if version.daily_budget is not None:
        rules.append(gettext("The game may rest for the rest of a day when much was won."))
    return rules


class GamesView(ServerView, APIView):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ}

    @extend_schema(
        tags=["games"],
        summary="The games that are on, with their odds",
        operation_id="games",
        responses=GameSerializer(many=True),
        examples=[examples.answer("One game", GAME)],
    )
    def get(self, request):
        programme = programmes.current()
        found = [document(version, programme) for version in games.active()]
        return Response(GameSerializer(found, many=True).data)


class GameView(ServerView, APIView):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ}

    @extend_schema(
        tags=["games"],
        summary="A game with its odds",
        operation_id="game",
        responses=GameSerializer,
        examples=[examples.answer("Da Le Dou", GAME)],
    )
    def get(self, request, code):
        return Response(GameSerializer(document(_found(code), programmes.current())).data)


def _found(code: str) -> GameVersion:
    version = games.active().filter(game__code=code).first()
    if version is None:
        raise Http404
    return version


def _mine(member: Member, versions: list[GameVersion], at: dt.datetime) -> list[dict]:
    """Games as a member sees them: whether she may play, and why not."""
    account = selectors.account_of(member)
    available = balances.of(account, at).available if account else 0
    done = games.played(member, [version.game for version in versions], at)
    programme, found = programmes.current(), []
    for version in versions:
        played = done.get(version.game_id, games.Played())
        reasons = [{"code": reason.code, **reason.extra} for reason in games.reasons(version, played, available, at)]
        found.append(
            document(version, programme) | {"played_today": played.today, "available": not reasons, "reasons": reasons}
        )
    return found


class MyGamesView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="The games I can play",
        operation_id="me_games",
        responses=MyGameSerializer(many=True),
        examples=[examples.answer("Played three times today", MY_GAME)],
    )
    def get(self, request):
        found = _mine(self.member(), list(games.active()), timezone.now())
        return Response(MyGameSerializer(found, many=True).data)


class MyGameView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="A game: its odds, its commitment, and whether I may play",
        operation_id="me_game",
        responses=MyGameSerializer,
        examples=[examples.answer("Played three times today", MY_GAME)],
    )
    def get(self, request, code):
        (found,) = _mine(self.member(), [_found(code)], timezone.now())
        return Response(MyGameSerializer(found).data)
