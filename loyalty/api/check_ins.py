"""The daily check-in of the mobile app: it goes through the inbox like any other event, once a local day."""

from __future__ import annotations

from typing import Annotated

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from msgspec import Meta, Struct
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common import clock
from common.api import exceptions, messages
from common.models import InboxEvent
from common.services import inbox
from members.api.risk_guards import DEVICE

from . import examples
from .views import MemberView

SOURCE = "/me/check-ins"


class CheckInRequest(Struct, frozen=True, kw_only=True):
    channel: Annotated[str, Meta(max_length=40)] = "app"


class CheckInSerializer(serializers.Serializer):
    day = serializers.DateField(help_text="The local day of the programme.")
    status = serializers.ChoiceField(["applied", "duplicate", "ignored"])
    effects = serializers.DictField(help_text="What it did, as for the event `member.checked_in`.")


class CheckInsView(MemberView, APIView):
    @extend_schema(
        tags=["me"],
        summary="Check in today",
        description="Counts once a local day; again on the same day it answers 200 with what it did first.",
        operation_id="me_check_ins_post",
        request=CheckInRequest,
        responses={201: CheckInSerializer, 200: CheckInSerializer},
        examples=[
            examples.request("From the app", {"channel": "app"}),
            examples.answer("The third day in a row", examples.CHECK_IN, 201),
            examples.answer("Tapped again", examples.CHECK_IN | {"status": "duplicate"}),
        ],
    )
    def post(self, request):
        asked, at = messages.read(request, CheckInRequest), timezone.now()
        name, day = self.member().external_id, clock.local_date(at)
        event_id = f"{name}:{day}"
        if (known := _first(event_id)) is not None:
            return Response({"day": day.isoformat(), "status": "duplicate", "effects": known.effects})
        event = {
            "specversion": "1.0",
            "id": event_id,
            "source": SOURCE,
            "type": "member.checked_in",
            "time": at.isoformat(),
            "subject": name,
            "data": {"channel": asked.channel},
        }
        if device := request.headers.get(DEVICE):
            event["device"] = device[:200]
        (result,) = inbox.receive([event], at)
        if (known := _twin(result, event_id)) is not None:
            return Response({"day": day.isoformat(), "status": "duplicate", "effects": known.effects})
        if "problem" in result:
            return exceptions.document_response(result["problem"])
        effects = result.get("effects", {})
        return Response({"day": day.isoformat(), "status": result["status"], "effects": effects}, status=201)


def _first(event_id: str) -> InboxEvent | None:
    return InboxEvent.objects.filter(source=SOURCE, event_id=event_id).first()


def _twin(result: dict, event_id: str) -> InboxEvent | None:
    """Two taps at once carry different times; the one that came second finds the first one's event."""
    reused = result.get("problem", {}).get("code") == inbox.EventIdReused.code
    return _first(event_id) if reused else None
