"""States as coloured words, the same on lists and pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

GOOD, BAD, WAITING, NEWS = "ok", "bad", "wait", "info"


def tag(text: Any, colour: str = "") -> SafeString:
    """One coloured word."""
    return format_html('<span class="lp-tag {}">{}</span>', colour, text)


def tagged(description: Any, colours: dict[str, str]) -> Callable:
    """For a ModelAdmin's method that gives (state, words): shows the words in the state's colour."""

    def decorate(method: Callable) -> Callable:
        @admin.display(description=description)
        @wraps(method)
        def show(self, row):
            state, text = method(self, row)
            return tag(text, colours.get(state, ""))

        return show

    return decorate
