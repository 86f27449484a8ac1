"""Whether an event about somebody unknown registers a member. The programme decides, and it stands a floor above."""

from __future__ import annotations

from collections.abc import Callable

_decide: Callable[[], bool] = lambda: True  # noqa: E731


def decide_by(decide: Callable[[], bool]) -> None:
    """Called once when the higher app starts (apps.py)."""
    global _decide
    _decide = decide


def is_open() -> bool:
    return _decide()
