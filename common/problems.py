"""Refusals and faults as RFC 9457 problem documents.

A refusal is a subclass of Problem beside the verb that raises it, with a stable `code` and an HTTP status.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _


class Problem(Exception):
    """Base of every refusal. `extra` members go into the document as they are (RFC 9457 section 3.2)."""

    code: str = "problem"
    status: int = 400
    title: Any = _("The request was refused.")

    def __init__(self, detail: Any = "", *, errors: Sequence[dict] = (), retry_after: int | None = None, **extra: Any):
        self.detail = detail
        self.errors = list(errors)
        self.retry_after = retry_after
        self.extra = extra
        super().__init__(str(detail) or self.code)

    def document(self) -> dict:
        """The problem document: type, title, status, detail, code, errors where the input was invalid, and
        retry_after (seconds) where trying again makes sense."""
        document = {
            "type": f"/problems/{self.code}",
            "title": str(self.title),
            "status": self.status,
            "detail": str(self.detail) or str(self.title),
            "code": self.code,
        }
        if self.retry_after is not None:
            document["retry_after"] = self.retry_after
        if self.errors:
            document["errors"] = self.errors
        return document | self.extra


class InvalidInput(Problem):
    """The input does not have the form the interface asks for; `errors` point at each place (JSON Pointer)."""

    code = "invalid_input"
    status = 422
    title = _("The input is not valid.")


class NotFound(Problem):
    """There is no such thing, or it is not the caller's to see."""

    code = "not_found"
    status = 404
    title = _("Not found.")


class Conflict(Problem):
    """Somebody else was faster; trying again is safe."""

    code = "conflict"
    status = 409
    title = _("Somebody else was faster. Try again.")


class Unavailable(Problem):
    """The database could not do it just now (a lock, a restart); nothing was changed."""

    code = "unavailable"
    status = 503
    title = _("The service is busy. Try again.")


class InternalError(Problem):
    """A fault of ours, which was logged; nothing was changed."""

    code = "internal_error"
    status = 500
    title = _("Something went wrong on our side. Nothing was changed.")
