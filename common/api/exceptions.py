"""Every error on /api/ is a problem document (RFC 9457): never HTML, never a stack trace."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import (
    BadRequest,
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DataError, IntegrityError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils.translation import gettext_lazy as _
from django.views import defaults
from rest_framework import exceptions as drf
from rest_framework.response import Response

from common.problems import Conflict, InternalError, InvalidInput, NotFound, Problem, Unavailable

from .parsers import BodyTooLarge

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class BadRequestProblem(Problem):
    """The request cannot be understood."""

    code = "bad_request"
    status = 400
    title = _("The request cannot be understood.")


class Forbidden(Problem):
    """The caller is known, and may not do this."""

    code = "forbidden"
    status = 403
    title = _("You may not do this.")


class HttpProblem(Problem):
    """A refusal of the HTTP layer (401, 405, 406, 415, 429 …), with the framework's code."""

    def __init__(self, error: drf.APIException):
        self.code, self.status = error.default_code, error.status_code
        self.title = HTTPStatus(error.status_code).phrase
        wait = getattr(error, "wait", None)
        super().__init__(error.detail, retry_after=max(1, int(wait)) if wait is not None else None)


def handle(error: Exception, context: dict) -> Response:
    """DRF's exception handler: the problem document of anything that was raised."""
    problem = problem_of(error)
    response = respond(problem)
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    return response


def respond(problem: Problem) -> Response:
    """A response that carries the problem, with Retry-After if trying again makes sense."""
    return document_response(problem.document())


def document_response(document: dict) -> Response:
    """The same, from a problem document."""
    headers = {"Retry-After": str(document["retry_after"])} if "retry_after" in document else None
    return Response(document, status=document["status"], headers=headers, content_type=MEDIA_TYPE)


def problem_of(error: Exception) -> Problem:
    """What the caller is told of an exception; faults of ours are logged."""
    match error:
        case Problem():
            return error
        case drf.ValidationError():
            return InvalidInput(errors=list(_flatten(error.get_full_details(), "")))
        case Http404() | ObjectDoesNotExist() | drf.NotFound():
            return NotFound()
        case PermissionDenied():
            return Forbidden()
        case drf.PermissionDenied():
            return Forbidden(error.detail)
        case drf.APIException():
            return HttpProblem(error)
        case RequestDataTooBig():
            return BodyTooLarge()
        case SuspiciousOperation() | BadRequest() | UnreadablePostError():
            return BadRequestProblem()
        case OperationalError():
            logger.warning("the database could not serve a request", exc_info=error)
            return Unavailable(retry_after=1)
        case IntegrityError():
            logger.error("a race was lost, or a guard was missing", exc_info=error)
            return Conflict(retry_after=1)
        case DataError() | OverflowError():
            logger.warning("a value went down to the database unchecked", exc_info=error)
            return InvalidInput(_("A value cannot be stored."))
    logger.error("a request failed", exc_info=error)
    return InternalError()


def _flatten(details: Any, pointer: str) -> Iterator[dict]:
    """DRF's nested error details as a flat list, each with its JSON Pointer."""
    if isinstance(details, dict) and set(details) == {"message", "code"} and isinstance(details["message"], str):
        yield {"pointer": pointer, "code": details["code"], "detail": details["message"]}
    elif isinstance(details, dict):
        for name, inner in details.items():
            yield from _flatten(inner, pointer if name == "non_field_errors" else f"{pointer}/{_escape(str(name))}")
    elif isinstance(details, list):
        leaves = all(isinstance(inner, dict) and set(inner) == {"message", "code"} for inner in details)
        for index, inner in enumerate(details):
            yield from _flatten(inner, pointer if leaves else f"{pointer}/{index}")


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    return _plain(request, problem_of(exception)) or defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return _plain(request, Forbidden()) or defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return _plain(request, NotFound()) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: what failed outside of DRF, and was logged by Django."""
    return _plain(request, InternalError()) or defaults.server_error(request)


def _plain(request: HttpRequest, problem: Problem) -> HttpResponse | None:
    """The problem as a bare Django response under /api/, None elsewhere (people get pages)."""
    if not request.path.startswith("/api/"):
        return None
    return JsonResponse(problem.document(), status=problem.status, content_type=MEDIA_TYPE)
