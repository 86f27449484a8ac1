"""Why a member has the points she has: each lot, what drew on it, what was capped, and what was refused."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.models import ApiKey
from common.problems import InvalidInput
from loyalty.models import EarningRuleVersion, Entry, Lot, Shortfall
from loyalty.selectors import explanations, origins
from loyalty.selectors.explanations import Explanation, Position
from members.api.risk_refusals import RefusalSerializer

from . import examples
from .views import MemberView, OfMember, ServerView

PAGE, LONGEST_PAGE = 50, 200


class RuleSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField(help_text="Versions never change: this is what was promised.")
    campaign = serializers.CharField(allow_null=True)


class DrawSerializer(serializers.Serializer):
    """What took points from the lot, or (negative) gave them back."""

    number = serializers.IntegerField(help_text="Of the movement in the statement.")
    kind = serializers.ChoiceField(Entry.Kind.choices)
    points = serializers.IntegerField()
    reference = serializers.CharField()
    at = serializers.DateTimeField()


class LotSerializer(serializers.Serializer):
    number = serializers.IntegerField(help_text="Of the movement that granted the points.")
    source = serializers.ChoiceField(Lot.Source.choices)
    reference = serializers.CharField()
    because = serializers.CharField(help_text="What caused it in words, if it says more than `source`; else empty.")
    rule = RuleSerializer(allow_null=True)
    funder = serializers.ChoiceField(["platform", "merchant"], help_text="Who pays for the points.")
    order = serializers.CharField(allow_null=True)
    line = serializers.CharField(allow_null=True)
    review = serializers.CharField(allow_null=True)
    earned = serializers.IntegerField()
    remaining = serializers.IntegerField()
    pending = serializers.BooleanField()
    earned_at = serializers.DateTimeField()
    available_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    draws = DrawSerializer(many=True)


class ShortfallSerializer(serializers.Serializer):
    """Points that a rule would have given, and why it gave fewer or none."""

    reference = serializers.CharField()
    rule = RuleSerializer(allow_null=True)
    computed = serializers.IntegerField()
    granted = serializers.IntegerField()
    reason = serializers.ChoiceField(Shortfall.Reason.choices)
    text = serializers.CharField(help_text="The reason in words.")
    at = serializers.DateTimeField()


class ExplanationSerializer(serializers.Serializer):
    """A lot, a shortfall or a refusal; the others are null."""

    lot = LotSerializer(allow_null=True)
    shortfall = ShortfallSerializer(allow_null=True)
    refusal = RefusalSerializer(allow_null=True, help_text="What a risk rule or the deny-list refused.")


class ExplanationsSerializer(serializers.Serializer):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ExplanationSerializer(many=True)


class Cursor(msgspec.Struct, array_like=True):
    """Where a page begins, and in which direction it is read."""

    at: dt.datetime
    rank: int
    pk: int
    backwards: bool = False


class ExplainBase(OfMember, APIView):
    """Newest first; a page costs at most five queries, besides those of what is shown."""

    def get(self, request, **kwargs):
        account = self.account()
        cursor = _cursor(request.query_params.get("cursor"))
        limit = _limit(request.query_params.get("limit"))
        backwards = cursor.backwards if cursor else False
        found: list[Explanation] = []
        if account is not None:
            position = Position(cursor.at, cursor.rank, cursor.pk) if cursor else None
            found = explanations.of(account.pk, limit + 1, position, newest_first=not backwards)
        has_more = len(found) > limit
        page = found[:limit][::-1] if backwards else found[:limit]
        older = page and (backwards or has_more)
        newer = page and (has_more if backwards else cursor is not None)
        return Response(
            {
                "next": _link(request, page[-1], backwards=False) if older else None,
                "previous": _link(request, page[0], backwards=True) if newer else None,
                "results": _documents(page),
            }
        )


_read_cursor = msgspec.json.Decoder(Cursor).decode


def _cursor(text: str | None) -> Cursor | None:
    if text is None:
        return None
    try:
        return _read_cursor(base64.urlsafe_b64decode(text.encode()))
    except (ValueError, msgspec.MsgspecError):
        raise _invalid("cursor", _("This cursor is not one of ours.")) from None


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 0 < int(text) <= LONGEST_PAGE):
        raise _invalid("limit", _("Must be a whole number from 1 to 200."))
    return int(text)


def _invalid(parameter: str, detail: Any) -> InvalidInput:
    return InvalidInput(errors=[{"pointer": f"/{parameter}", "code": "invalid", "detail": str(detail)}])


def _link(request, explanation: Explanation, *, backwards: bool) -> str:
    cursor = msgspec.json.encode(Cursor(*explanation.position, backwards))
    query = request.query_params.copy()
    query["cursor"] = base64.urlsafe_b64encode(cursor).decode()
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _documents(page: list[Explanation]) -> list[dict[str, Any]]:
    said = origins.of(explanation.lot.reference for explanation in page if explanation.lot)
    return [_document(explanation, said) for explanation in page]


def _document(explanation: Explanation, said: dict[str, str]) -> dict[str, Any]:
    lot, shortfall = explanation.lot, explanation.shortfall
    return {
        "lot": _lot(lot, explanation.draws, said) if lot else None,
        "shortfall": _shortfall(shortfall) if shortfall else None,
        "refusal": RefusalSerializer(explanation.refusal).data if explanation.refusal else None,
    }


def _lot(lot: Lot, draws: list[tuple[Entry, int]], said: dict[str, str]) -> dict[str, Any]:
    line = lot.order_line
    return {
        "number": lot.lot_seq,
        "source": lot.source,
        "reference": lot.reference,
        "because": said.get(lot.reference, ""),
        "rule": _rule(lot.rule_version),
        "funder": "merchant" if lot.funder_id else "platform",
        "order": line.order.code if line else None,
        "line": line.number if line else None,
        "review": lot.review.code if lot.review else None,
        "earned": lot.earned,
        "remaining": lot.remaining,
        "pending": lot.is_pending,
        "earned_at": lot.earned_at,
        "available_at": lot.available_at,
        "expires_at": lot.expires_at,
        "draws": [
            {"number": entry.seq, "kind": entry.kind, "points": points, "reference": entry.reference, "at": entry.at}
            for entry, points in draws
        ],
    }


def _shortfall(shortfall: Shortfall) -> dict[str, Any]:
    return {
        "reference": shortfall.reference,
        "rule": _rule(shortfall.rule_version),
        "computed": shortfall.computed,
        "granted": shortfall.granted,
        "reason": shortfall.reason,
        "text": shortfall.get_reason_display(),
        "at": shortfall.at,
    }


def _rule(version: EarningRuleVersion | None) -> dict[str, Any] | None:
    if version is None:
        return None
    campaign = version.campaign.code if version.campaign else None
    return {"code": version.rule.code, "name": version.rule.name, "version": version.number, "campaign": campaign}


_PARAMETERS = [
    OpenApiParameter("cursor", OpenApiTypes.STR, description="As `next` and `previous` give it."),
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE, "default": PAGE}),
]


class ExplainView(ServerView, ExplainBase):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ}

    @extend_schema(
        tags=["members"],
        summary="Why a member has these points, newest first",
        parameters=_PARAMETERS,
        responses=ExplanationsSerializer,
        examples=[examples.answer("A lot and what a cap cut off", examples.EXPLANATIONS)],
    )
    def get(self, request, **kwargs):
        return super().get(request, **kwargs)


class MyExplainView(MemberView, ExplainBase):
    @extend_schema(
        tags=["me"],
        summary="Why I have these points, newest first",
        parameters=_PARAMETERS,
        responses=ExplanationsSerializer,
        examples=[examples.answer("A lot and what a cap cut off", examples.EXPLANATIONS)],
        operation_id="me_points_explain",
    )
    def get(self, request, **kwargs):
        return super().get(request, **kwargs)
