"""What is kept of an error. PostgreSQL quotes whole rows in it, which nobody could find to forget: they are left out."""

from __future__ import annotations

import re
import traceback

_QUOTED = re.compile(r"^(DETAIL|CONTEXT):.*?(?=^\n|\Z)", re.MULTILINE | re.DOTALL)


def words(error: BaseException) -> str:
    """Kind and message of an error, without the rows that it quotes."""
    return f"{type(error).__name__}({_without_rows(str(error))!r})"


def trace() -> str:
    """The end of the traceback of the exception at hand, without the rows that it quotes."""
    return _without_rows(traceback.format_exc(limit=-8))[-4000:]


def _without_rows(text: str) -> str:
    return _QUOTED.sub(r"\1: left out\n", text)
