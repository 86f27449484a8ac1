"""POST /api/v1/events: CloudEvents in, one or a batch."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.models import ApiKey
from common.problems import Problem
from common.services import inbox

from . import exceptions, openapi
from .authentication import ApiKeyAuthentication
from .parsers import CloudEventBatchParser, CloudEventParser, JSONParser
from .permissions import HasScope
from .throttles import ScopedThrottle

MAX_BATCH = 1000


class BatchTooLarge(Problem):
    """More than 1,000 events in one batch; none of them was looked at."""

    code = "batch_too_large"
    status = 413
    title = _("A batch holds at most 1,000 events.")


class EventsView(APIView):
    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    required_scopes = {"POST": ApiKey.Scope.EVENTS_WRITE}
    parser_classes = [JSONParser, CloudEventParser, CloudEventBatchParser]
    throttle_classes = [ScopedThrottle]
    throttle_scope = "server"

    @extend_schema(
        operation_id="events_receive",
        tags=["events"],
        summary="Send one event or a batch of up to 1,000",
        description=openapi.EVENTS_DESCRIPTION,
        request={
            "application/json": openapi.EVENT_OR_BATCH,
            "application/cloudevents+json": openapi.EVENT,
            "application/cloudevents-batch+json": openapi.BATCH,
        },
        examples=openapi.EXAMPLES,
        responses={
            201: OpenApiResponse(openapi.RESULT, "The event was taken in (applied or ignored)."),
            200: OpenApiResponse(openapi.RESULT_OR_RESULTS, "A duplicate; or the results of a batch, in its order."),
        },
    )
    def post(self, request: Request) -> Response:
        if isinstance(request.data, list):
            return self._receive_batch(request.data)
        (result,) = inbox.receive([request.data], timezone.now())
        if "problem" in result:
            return exceptions.document_response(result["problem"])
        return Response(result, status=200 if result["status"] == "duplicate" else 201)

    def _receive_batch(self, events: list) -> Response:
        if len(events) > MAX_BATCH:
            raise BatchTooLarge()
        return Response(inbox.receive(events, timezone.now()))
