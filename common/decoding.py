"""From JSON that was already parsed to typed structs, with errors that point at the place (JSON Pointer)."""

from __future__ import annotations

import re
import threading
from typing import Any, TypeVar

import msgspec

from common.problems import InvalidInput

T = TypeVar("T")
_built: set[Any] = set()
_building = threading.Lock()
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


def convert(value: Any, type: type[T], *, pointer: str = "/data") -> T:
    """`value` as a `type` (a msgspec Struct, say), strictly: "1" is no integer, and neither is 1.0.

    Raises InvalidInput whose error points below `pointer`.
    """
    if type not in _built:
        _build(type)
    try:
        return msgspec.convert(value, type, strict=True)
    except msgspec.ValidationError as error:
        raise invalid(error, pointer) from None


def _build(type: Any) -> None:
    """One thread at a time: msgspec learns a type at its first use, and crashes the process if several threads ask it to."""
    with _building:
        msgspec.json.Decoder(type)
        _built.add(type)


def invalid(error: msgspec.ValidationError, pointer: str) -> InvalidInput:
    """msgspec says "Expected `int`, got `str` - at `$.lines[0].cash`": the same as an InvalidInput."""
    detail, _at, path = str(error).partition(" - at `")
    steps = (name or index for name, index in _STEP.findall(path.rstrip("`")))
    place = "/".join([pointer, *steps])
    detail = detail.replace("`", "")
    return InvalidInput(errors=[{"pointer": place, "code": "invalid", "detail": detail}])


def has_nul(value: Any) -> bool:
    """Whether any text in a JSON value, keys too, contains U+0000, which PostgreSQL cannot store."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(has_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(map(has_nul, value))
