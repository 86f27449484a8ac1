"""Request bodies: JSON that every part behind can hold and store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import msgspec
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.parsers import BaseParser

from common import decoding
from common.problems import Problem


class BodyTooLarge(Problem):
    """The body is longer than settings.DATA_UPLOAD_MAX_MEMORY_SIZE (bytes)."""

    code = "body_too_large"
    status = 413
    title = _("The request body is too large.")


class MalformedBody(Problem):
    """The body is not JSON (RFC 8259), or holds what no database can store."""

    code = "malformed_body"
    status = 400
    title = _("The request body cannot be read.")


class JSONParser(BaseParser):
    """Strict JSON in UTF-8: no NaN, no numbers beyond a double, no lone surrogates, no NUL, no bottomless nesting."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping | None = None) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if int(getattr(stream, "META", {}).get("CONTENT_LENGTH") or 0) > limit:
            raise BodyTooLarge()
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise BodyTooLarge()
        return load(raw)


class CloudEventParser(JSONParser):
    media_type = "application/cloudevents+json"


class CloudEventBatchParser(JSONParser):
    media_type = "application/cloudevents-batch+json"


def load(raw: bytes) -> Any:
    """The JSON value of a body. Raises MalformedBody."""
    try:
        value = msgspec.json.decode(raw)
    except RecursionError:
        raise MalformedBody(_("It is nested too deeply.")) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedBody(str(error)) from None
    if b"\\u0000" in raw and decoding.has_nul(value):
        raise MalformedBody(_("Text must not contain the NUL character."))
    return value
