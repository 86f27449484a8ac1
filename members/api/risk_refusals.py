"""What risk rules refused a member, why, and how it is contested; and the question whether the shop may let her do something."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, extend_schema_view
from msgspec import Meta, Struct
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import messages
from common.api.idempotency import once
from common.api.pagination import CursorPagination
from common.models import ApiKey
from members.models import Member, RiskAppeal, RiskRefusal
from members.models.risk_words import Action
from members.services import risk_appeals
from members.services.profiles import ExternalId

from .risk_guards import guarded
from .views import MemberView, ServerView

Text = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
Code = Annotated[str, Meta(max_length=100, pattern=r"^[^\x00]*$")]


class AppealRequest(Struct, frozen=True, kw_only=True):
    """What the member says about it."""

    text: Text


class CheckRequest(Struct, frozen=True, kw_only=True):
    """What the shop is about to let the member do at one of its own doors; `other` is who receives or likes."""

    member: ExternalId
    action: Literal["sign_up", "login", "share", "review", "like", "coupon", "redemption", "plan", "instant_refund"]
    order: Code = ""
    other: Code = ""


class AppealSerializer(serializers.ModelSerializer):
    class Meta:
        model = RiskAppeal
        fields = ["text", "status", "filed_at", "decided_at", "note"]


class RefusalSerializer(serializers.ModelSerializer):
    rule = serializers.SerializerMethodField(help_text="The code of the rule, or `deny-list`.")
    version = serializers.IntegerField(source="version.number", allow_null=True, default=None)
    action = serializers.ChoiceField(Action.choices)
    reason = serializers.CharField(help_text="Why, in the caller's language.")
    appeal = serializers.SerializerMethodField(help_text="What the member said to it, and what was decided; or null.")

    class Meta:
        model = RiskRefusal
        fields = ["uuid", "action", "outcome", "rule", "version", "reason", "at", "appeal"]

    def get_rule(self, refusal: RiskRefusal) -> str:
        return refusal.version.rule.code if refusal.version else "deny-list"

    @extend_schema_field(AppealSerializer(allow_null=True))
    def get_appeal(self, refusal: RiskRefusal) -> dict | None:
        appeal = getattr(refusal, "appeal", None)
        return AppealSerializer(appeal).data if appeal else None


APPEAL = {
    "text": "It was me, on my new phone.",
    "status": "open",
    "filed_at": "2026-03-01T10:05:00Z",
    "decided_at": None,
    "note": "",
}
REFUSAL = {
    "uuid": "7d3b6f0e-6f4c-4c0f-9d6b-2f6f3f7a9a10",
    "action": "redemption",
    "outcome": "refuse",
    "rule": "redemption-velocity",
    "version": 1,
    "reason": "You have redeemed several times within an hour. Please try again later.",
    "at": "2026-03-01T10:00:00Z",
    "appeal": None,
}
_LIST = [OpenApiExample("A refusal", REFUSAL, response_only=True, status_codes=["200"])]


class RefusalsBase(generics.ListAPIView):
    """Newest first; what rules in shadow would have refused is not among them."""

    serializer_class = RefusalSerializer
    pagination_class = CursorPagination
    queryset = RiskRefusal.objects.none()

    def get_queryset(self):
        rows = RiskRefusal.objects.filter(member=self.member(), is_shadow=False).exclude(outcome="watch")
        return rows.select_related("version__rule", "listing", "appeal").order_by("-id")


@extend_schema_view(
    get=extend_schema(
        tags=["me"],
        summary="What risk rules refused me, newest first",
        operation_id="me_refusals",
        examples=_LIST,
    )
)
class MyRefusalsView(MemberView, RefusalsBase):
    pass


@extend_schema_view(
    get=extend_schema(
        tags=["members"],
        summary="What risk rules refused a member, newest first",
        operation_id="members_refusals",
        examples=_LIST,
    )
)
class RefusalsView(ServerView, RefusalsBase):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ}

    def member(self) -> Member:
        member = Member.objects.filter(external_id=self.kwargs["external_id"]).first()
        if member is None:
            raise Http404
        return member


class MyAppealView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="Contest a refusal",
        description="Once a refusal; a person decides. 409 `already_contested`.",
        operation_id="me_refusals_appeal",
        request=AppealRequest,
        responses={201: AppealSerializer},
        examples=[
            OpenApiExample("What is wrong", {"text": APPEAL["text"]}, request_only=True),
            OpenApiExample("Filed", APPEAL, response_only=True, status_codes=["201"]),
        ],
    )
    @once
    def post(self, request, uuid):
        asked = messages.read(request, AppealRequest)
        refusal = risk_appeals.find(self.member(), uuid)
        appeal = risk_appeals.file(refusal, asked.text, request.user.actor, timezone.now())
        return Response(AppealSerializer(appeal).data, status=201)


def _asked(view: APIView, request) -> tuple[str, str, dict[str, str]]:
    asked = messages.read(request, CheckRequest)
    return asked.action, asked.member, {"order": asked.order, "other": asked.other}


class ChecksView(ServerView, APIView):
    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}

    @extend_schema(
        tags=["risk"],
        summary="May the member do this at a door of the shop's own?",
        description="204: yes, and it counts. 403 `refused_by_risk` with `rule` and `refusal`: no, and it is remembered. "
        "What goes through this API is asked about by itself.",
        operation_id="risk_checks_post",
        request=CheckRequest,
        responses={204: None},
        examples=[
            OpenApiExample("A coupon in the shop", {"member": "cust-42", "action": "coupon"}, request_only=True),
        ],
    )
    @once
    @guarded(_asked)
    def post(self, request):
        messages.read(request, CheckRequest)
        return Response(status=204)
