"""How often a caller may call: whole windows, one counter each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:  # the view's module loads this one, as the default throttle
    from rest_framework.views import APIView


class ScopedThrottle(SimpleRateThrottle):
    """The view's `throttle_scope` names a rate of DEFAULT_THROTTLE_RATES; each caller (else address) has its own count.

    DRF's own throttle keeps the time of every request in the window; at thousands a minute one counter is cheaper.
    """

    def __init__(self) -> None:
        self.window = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        self.scope = getattr(view, "throttle_scope", None)
        rate = self.scope and self.get_rate()
        if not rate:
            return True
        allowed, self.window = self.parse_rate(rate)
        caller = getattr(request.user, "principal", None) or self.get_ident(request)
        return self._count(f"throttle:{self.scope}:{caller}:{int(time.time() // self.window)}") <= (allowed or 0)

    def _count(self, key: str) -> int:
        """How many calls the window has seen, this one included. Only its first one has to open it."""
        try:
            return cache.incr(key)
        except ValueError:
            return 1 if cache.add(key, 1, timeout=self.window) else self._count(key)

    def wait(self) -> float:
        """Seconds until the next window opens."""
        return self.window - time.time() % self.window
