"""Checkouts with points: what a member may use is only known when the time comes.

A story marks such an order with `hold: wanted`. Just before its batch is sent, a hold is placed (once: after a stop it
is found by its order) and the order's lines say how many points pay for them.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from django.db import transaction

from config.demo.journal import ABANDONED
from config.demo.shopping import WANTED
from loyalty.models import Hold, Order, Wallet
from loyalty.selectors import programme as programmes
from loyalty.services import holds, ledger, tenders
from loyalty.services.replay import envelopes


class Tender(NamedTuple):
    """The hold of an order, and its points by line; no hold, no points."""

    hold: str
    points: dict[str, int]


NONE = Tender("", {})


def prepare(events: list[dict], at: dt.datetime) -> list[dict]:
    """The batch as it is sent: holds in place, abandoned checkouts taken out."""
    wanting = [event for event in events if event["data"].get("hold") == WANTED]
    if wanting:
        known = _known(wanting)
        for event in wanting:
            _hold(event, known)
    return [event for event in events if event["type"] != ABANDONED]


def _known(events: list[dict]) -> dict[str, Tender]:
    """What was decided before, by order: an order that is recorded without a hold stays without one."""
    codes = [event["data"]["order"] for event in events]
    known: dict[str, Tender] = dict.fromkeys(Order.objects.filter(code__in=codes).values_list("code", flat=True), NONE)
    for hold in Hold.objects.filter(order_code__in=codes).prefetch_related("lines"):
        known[hold.order_code] = _tender(hold)
    return known


def _tender(hold: Hold) -> Tender:
    return Tender(str(hold.uuid), {line.number: line.points for line in hold.lines.all()})


def _hold(event: dict, known: dict[str, Tender]) -> None:
    data = event["data"]
    if event["type"] in ("order.paid", ABANDONED) and data["order"] not in known:
        known[data["order"]] = _place(event)
    tender = known.get(data["order"], NONE)
    del data["hold"]
    if tender.hold:
        data["hold"] = tender.hold
        data["lines"] = [_paid_with(line, tender.points[line["line"]]) for line in data["lines"]]


def _paid_with(line: dict, points: int) -> dict:
    """1 point is 1 fen (JD)."""
    return {**line, "cash": line["cash"] - points, "points": points}


def _place(event: dict) -> Tender:
    """Hold as much as the order may take; nothing if the balance is too small."""
    data, time = event["data"], envelopes.time_of(event)
    wallet = Wallet.objects.select_related("member", "account").filter(member__external_id=event["subject"]).first()
    if wallet is None:
        return NONE
    payables = [tenders.Payable(line["line"], line["cash"], line["virtual"]) for line in data["lines"]]
    programme = programmes.current()
    try:
        with transaction.atomic():
            points = tenders.most(programme, payables, wallet.account.available)
            if not points:
                return NONE
            hold = holds.place(wallet.member.external_id, points, order_code=data["order"], lines=payables, at=time)
    except (tenders.TenderNotAllowed, ledger.InsufficientPoints):
        return NONE
    return _tender(hold)
