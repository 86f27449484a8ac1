"""What comes in is a message: a msgspec Struct, decoded as strictly as an event's data, documented from its own types."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework.request import Request

from common import decoding

T = TypeVar("T", bound=msgspec.Struct)
_REFERENCE = "#/components/schemas/{name}"


def read(request: Request, type: type[T]) -> T:
    """The request's body as a message; `@extend_schema(request=…)` names the same type.

    Raises InvalidInput, each error with its pointer into the body.
    """
    return convert(request.data, type)


def convert(body: Any, type: type[T]) -> T:
    """The same for a body that was changed first."""
    return decoding.convert(body, type, pointer="")


class MessageExtension(OpenApiSerializerExtension):
    """Lets drf-spectacular describe a message, and the structs inside it, as components."""

    target_class = "msgspec.Struct"
    match_subclasses = True

    def get_name(self, auto_schema: AutoSchema, direction: str) -> str:
        return self.target.__name__

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        _schemas, components = msgspec.json.schema_components([self.target], ref_template=_REFERENCE)
        own = components.pop(self.target.__name__)
        for name, schema in components.items():
            component = ResolvedComponent(name, ResolvedComponent.SCHEMA, schema=schema, object=name)
            auto_schema.registry.register_on_missing(component)
        return own
