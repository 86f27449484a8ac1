"""What goes out is a document: a serializer's fields, made ready once a process and not again for every answer."""

from __future__ import annotations

import functools
from typing import Any

from rest_framework.serializers import Serializer


def write(kind: type[Serializer], thing: Any) -> dict[str, Any]:
    """The document of one thing. For serializers that need no context: they say the same whoever asks."""
    return _ready(kind).to_representation(thing)


@functools.cache
def _ready(kind: type[Serializer]) -> Serializer:
    return kind()
