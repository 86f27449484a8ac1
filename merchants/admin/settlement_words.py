"""A month's settlement in words: the matrix for finance of the platform, one row and column for a merchant."""

from __future__ import annotations

from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext

from common.admin import words
from merchants.admin.purse_words import KINDS
from merchants.models import Merchant, Settlement
from merchants.selectors import settlements
from merchants.selectors.settlements import OTHERS, OWN, PLATFORM, Share

_SHOWN = 15


def table(settlement: Settlement) -> dict:
    """The matrix as far as a page can show it, the net positions, and what it comes to by kind."""
    found = settlements.matrix(settlement)
    parties = sorted(found.parties, key=lambda party: (party is not None, -_weight(found, party)))[:_SHOWN]
    kinds: dict[str, list[int]] = {}
    for amount in found.owed.values():
        for kind, points in amount.by_kind.items():
            kinds.setdefault(kind, [0, 0])[0] += points
    for kind, money in settlement.cells.values_list("kind", "money"):
        kinds[kind][1] += money
    return {
        "columns": [name(party) for party in parties],
        "rows": [_row(found, party, parties) for party in parties] if found.owed else [],
        "cut": len(found.parties) - len(parties),
        "net": [(name(party), _signed_money(found.net.get(party and party.pk, 0))) for party in parties],
        "sum": words.money(sum(found.net.values())),
        "kinds": [
            (KINDS[kind], words.number(points), words.money(money)) for kind, (points, money) in sorted(kinds.items())
        ],
    }


def name(party: Merchant | None) -> str:
    """A merchant's name, or the platform."""
    return party.name if party else gettext("the platform")


def _weight(found: settlements.Matrix, party: Merchant | None) -> int:
    return abs(found.net.get(party and party.pk, 0))


def _row(found: settlements.Matrix, issuer: Merchant | None, parties: list[Merchant | None]) -> dict:
    own = issuer and issuer.pk
    cells = [found.owed.get((own, party and party.pk)) for party in parties]
    return {
        "name": name(issuer),
        "cells": [
            {"money": words.money(cell.money), "points": words.number(cell.points)} if cell else None for cell in cells
        ],
        "owes": words.money(sum(amount.money for (row, _column), amount in found.owed.items() if row == own)),
    }


def rows(settlement: Settlement) -> list[list[Any]]:
    """Every cell, for a file: minor units of money."""
    head = [
        gettext("Points of"),
        gettext("Used at"),
        gettext("Kind"),
        gettext("Points"),
        gettext("Money (minor units)"),
    ]
    cells = settlement.cells.select_related("issuer", "redeemer").order_by("issuer__code", "redeemer__code", "kind")
    return [
        head,
        *([_code(c.issuer), _code(c.redeemer), str(KINDS[c.kind]), c.points, c.money] for c in cells),
    ]


def _code(merchant: Merchant | None) -> str:
    return merchant.code if merchant else gettext("the platform")


def own_months(months: list[Settlement], merchant: Merchant) -> list[dict]:
    """A merchant's own row and column of some months."""
    found = settlements.shares(months, merchant)
    return [
        {
            "name": date_format(month.month, "YEAR_MONTH_FORMAT"),
            "rows": [
                (said, words.number(points), words.money(money)) for said, points, money in _own_rows(found[month.pk])
            ],
            "net": _signed_money(found[month.pk].net),
        }
        for month in months
    ]


def own_file(months: list[Settlement], merchant: Merchant) -> list[list[Any]]:
    """The same as rows of a file."""
    found = settlements.shares(months, merchant)
    head = [gettext("Month"), gettext("What"), gettext("Points"), gettext("Money (minor units)")]
    return [
        head,
        *([f"{month}", said, points, money] for month in months for said, points, money in _own_rows(found[month.pk])),
    ]


def _own_rows(share: Share) -> list[tuple[str, int, int]]:
    issued = {
        OWN: gettext("Your points, used at your own stores or kept"),
        OTHERS: gettext("Your points, used at other merchants"),
        PLATFORM: gettext("Your points, used at the platform or kept by it"),
    }
    redeemed = {
        OTHERS: gettext("Points of other merchants, used at your stores"),
        PLATFORM: gettext("Points of the platform, used at your stores"),
    }
    told = [(said, share.issued[party]) for party, said in issued.items() if party in share.issued]
    told += [(said, share.redeemed[party]) for party, said in redeemed.items() if party in share.redeemed]
    return [(said, amount.points, amount.money) for said, amount in told]


def _signed_money(minor: int) -> str:
    return f"+{words.money(minor)}" if minor > 0 else words.money(minor)
