"""Portraits of groups of members as pictures: bars by tier and life cycle, and the heat map of recency and frequency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext

from common.admin import words
from loyalty.admin import pictures
from loyalty.models import Lifecycle
from loyalty.selectors.portraits import Portrait

CLASSES = (1, 2, 3, 4, 5)
STAGE_COLOURS = {
    Lifecycle.PROSPECT: "#9ca3af",
    Lifecycle.NEW: "#2563eb",
    Lifecycle.ACTIVE: "#16a34a",
    Lifecycle.AT_RISK: "#f59e0b",
    Lifecycle.LAPSED: "#dc2626",
    Lifecycle.RETURNING: "#7c3aed",
}


def show(portrait: Portrait, query: Mapping[str, Any] | None = None) -> dict:
    """What the pictures show. `query` leads from a picture to the list of its members; None: the group has no list yet."""
    return {
        "size": words.number(portrait.size),
        "share": pictures.share(portrait.size, portrait.everybody),
        "everybody": words.number(portrait.everybody),
        "tiers": _bars(
            (tier.name if tier else gettext("no tier"), tier.colour if tier else "#9ca3af", number, None)
            for tier, number in portrait.tiers
            if number
        ),
        "stages": _bars(
            (stage.label, STAGE_COLOURS[stage], portrait.stages[stage], members(query, lifecycle__exact=stage.value))
            for stage in Lifecycle
        ),
        "heat": _heat(portrait, query),
        "classes": CLASSES,
        "never": words.number(portrait.heat[None]),
        "sample": [words.link(member) for member in portrait.sample],
    }


def members(query: Mapping[str, Any] | None, **more: Any) -> str:
    """The address of the list of members, filtered."""
    if query is None:
        return ""
    return reverse("admin:loyalty_memberstats_changelist", query={**query, **more})


def _bars(rows) -> list[dict]:
    rows = list(rows)
    most, total = max((row[2] for row in rows), default=0) or 1, sum(row[2] for row in rows)
    return [
        {
            "name": name,
            "colour": colour,
            "members": words.number(number),
            "share": pictures.share(number, total),
            "percent": number * 100 // most,
            "link": link,
        }
        for name, colour, number, link in rows
    ]


def _heat(portrait: Portrait, query: Mapping[str, Any] | None) -> list[dict]:
    """Rows by recency, the most recent on top; columns by frequency."""
    most = max((number for cell, number in portrait.heat.items() if cell), default=0) or 1
    rows = []
    for r in reversed(CLASSES):
        cells = []
        for f in CLASSES:
            number, money = portrait.heat[r, f], portrait.spend[r, f]
            cells.append(
                {
                    "members": words.number(number) if number else "·",
                    # A few members are seen too: the tint begins at 10 %.
                    "tint": 10 + number * 55 // most if number else 0,
                    "spend": words.money(money // number) if number else "",
                    "link": members(query, r__exact=r, f__exact=f) if number else "",
                    "says": gettext("R%(r)d F%(f)d: %(members)s members, %(share)s, spend %(money)s")
                    % {
                        "r": r,
                        "f": f,
                        "members": words.number(number),
                        "share": pictures.share(number, portrait.size),
                        "money": words.money(money),
                    },
                }
            )
        rows.append({"r": r, "cells": cells})
    return rows
