"""Risk rules at the doors of the API: a view's method that is `guarded` is asked about before its transaction begins."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import exceptions
from common.api.idempotency import HEADER
from members.selectors import risk_rules
from members.services import identities, risk_guards
from members.services.risk_guards import Attempt

DEVICE = "Device-Id"

View = Callable[..., Response]
Say = Callable[..., tuple[str, str, dict[str, str]]]


def guarded(say: Say) -> Callable[[View], View]:
    """Decorator between `once` and the transaction of the work.

    `say(view, request, …)` names the action, the member, and what else is known (`other`, `order`). A refusal is the
    method's answer, not an exception, so what was remembered of it stays; work that fails was not counted.
    """

    def decorate(method: View) -> View:
        @functools.wraps(method)
        def wrapper(view: APIView, request: Request, *args: Any, **kwargs: Any) -> Response:
            now = timezone.now()
            if risk_rules.book(now).is_empty:
                return method(view, request, *args, **kwargs)
            action, subject, known = say(view, request, *args, **kwargs)
            device = identities.mark("device", request.headers.get(DEVICE, ""))
            key = request.headers.get(HEADER, "")
            attempt = Attempt(action, subject, now, device=device, reference=key, **known)
            with transaction.atomic():
                refused = risk_guards.check(attempt, now)
                return exceptions.respond(refused) if refused else method(view, request, *args, **kwargs)

        wrapper.is_guarded = True  # schema.py documents the header
        return wrapper

    return decorate
