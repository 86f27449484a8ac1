"""Idempotency-Key: a POST that moves value does so once, however often it is sent."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.models import IdempotencyRecord
from common.problems import Conflict, InvalidInput, Problem

from . import exceptions

HEADER = "Idempotency-Key"
KEY = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"}
"""What may be one, for OpenAPI."""
WAIT_MS = 1000
_encode = msgspec.json.Encoder(order="deterministic").encode

View = Callable[..., Response]


class KeyReused(Problem):
    """The key was used before, for another request."""

    code = "idempotency_key_reused"
    status = 422
    title = _("This idempotency key was used for another request.")


class KeyInFlight(Conflict):
    """The first request with this key has not been answered yet."""

    code = "idempotency_key_in_flight"
    title = _("A request with this idempotency key is being worked on.")


class _NotKept(Exception):
    """Rolls the transaction back, record and all: the next request with the key starts afresh."""

    def __init__(self, response: Response):
        self.response = response


def once(method: View) -> View:
    """Decorator of a view method that moves value: honours the caller's Idempotency-Key, if there is one.

    One transaction holds the record of the key, the work (in a savepoint) and the answer, a refusal too. The same key
    and request replay the answer with `Idempotency-Replayed: true`; another request is KeyReused; one still in flight
    is KeyInFlight. Answers that ask to try again (5xx, Retry-After) are not kept. The work must not open a durable
    transaction. The record names whom the request is about, so that it can be forgotten with her: the member who calls,
    the one in the address, or the one in the body's field that the view calls `subject_field`.
    """

    @functools.wraps(method)
    def wrapper(view: APIView, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return method(view, request, *args, **kwargs)
        if not key.isascii() or not key.isprintable() or not 0 < len(key) <= 200:
            raise InvalidInput(_("Idempotency-Key must be 1 to 200 printable ASCII characters."))
        try:
            with transaction.atomic(durable=True):
                record, is_new = _record(request, key, _subject(view, request, kwargs))
                if not is_new:
                    return _replay(record, request)
                response = _work(method, view, request, *args, **kwargs)
                _keep(record, response)
                return response
        except _NotKept as answer:
            return answer.response

    wrapper.is_idempotent = True  # schema.py documents the header
    return wrapper


def _subject(view: APIView, request: Request, kwargs: dict[str, Any]) -> str:
    body = request.data if isinstance(request.data, dict) else {}
    said = body.get(getattr(view, "subject_field", ""), "")
    found = kwargs.get("external_id") or getattr(request.user, "subject", "") or said
    return found[:100] if isinstance(found, str) else ""


def _record(request: Request, key: str, subject: str) -> tuple[IdempotencyRecord, bool]:
    """The key's row, and whether it is ours. A twin's uncommitted row makes us wait for WAIT_MS on PostgreSQL."""
    defaults = {"request_hash": _hash(request), "subject": subject, "at": timezone.now()}
    try:
        _limit_wait(f"{WAIT_MS}ms")
        found = IdempotencyRecord.objects.get_or_create(principal=request.user.principal, key=key, defaults=defaults)
    except OperationalError:
        raise KeyInFlight(retry_after=1) from None
    _limit_wait(None)
    return found


def _limit_wait(value: str | None) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            if value:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [value])
            else:
                cursor.execute("SET LOCAL lock_timeout TO DEFAULT")


def _hash(request: Request) -> str:
    body = _encode(request.data)
    return hashlib.sha256(b"\n".join([request.method.encode(), request.get_full_path().encode(), body])).hexdigest()


def _work(method: View, view: APIView, request: Request, *args: Any, **kwargs: Any) -> Response:
    try:
        with transaction.atomic():
            return method(view, request, *args, **kwargs)
    except Exception as error:
        return exceptions.handle(error, view.get_exception_handler_context())


def _keep(record: IdempotencyRecord, response: Response) -> None:
    if response.status_code >= 500 or "Retry-After" in response.headers:
        raise _NotKept(response)
    record.status_code = response.status_code
    record.body = msgspec.json.decode(JSONRenderer().render(response.data) or b"null")
    record.save(update_fields=["status_code", "body"])


def _replay(record: IdempotencyRecord, request: Request) -> Response:
    if record.request_hash != _hash(request):
        raise KeyReused()
    content_type = exceptions.MEDIA_TYPE if record.status_code >= 400 else None
    return Response(
        record.body, status=record.status_code, headers={"Idempotency-Replayed": "true"}, content_type=content_type
    )
