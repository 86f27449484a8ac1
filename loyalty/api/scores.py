"""The value score: what it is, what it is made of, what drops out next, and which lines it meets."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.models import ApiKey
from loyalty.models import Dimension, ScoreSource, ScoreThreshold
from loyalty.selectors import scores
from loyalty.selectors.score_explanations import DropOut, Idea, Part
from loyalty.selectors.scores import Standpoint
from members.models import Member

from . import examples
from .views import MemberView, ServerView


class SourceSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(ScoreSource.Kind.choices)
    name = serializers.CharField(help_text="What is counted, in words.")
    value = serializers.IntegerField(help_text="What it gives within its limits; negative takes away.")


class ScoreDimensionSerializer(serializers.Serializer):
    code = serializers.ChoiceField(Dimension.choices)
    name = serializers.CharField()
    provisional = serializers.IntegerField()
    settled = serializers.IntegerField(allow_null=True)
    cap = serializers.IntegerField(help_text="The dimension reaches this at most.")
    weight_percent = serializers.IntegerField(help_text="100 = each unit of the dimension is one of the score.")
    sources = SourceSerializer(many=True, help_text="Of the provisional value, before curve and cap.")


class DropOutSerializer(serializers.Serializer):
    """What leaves with the next settlement; what is added until then is not foreseen."""

    on = serializers.DateField(help_text="The day of the next settlement.")
    month = serializers.DateField(help_text="The month that leaves, by its first day.")
    score_without = serializers.IntegerField(help_text="The settled score without that month.")
    sources = SourceSerializer(many=True)


class ThresholdSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    least = serializers.IntegerField(help_text="The lowest score that meets it.")
    is_met = serializers.BooleanField(help_text="By the settled score.")
    missing = serializers.IntegerField(help_text="What the settled score lacks; 0 if it is met.")


class IdeaSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(ScoreSource.Kind.choices)
    name = serializers.CharField()
    units = serializers.IntegerField(help_text="So many more: units of money for `cash`, else one.")
    gain = serializers.IntegerField(help_text="What the provisional score would gain.")


class ScoreSerializer(serializers.Serializer):
    """Entitlements go by the settled score of the month; the provisional one is counted daily."""

    provisional = serializers.IntegerField(allow_null=True, help_text="null before the first count.")
    counted_on = serializers.DateField(
        allow_null=True,
        help_text="The provisional score counts the twelve months before this day; it has not changed since.",
    )
    settled = serializers.IntegerField(allow_null=True, help_text="null before the first settlement.")
    month = serializers.DateField(
        allow_null=True, help_text="What the score is settled for: the twelve months before this day counted."
    )
    dimensions = ScoreDimensionSerializer(many=True)
    drops_out = DropOutSerializer(allow_null=True)
    thresholds = ThresholdSerializer(many=True, help_text="The lowest first.")
    next = ThresholdSerializer(allow_null=True, help_text="The lowest threshold that is not met; null above all.")
    ideas = IdeaSerializer(many=True, help_text="What would raise the provisional score; the best first.")


def document(member: Member) -> dict:
    """The member's score with its reasons; seven queries at most."""
    standpoint = scores.standpoint(member)
    settled = standpoint.score.settled if standpoint else None
    thresholds = [_threshold(line, settled) for line in ScoreThreshold.objects.all()]
    return {
        "provisional": standpoint.score.value if standpoint else None,
        "counted_on": standpoint.score.counted_on if standpoint else None,
        "settled": settled,
        "month": standpoint.score.settled_month if standpoint else None,
        "dimensions": _dimensions(standpoint) if standpoint else [],
        "drops_out": _drop_out(standpoint.drop_out) if standpoint and standpoint.drop_out else None,
        "thresholds": thresholds,
        "next": next((threshold for threshold in thresholds if not threshold["is_met"]), None),
        "ideas": [_idea(idea) for idea in standpoint.ideas] if standpoint else [],
    }


def _dimensions(standpoint: Standpoint) -> list[dict]:
    return [
        {
            "code": part.code,
            "name": part.name,
            "provisional": part.s,
            "settled": getattr(standpoint.score, f"settled_{part.code}"),
            "cap": part.cap,
            "weight_percent": part.weight_percent,
            "sources": [_source(source) for source in part.parts],
        }
        for part in standpoint.now.dimensions
    ]


def _source(part: Part) -> dict:
    return {"kind": part.source.kind, "name": part.source.title, "value": part.given}


def _drop_out(drop_out: DropOut) -> dict:
    return {
        "on": drop_out.on,
        "month": drop_out.month,
        "score_without": drop_out.score_without,
        "sources": [_source(part) for part in drop_out.parts],
    }


def _threshold(line: ScoreThreshold, settled: int | None) -> dict:
    return {
        "code": line.code,
        "name": line.name,
        "least": line.least,
        "is_met": line.is_met_by(settled),
        "missing": max(line.least - (settled or 0), 0),
    }


def _idea(idea: Idea) -> dict:
    return {"kind": idea.source.kind, "name": idea.source.title, "units": idea.units, "gain": idea.gain}


def _answer(member: Member) -> Response:
    return Response(ScoreSerializer(document(member)).data)


class MyScoreView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="My value score, why it is so, and what drops out next",
        operation_id="me_score",
        responses=ScoreSerializer,
        examples=[examples.answer("A score", examples.SCORE)],
    )
    def get(self, request):
        return _answer(self.member())


class ScoreView(ServerView, APIView):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ}

    @extend_schema(
        tags=["members"],
        summary="A member's value score, why it is so, and what drops out next",
        operation_id="members_score",
        responses=ScoreSerializer,
        examples=[examples.answer("A score", examples.SCORE)],
    )
    def get(self, request, external_id):
        return _answer(self.member())
