"""What this floor does when something happened below: holds lapse, members leave, orders are cancelled."""

from __future__ import annotations

import datetime as dt
import uuid

from common.services.audit import Actor
from rewards.services import fulfilment, redemptions

_LEDGER = Actor("ledger")


def hold_lapsed(payload: dict, at: dt.datetime) -> None:
    """A redemption that waited for its payment is let go with its points."""
    redemptions.let_go(uuid.UUID(payload["hold"]), actor=_LEDGER, at=at)


def member_closed(payload: dict, at: dt.datetime) -> None:
    """What still waits for a payment waits no longer."""
    redemptions.drop(payload["key"], actor=_LEDGER, at=at)


def order_cancelled(payload: dict, at: dt.datetime) -> None:
    """Coupons of an order that was cancelled as a whole are good again."""
    fulfilment.reinstate_for(payload["order"], actor=Actor("orders"), at=at)
