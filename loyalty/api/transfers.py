"""Points passed on from member to member, where the programme allows it."""

from __future__ import annotations

from typing import Literal

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from msgspec import Struct
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import messages
from common.api.exceptions import MEDIA_TYPE
from common.api.idempotency import once
from common.models import ApiKey
from loyalty.models import Transfer
from loyalty.services import transfers
from members.api.risk_guards import guarded
from members.models import Member
from members.models.risk_words import Action
from members.services import members
from members.services.profiles import ExternalId, Text

from . import examples
from .holds import Points
from .views import MemberView, ServerView


class MyTransferRequest(Struct, frozen=True, kw_only=True):
    """Points keep their expiry on the way."""

    to: ExternalId
    points: Points
    kind: Literal["transfer", "gift"] = "transfer"
    message: Text = ""


class TransferRequest(MyTransferRequest, frozen=True, kw_only=True):
    sender: ExternalId


class TransferSerializer(serializers.ModelSerializer):
    points = serializers.IntegerField()
    to = serializers.CharField()

    class Meta:
        model = Transfer
        fields = ["uuid", "kind", "to", "points", "message", "at"]


NOT_ALLOWED = OpenApiResponse(
    {"$ref": "#/components/schemas/Problem"},
    "`transfers_not_allowed`: the programme does not let members pass points on.",
)


def _asked(view: APIView, request) -> tuple[str, str, dict[str, str]]:
    asked = messages.read(request, TransferRequest)
    return Action.TRANSFER, asked.sender, {"other": asked.to}


def _asked_by_me(view: MemberView, request) -> tuple[str, str, dict[str, str]]:
    return Action.TRANSFER, view.member().external_id, {"other": messages.read(request, MyTransferRequest).to}


class TransfersView(ServerView, APIView):
    required_scopes = {"POST": ApiKey.Scope.POINTS_WRITE}
    subject_field = "sender"

    @extend_schema(
        tags=["members"],
        summary="Pass points on from one member to another",
        operation_id="transfers_send",
        request=TransferRequest,
        responses={201: TransferSerializer, (403, MEDIA_TYPE): NOT_ALLOWED},
        examples=[
            examples.request("A gift", examples.TRANSFER_REQUEST),
            examples.answer("Sent", examples.TRANSFER, 201),
        ],
    )
    @once
    @guarded(_asked)
    @transaction.atomic
    def post(self, request):
        asked = messages.read(request, TransferRequest)
        return _send(members.active(asked.sender), asked)


class MyTransfersView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="Pass points on to another member",
        operation_id="me_transfers_send",
        request=MyTransferRequest,
        responses={201: TransferSerializer, (403, MEDIA_TYPE): NOT_ALLOWED},
        examples=[
            examples.request("A gift", examples.MY_TRANSFER_REQUEST),
            examples.answer("Sent", examples.TRANSFER, 201),
        ],
    )
    @once
    @guarded(_asked_by_me)
    @transaction.atomic
    def post(self, request):
        return _send(self.member(), messages.read(request, MyTransferRequest))


def _send(sender: Member, asked: MyTransferRequest) -> Response:
    receiver = members.active(asked.to)
    transfer = transfers.send(sender, receiver, asked.points, kind=asked.kind, message=asked.message, at=timezone.now())
    transfer.to = asked.to
    return Response(TransferSerializer(transfer).data, status=201)
