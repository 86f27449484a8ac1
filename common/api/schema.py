"""What OpenAPI says beyond the views: problem documents on every operation, the headers, the keys."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from . import idempotency, openapi
from .exceptions import MEDIA_TYPE
from .permissions import HasScope

DESCRIPTIONS = {
    400: "The request cannot be read (malformed JSON, say).",
    401: "Nobody is signed in, or the key or token is not valid.",
    403: "The caller may not do this.",
    404: "There is no such thing, or it is not the caller's to see.",
    406: "Answers are JSON only.",
    409: "Somebody else was faster, or the request contradicts what is there; see `code`.",
    413: "The body is too large.",
    415: "The body's content type is not one of those listed.",
    422: "The input is not valid, or the rules refuse it; see `code` and `errors`.",
    429: "Too many requests; Retry-After says when to come back.",
    500: "A fault of ours; nothing was changed.",
    503: "The service is busy; nothing was changed; Retry-After says when to come back.",
}


class ApiSchema(AutoSchema):
    """Adds to each operation the problems that can occur there."""

    def get_description(self) -> str:
        """What the operation or its view says of itself; what their base classes say is for us."""
        method = getattr(self.view, self.method.lower(), None)
        return inspect.cleandoc(getattr(method, "__doc__", None) or type(self.view).__doc__ or "")

    def get_override_parameters(self) -> list[OpenApiParameter]:
        parameters = list(super().get_override_parameters())
        if self._has("is_idempotent"):
            description = "The same key and request get the first answer again, with `Idempotency-Replayed: true`."
            parameters.append(
                OpenApiParameter(idempotency.HEADER, idempotency.KEY, OpenApiParameter.HEADER, description=description)
            )
        if self._has("is_guarded"):
            description = "The device, as the app knows it; risk rules count by it. Kept as a keyed digest only."
            parameters.append(OpenApiParameter("Device-Id", str, OpenApiParameter.HEADER, description=description))
        return parameters

    def _get_response_bodies(self, direction: str = "response") -> dict[str, Any]:
        responses = super()._get_response_bodies(direction)
        for status in self._problem_statuses():
            responses.setdefault(str(status), _problem_response(status))
        return dict(sorted(responses.items()))

    def _problem_statuses(self) -> Iterator[int]:
        yield from (400, 406, 422, 429, 500, 503)
        if self.view.get_authenticators():
            yield 401
        if any(isinstance(permission, HasScope) for permission in self.view.get_permissions()) or self._has(
            "is_guarded"
        ):
            yield 403
        if "{" in self.path or self.method in ("POST", "PUT", "PATCH"):
            yield 404
        if self.method in ("POST", "PUT", "PATCH"):
            yield from (409, 413, 415)

    def _has(self, mark: str) -> bool:
        return hasattr(getattr(self.view, self.method.lower(), None), mark)


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "common.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Authorization: Key <prefix>.<secret>`, made by operators, with scopes.",
        }


def add_components(result: dict, generator: Any, request: Any, public: bool) -> dict:
    """drf-spectacular's postprocessing hook: the components that no serializer stands behind."""
    result["components"].setdefault("schemas", {}).update(openapi.COMPONENTS)
    return result


def _problem_response(status: int) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": DESCRIPTIONS[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in (429, 503):
        response["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return response
