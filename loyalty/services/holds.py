"""Holds: points set aside for a checkout, then captured, released, or let go by time."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from common.problems import Problem
from loyalty import facts
from loyalty.models import Hold, HoldLine
from loyalty.services import tenders
from loyalty.services.desk import Desk
from loyalty.services.tenders import Payable, UnknownHold


class HoldClosed(Problem):
    """The hold was captured, released or has lapsed before."""

    code = "hold_closed"
    status = 409
    title = _("The hold is no longer open.")


def place(
    name: str,
    points: int,
    *,
    order_code: str,
    lines: Sequence[Payable],
    expires_at: dt.datetime | None = None,
    at: dt.datetime,
) -> Hold:
    """Set points > 0 of a member aside for an order and share them over its lines (F9, F10); in the caller's transaction.

    `expires_at` defaults to the programme's hold time. Raises UnknownMember, ClosedMember, TenderNotAllowed,
    InsufficientPoints.
    """
    desk = Desk([name], at, register=False)
    wallet = desk.wallet(name)
    shares = tenders.allocate(desk.programme, lines, points)
    hold = desk.book.hold(
        wallet.account_id,
        points,
        order_code=order_code,
        expires_at=expires_at or at + dt.timedelta(minutes=desk.programme.hold_minutes),
        reference=f"order:{order_code}" if order_code else "checkout",
    )
    hold.shares = [
        HoldLine(hold=hold, number=line.number, points=share) for line, share in zip(lines, shares, strict=True)
    ]
    for line in hold.shares:
        desk.add(line)
    desk.close()
    return hold


def capture(hold_uuid: uuid.UUID, at: dt.datetime) -> Hold:
    """The held points are spent. Captured again it stays captured. Raises UnknownHold, HoldClosed."""
    desk, hold = _open(hold_uuid, at)
    if hold.status == Hold.Status.CAPTURED:
        return hold
    desk.book.settle(hold.account_id)
    if hold.status != Hold.Status.OPEN:
        raise HoldClosed(_("The hold is %(status)s.") % {"status": hold.get_status_display()}, hold_status=hold.status)
    reference = f"order:{hold.order_code}" if hold.order_code else f"hold:{hold.uuid}"
    desk.book.capture(hold, reference)
    desk.publish(facts.PointsSpent(hold.account.wallet.member.external_id, hold.points, reference))
    desk.close()
    return hold


def release(hold_uuid: uuid.UUID, at: dt.datetime) -> Hold:
    """The held points go back to their lots. Released or lapsed before: nothing to do. Raises UnknownHold, HoldClosed."""
    desk, hold = _open(hold_uuid, at)
    if hold.status == Hold.Status.CAPTURED:
        raise HoldClosed(_("The hold is %(status)s.") % {"status": hold.get_status_display()}, hold_status=hold.status)
    if hold.status == Hold.Status.OPEN:
        desk.book.release(hold, f"hold:{hold.uuid}")
        desk.close()
    return hold


def _open(hold_uuid: uuid.UUID, at: dt.datetime) -> tuple[Desk, Hold]:
    """Lock the hold's account, then read the hold: only then is its state certain."""
    found = Hold.objects.filter(uuid=hold_uuid, quarantined=None).values_list("account_id", flat=True).first()
    if found is None:
        raise UnknownHold
    desk = Desk([], at)
    desk.lock([found])
    (hold,) = desk.book.know(Hold.objects.filter(uuid=hold_uuid).select_related("account__wallet__member"))
    return desk, hold
