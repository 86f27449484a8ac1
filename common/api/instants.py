"""Instants leave the API in UTC (RFC 3339), whatever the programme's own zone is."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone


class UtcMixin:
    """Mixin: a view that reads and writes instants in UTC. Local days come from common.clock, which does not mind."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with timezone.override(dt.UTC):
            return super().dispatch(request, *args, **kwargs)
