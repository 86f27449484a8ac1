"""Whom a consent may name. The merchants stand a floor above; they say who they are and whom to ask (PIPL 23)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipient:
    code: str
    name: str
    contact: str = ""


Find = Callable[[Collection[str]], dict[str, Recipient]]

_find: Find = lambda codes: {}  # noqa: E731


def found_by(find: Find) -> None:
    """Called once when the higher app starts (apps.py)."""
    global _find
    _find = find


def of(codes: Collection[str]) -> dict[str, Recipient]:
    """The recipients of these codes, by code; unknown ones are missing."""
    return _find(codes)
