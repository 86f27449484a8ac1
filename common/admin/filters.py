"""Filters of lists in words."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import EmptyFieldListFilter


class _Whether(EmptyFieldListFilter):
    """Django's own says "Empty" and "Not empty", which means nothing to people."""

    words: tuple[Any, Any]

    def choices(self, changelist):
        every, *both = super().choices(changelist)
        yield every
        for choice, said in zip(both, self.words, strict=True):
            _title, bracket, count = str(choice["display"]).rpartition(" (")
            yield {**choice, "display": f"{said}{bracket}{count}" if bracket else said}


def whether(field: str, filled: Any, empty: Any) -> tuple[str, type[_Whether]]:
    """For `list_filter`: rows whose field says something are `filled`, the others `empty`, in words."""
    return field, type("Whether", (_Whether,), {"words": (empty, filled)})
