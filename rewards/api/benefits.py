"""Benefits: what members are entitled to, and using them. Of a server's uses the Idempotency-Key is the occasion."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from msgspec import Meta, Struct
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import messages
from common.api.idempotency import HEADER, once
from common.models import ApiKey
from common.problems import InvalidInput
from loyalty.api import examples
from loyalty.api.views import MemberView, ServerView
from members.models import Member
from members.services import members
from rewards.models import Benefit, BenefitUse, Period
from rewards.selectors import entitlements, packs
from rewards.selectors.entitlements import Entitlement
from rewards.services import benefits


class UseRequest(Struct, frozen=True, kw_only=True):
    """Where and for what. Without `key` the Idempotency-Key names the occasion; with neither every call is another use."""

    store: Annotated[str, Meta(max_length=60)] = ""
    channel: Literal["online", "offline"] = "online"
    order: Annotated[str, Meta(max_length=100)] = ""
    key: Annotated[str, Meta(max_length=200)] = ""


class ParameterSerializer(serializers.Serializer):
    name = serializers.CharField(help_text="threshold, percent, face, limit or points: what the kind of benefit says.")
    unit = serializers.ChoiceField(["money", "percent", "points"], help_text="Money is in minor units.")
    value = serializers.IntegerField()


class QuotaSerializer(serializers.Serializer):
    limit = serializers.IntegerField()
    used = serializers.IntegerField()
    left = serializers.IntegerField()
    period = serializers.CharField(help_text="The period's name: a day, month, quarter, year or term.")
    resets_on = serializers.DateField(allow_null=True, help_text="The local day on which it begins anew; null = never.")


class PackItemSerializer(serializers.Serializer):
    reward = serializers.CharField(source="reward.code")
    name = serializers.CharField(source="reward.name")
    quantity = serializers.IntegerField()


class EntitlementSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    kind = serializers.ChoiceField(Benefit.Kind.values)
    saves = serializers.ChoiceField(Benefit.Saves.values)
    mode = serializers.ChoiceField(Benefit.Mode.values)
    icon = serializers.CharField(help_text="A Material Symbols name.")
    colour = serializers.CharField()
    category = serializers.CharField(help_text="The shop's category of a discount; else empty.")
    parameter = ParameterSerializer(allow_null=True)
    pack = PackItemSerializer(
        many=True, help_text="What it hands out once a period, to the highest tier; else empty. See …/pack."
    )
    source = serializers.CharField(help_text="What gives it, in words.")
    gate = serializers.ChoiceField(["pay", "contribute", "gift"], help_text="Paid for, earned, or given by hand.")
    quota = QuotaSerializer(allow_null=True, help_text="null = as often as you like.")
    until = serializers.DateTimeField(allow_null=True, help_text="When it ends, if that is known.")


class EntitlementsSerializer(serializers.Serializer):
    benefits = EntitlementSerializer(many=True)


class UseSerializer(serializers.ModelSerializer):
    benefit = serializers.CharField(source="benefit.code")
    store = serializers.CharField(source="store_code")
    order = serializers.CharField(source="order_code")
    value = serializers.IntegerField(allow_null=True, help_text="The parameter that held when it was used.")

    class Meta:
        model = BenefitUse
        fields = ["uuid", "benefit", "key", "value", "source", "store", "channel", "order", "at", "given_back_at"]


SHIPPING = {
    "code": "free-shipping",
    "name": "Free shipping",
    "description": "No freight from an amount on.",
    "kind": "free_shipping",
    "saves": "money",
    "mode": "daily",
    "icon": "local_shipping",
    "colour": "#0369a1",
    "category": "",
    "parameter": {"name": "threshold", "unit": "money", "value": 7900},
    "pack": [],
    "source": "Gold and above",
    "gate": "contribute",
    "quota": None,
    "until": None,
}
PARCEL = SHIPPING | {
    "code": "parcel",
    "name": "Free parcel",
    "description": "Send a parcel for nothing.",
    "kind": "parcel",
    "saves": "trouble",
    "icon": "package_2",
    "colour": "#92400e",
    "parameter": None,
    "quota": {"limit": 2, "used": 1, "left": 1, "period": "2026-03", "resets_on": "2026-04-01"},
}
USE = {
    "uuid": "0e9c4f2e-6a6e-4f0d-9f5e-1f2a6f6f7c11",
    "benefit": "parcel",
    "key": "parcel-2026-03-01-1",
    "value": None,
    "source": "Gold and above",
    "store": "acme-1",
    "channel": "online",
    "order": "o-1001",
    "at": "2026-03-01T10:00:00Z",
    "given_back_at": None,
}


def document(found: Iterable[Entitlement]) -> dict[str, Any]:
    """Entitlements as the API tells them."""
    contents = packs.contents()
    told = [_entitlement(one) | {"pack": contents.get(one.benefit.pk, [])} for one in found]
    return EntitlementsSerializer({"benefits": told}).data


def _entitlement(found: Entitlement) -> dict[str, Any]:
    benefit, parameter = found.benefit, found.benefit.parameter
    told: dict[str, Any] = {name: getattr(benefit, name) for name in ("code", "name", "description", "kind", "saves")}
    told |= {name: getattr(benefit, name) for name in ("mode", "icon", "colour", "category")}
    has_value = parameter is not None and found.value is not None
    told["parameter"] = {"name": parameter.name, "unit": parameter.unit, "value": found.value} if has_value else None
    told["quota"] = _quota(found)
    return told | {"source": found.source, "gate": found.gate or "gift", "until": found.until}


def _quota(found: Entitlement) -> dict[str, Any] | None:
    if found.window is None:
        return None
    return {
        "limit": found.quota,
        "used": found.used,
        "left": found.left,
        "period": Period.TERM if found.window.name.startswith("term") else found.window.name,
        "resets_on": found.resets_on,
    }


class MyBenefitsView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="My benefits, with what is left of each",
        operation_id="me_benefits",
        responses=EntitlementsSerializer,
        examples=[examples.answer("Two benefits", {"benefits": [SHIPPING, PARCEL]})],
    )
    def get(self, request):
        return Response(document(entitlements.of(self.member(), timezone.now())))


class BenefitsView(ServerView, APIView):
    required_scopes = {"GET": ApiKey.Scope.MEMBERS_READ}

    @extend_schema(
        tags=["members"],
        summary="A member's benefits, now or at an earlier instant",
        description="`at` tells what an order of that time still brings; quotas are always those of now.",
        operation_id="members_benefits",
        parameters=[OpenApiParameter("at", OpenApiTypes.DATETIME, description="An instant of the past; default now.")],
        responses=EntitlementsSerializer,
        examples=[examples.answer("Two benefits", {"benefits": [SHIPPING, PARCEL]})],
    )
    def get(self, request, external_id):
        now = timezone.now()
        at = _past(request.query_params.get("at"), now)
        return Response(document(entitlements.of(members.remaining(self.member()), at, used_at=now)))


class UsesView(ServerView, APIView):
    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}

    @extend_schema(
        tags=["members"],
        summary="Use a benefit once",
        description="`order` decides after-sales benefits by what the member was when the order was paid.",
        operation_id="members_benefits_use",
        request=UseRequest,
        responses={201: UseSerializer},
        examples=[
            examples.request("A parcel", {"store": "acme-1", "order": "o-1001", "key": "parcel-2026-03-01-1"}),
            examples.answer("Used", USE, 201),
        ],
    )
    @once
    @transaction.atomic
    def post(self, request, external_id, code):
        asked = messages.read(request, UseRequest)
        row = benefits.use(
            self._active(),
            code,
            timezone.now(),
            key=asked.key or request.headers.get(HEADER) or str(uuid.uuid4()),
            store=asked.store,
            channel=asked.channel,
            order=asked.order,
        )
        return Response(UseSerializer(row).data, status=201)

    def _active(self) -> Member:
        return members.active(self.member().external_id)


class GiveBackView(ServerView, APIView):
    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}

    @extend_schema(
        tags=["members"],
        summary="Give a use back",
        description="The quota has one more. Given back again it stays so. 409 `instant_refund_open` (with `instant_refund`): "
        "its money is out until the goods are back.",
        operation_id="members_benefits_give_back",
        request=None,
        responses=UseSerializer,
        examples=[examples.answer("Given back", USE | {"given_back_at": "2026-03-02T10:00:00Z"})],
    )
    @once
    @transaction.atomic
    def post(self, request, external_id, code, uuid):
        return Response(UseSerializer(benefits.give_back(self.member(), code, uuid, timezone.now())).data)


def _past(text: str | None, now: dt.datetime) -> dt.datetime:
    """The instant that was asked for, if it is one and has been."""
    if text is None:
        return now
    try:
        at = dt.datetime.fromisoformat(text)
        at = at.astimezone(dt.UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        at = None
    if at is None or at > now:
        detail = str(_("An instant of the past with its zone, for example 2026-03-01T10:00:00Z."))
        raise InvalidInput(errors=[{"pointer": "/at", "code": "invalid", "detail": detail}])
    return at
