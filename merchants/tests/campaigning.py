"""Campaigns of merchants for tests, in few words: Acme gives from its purse to the cards of its club."""

from __future__ import annotations

import datetime as dt

from common.services import outbox
from loyalty.services import expiry
from loyalty.tests.stage import STAFF
from merchants.models import Card, Club, MerchantCampaign
from merchants.services import campaigns, purses
from merchants.tests import buyers
from merchants.tests.buyers import DAY, NOON
from merchants.tests.purse_strings import a_purse


def a_club(code: str = "acme", *, points: int = 10_000, **values) -> Club:
    """A club of the merchant's one store `<code>`, with so many points in the merchant's purse."""
    merchant = buyers.a_merchant(code)
    a_purse(points, code, expires_at=expiry.NEVER)
    return buyers.a_club(merchant, **values)


def cards(club: Club, *names: str, **values) -> list[Card]:
    """Open cards of members."""
    return [buyers.a_card(buyers.a_member(name), club, **values) for name in names]


def a_draft(club: Club, **values) -> MerchantCampaign:
    """100 points at once for everybody, a thousand in all, unless told otherwise; from a day ago to in a month."""
    values = {"name": "Spring", "points": 100, "budget": 1000} | values
    values = {"starts_at": NOON - DAY, "ends_at": NOON + 30 * DAY} | values
    return MerchantCampaign.objects.create(club=club, **values)


def started(club: Club, *, at: dt.datetime = NOON, **values) -> MerchantCampaign:
    """The same, running."""
    return campaigns.start(a_draft(club, **values), STAFF, at)


def drain(at: dt.datetime = NOON) -> None:
    """Let everything be heard that was told, and what is told thereupon."""
    while outbox.dispatch(at):
        while outbox.deliver(at):
            pass


def purse(club: Club, at: dt.datetime = NOON) -> int:
    """What the merchant's purse can give."""
    return purses.balance(club.merchant, at)
