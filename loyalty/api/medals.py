"""Status medals: the member's own, with what is missing for more, and the same for the shop's server."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from msgspec import Struct
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import messages
from common.models import ApiKey
from loyalty.models import MedalLevel
from loyalty.selectors import medals
from loyalty.services import medal_displays
from members.models import Member

from . import examples
from .views import MemberView, ServerView


class Display(Struct, frozen=True, kw_only=True):
    """Whether others may see my medals."""

    shown: bool


class MedalLevelSerializer(serializers.Serializer):
    number = serializers.IntegerField(help_text="1 is the lowest.")
    name = serializers.CharField()
    benefits = serializers.CharField(help_text="In words; empty if there are none.")


class NextLevelSerializer(MedalLevelSerializer):
    missing = serializers.IntegerField(
        allow_null=True,
        help_text="Score that is missing. For the best share of members it moves with what others do; null until it is known.",
    )
    share_permille = serializers.IntegerField(
        allow_null=True, help_text="For a level that the best so many per mille hold; else null."
    )


class MedalSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(["category", "behaviour"])
    description = serializers.CharField()
    icon = serializers.CharField(help_text="A Material Symbols name.")
    colour = serializers.CharField()
    level = MedalLevelSerializer(allow_null=True, help_text="The level held; null = none yet.")
    since = serializers.DateTimeField(allow_null=True, help_text="When the level was reached.")
    score = serializers.IntegerField(help_text="Over twelve whole months.")
    next = NextLevelSerializer(allow_null=True, help_text="null at the top.")
    counted_up_to = serializers.DateField(
        allow_null=True, help_text="Scores count the twelve months before this day; they are counted once a month."
    )


class MedalsSerializer(serializers.Serializer):
    shown = serializers.BooleanField(help_text="Whether others may see them.")
    medals = MedalSerializer(many=True)


def document(member: Member) -> dict:
    """Every active medal with what the member has reached. Five queries."""
    return {
        "shown": medals.is_shown(member.pk),
        "medals": [_medal(progress) for progress in medals.progress(member.pk)],
    }


def _medal(progress: medals.Progress) -> dict:
    medal, standing = progress.medal, progress.standing
    return {
        "code": medal.code,
        "name": medal.name,
        "kind": medal.kind,
        "description": medal.description,
        "icon": medal.icon,
        "colour": medal.colour,
        "level": _level(progress.level),
        "since": progress.since,
        "score": progress.score,
        "next": _next(progress),
        "counted_up_to": standing.as_of if standing else None,
    }


def _level(level: MedalLevel | None) -> dict | None:
    return {"number": level.number, "name": level.name, "benefits": level.benefits} if level else None


def _next(progress: medals.Progress) -> dict | None:
    level = _level(progress.next)
    if level is None:
        return None
    return level | {"missing": progress.missing, "share_permille": progress.next.share_permille}


def _answer(member: Member) -> Response:
    return Response(MedalsSerializer(document(member)).data)


class MyMedalsView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="My medals, and what is missing for the next level",
        operation_id="me_medals",
        responses=MedalsSerializer,
        examples=[examples.answer("Two medals", examples.MEDALS)],
    )
    def get(self, request):
        return _answer(self.member())

    @extend_schema(
        tags=["me"],
        summary="Show my medals to others, or not",
        description="They are shown until the member says otherwise. Levels and benefits stay as they are.",
        operation_id="me_medals_show",
        request=Display,
        responses=MedalsSerializer,
        examples=[
            examples.request("Not any more", {"shown": False}),
            examples.answer("Hidden", examples.MEDALS | {"shown": False}),
        ],
    )
    def patch(self, request):
        member = self.member()
        medal_displays.choose(member, messages.read(request, Display).shown, timezone.now())
        return _answer(member)


class MedalsView(ServerView, APIView):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ}

    @extend_schema(
        tags=["members"],
        summary="A member's medals",
        description="The server sees them all. Show them to other members only if `shown` is true.",
        operation_id="members_medals",
        responses=MedalsSerializer,
        examples=[examples.answer("Two medals", examples.MEDALS)],
    )
    def get(self, request, external_id):
        return _answer(self.member())
