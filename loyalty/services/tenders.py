"""Points as a means of payment: how many an order may take, how they fall on its lines, how they come back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from common import clock
from common.problems import Problem
from loyalty import facts
from loyalty.models import Hold, Lot, Order, Programme
from loyalty.selectors import programme as programmes
from loyalty.services import expiry
from loyalty.services.allocation import largest_remainder
from loyalty.services.desk import Desk
from loyalty.services.ledger import Contra, Kind, Portion
from loyalty.services.orderfile import OrderFile


class TenderNotAllowed(Problem):
    """Points are used in steps and may pay only a share of an order (F9)."""

    code = "tender_not_allowed"
    status = 422
    title = _("So many points cannot be used for this order.")


class HoldMismatch(Problem):
    """The points of the order's lines are not the points that were held."""

    code = "hold_mismatch"
    status = 409
    title = _("The order's points differ from the hold.")


class UnknownHold(Problem):
    """There is no such hold of this member."""

    code = "unknown_hold"
    status = 404
    title = _("There is no such hold.")


@dataclass(frozen=True, slots=True)
class Payable:
    """One line of a checkout: `cash` is its price before points, in minor units."""

    number: str
    cash: int
    virtual: bool = False


def most(programme: Programme, lines: Sequence[Payable], balance: int) -> int:
    """The most points that may pay for a checkout (domain.md F9).

    Goods: ⌊min(balance, ⌊cap · settlement⌋) / step⌋ · step. Virtual lines are exempt from step and cap: any number up to
    their whole price. All in points that are worth whole money, and none beyond what a line costs.
    """
    goods, virtual = _limits(programme, lines)
    step, (part, _worth) = programmes.step_of(programme), programmes.part_of(programme)
    if balance <= 0:
        return 0
    on_goods = min(balance, goods) // step * step
    return on_goods + min(virtual, balance - on_goods) // part * part


def allocate(programme: Programme, lines: Sequence[Payable], points: int) -> list[int]:
    """Share tendered points over the lines, to be stored with them (F10). Raises TenderNotAllowed.

    What is a multiple of the step goes to the goods as far as the cap allows, the rest to virtual lines; within each by
    largest remainder on the price, in parts that are worth whole money: so what the lines are paid with sums to the whole.
    """
    limit, virtual = _limits(programme, lines)
    step = programmes.step_of(programme)
    on_goods = min(points, limit) // step * step
    on_virtual = points - on_goods
    if on_virtual > virtual or on_virtual % programmes.part_of(programme)[0]:
        raise TenderNotAllowed(
            _(
                "Points are used in multiples of %(step)d for up to %(cap)d %% of the goods; this order may take %(most)d."
            )
            % {
                "step": step,
                "cap": programme.tender_cap_percent,
                "most": most(programme, lines, points),
            },
            max_points=most(programme, lines, points),
            points_step=step,
        )
    shares = iter(_share(programme, on_goods, [line for line in lines if not line.virtual]))
    virtual_shares = iter(_share(programme, on_virtual, [line for line in lines if line.virtual]))
    return [next(virtual_shares if line.virtual else shares) for line in lines]


def _limits(programme: Programme, lines: Sequence[Payable]) -> tuple[int, int]:
    """The most points that goods, and virtual lines, can be paid with: by the cap, and by what each line costs."""
    part, worth = programmes.part_of(programme)
    room = {virtual: sum(line.cash // worth for line in lines if line.virtual is virtual) for virtual in (False, True)}
    goods = sum(line.cash for line in lines if not line.virtual)
    capped = programmes.points_of(programme, goods * programme.tender_cap_percent // 100)
    return min(capped, room[False] * part), room[True] * part


def _share(programme: Programme, points: int, lines: Sequence[Payable]) -> list[int]:
    """Points within the limits by largest remainder on the price; what a cheap line cannot bear falls on the dearest."""
    part, worth = programmes.part_of(programme)
    shares = largest_remainder(points // part, [line.cash for line in lines])
    rooms = [line.cash // worth for line in lines]
    over = sum(max(share - room, 0) for share, room in zip(shares, rooms, strict=True))
    shares = [min(share, room) for share, room in zip(shares, rooms, strict=True)]
    for place in sorted(range(len(lines)), key=lambda i: shares[i] - rooms[i]):
        more = min(over, rooms[place] - shares[place])
        shares[place], over = shares[place] + more, over - more
    return [share * part for share in shares]


def settle(desk: Desk, file: OrderFile, hold: Hold | None, at: dt.datetime) -> None:
    """Let the order's tendered points leave the ledger: by the hold, else from what the balance has.

    A hold is honoured if the order was placed (`at`) before it lapsed, however late we hear of it (E62). One that was
    captured before the order came has paid it already; one of a member who was merged since follows the points to the
    wallet that pays. A completed order is a fact and is not refused for want of points; `points_taken` says what the
    ledger gave.
    """
    order, reference = file.order, f"order:{file.order.code}"
    if hold is not None and hold.account_id == file.account_id and _has_paid(desk, hold, order):
        order.tender_seq, order.points_taken = hold.seq, hold.points
        return
    _take(desk, file, hold, at, reference)
    if order.points_taken:
        desk.publish(facts.PointsSpent(order.member.external_id, order.points_taken, reference))


def _has_paid(desk: Desk, hold: Hold, order: Order) -> bool:
    """Whether the hold was captured by itself, for this order, and no other order has used it."""
    if hold.status != Hold.Status.CAPTURED or hold.order_code not in ("", order.code):
        return False
    if any(file.account_id == hold.account_id and file.order.tender_seq == hold.seq for file in desk.orders.values()):
        return False
    return not Order.objects.filter(member__wallet__account=hold.account_id, tender_seq=hold.seq).exists()


def _take(desk: Desk, file: OrderFile, hold: Hold | None, at: dt.datetime, reference: str) -> None:
    order = file.order
    if hold is not None and hold.status == Hold.Status.OPEN and at < hold.expires_at:
        if hold.account_id == file.account_id:
            desk.book.capture(hold, reference)
            order.tender_seq, order.points_taken = hold.seq, hold.points
            return
        desk.book.release(hold, reference)
    if order.points:
        desk.book.settle(file.account_id)
        taken = min(order.points, desk.book.accounts[file.account_id].available)
        if taken:
            seq, _portions = desk.book.take(
                file.account_id, taken, kind=Kind.REDEEM, contra=Contra.REDEEMED, reference=reference
            )
            order.tender_seq, order.points_taken = seq, taken


def give_back(desk: Desk, file: OrderFile, account_id: int, before: int, after: int, reference: str) -> tuple[int, int]:
    """Give tendered points back: those between `before` and `after` refunded ones of the whole tender.

    The last drawn come back first. Returns points restored and not restored.
    """
    order = file.order
    if order.tender_seq is None or not order.points:
        return 0, 0
    start = order.points_taken * before // order.points
    end = order.points_taken * after // order.points
    portions = _between(list(reversed(desk.book.drawn(file.account_id, order.tender_seq))), start, end)
    return restore(desk, portions, file.account_id, account_id, reference)


def restore(
    desk: Desk, portions: Sequence[Portion], giver_id: int, receiver_id: int, reference: str
) -> tuple[int, int]:
    """Give spent portions of the lots of one account back, to the account that is the holder's now.

    They return to the very lots with their expiry unchanged; what has expired meanwhile is lost, or comes back for the
    programme's grace (domain.md E5). Returns points restored and not restored.
    """
    alive = [portion for portion in portions if portion.lot.expires_at > desk.at]
    expired = [portion for portion in portions if portion.lot.expires_at <= desk.at]
    if receiver_id == giver_id:
        desk.book.put_back(receiver_id, alive, kind=Kind.RESTORE, contra=Contra.REDEEMED, reference=reference)
    else:
        for portion in alive:
            _regrant(desk, receiver_id, portion, portion.lot.expires_at, reference)
    restored = sum(portion.points for portion in alive)
    lost = sum(portion.points for portion in expired)
    if desk.programme.refund_grace_days and lost:
        until = expiry.expires_at("days", desk.programme.refund_grace_days, None, desk.at, tz=clock.zone())
        for portion in expired:
            _regrant(desk, receiver_id, portion, until, reference)
        return restored + lost, 0
    return restored, lost


def _regrant(desk: Desk, account_id: int, portion: Portion, expires_at: dt.datetime, reference: str) -> None:
    desk.book.grant(
        account_id,
        portion.points,
        source=Lot.Source.RESTORE,
        reference=reference,
        expires_at=expires_at,
        kind=Kind.RESTORE,
        contra=Contra.REDEEMED,
        funder_id=portion.lot.funder_id,
        rule_version=portion.lot.rule_version,
        parent=portion.lot,
    )


def _between(portions: Sequence[Portion], start: int, end: int) -> list[Portion]:
    """The points from position `start` to `end` of a row of portions."""
    cut, position = [], 0
    for portion in portions:
        low, high = max(start, position), min(end, position + portion.points)
        if low < high:
            cut.append(Portion(portion.lot, high - low))
        position += portion.points
    return cut


def shortness(order: Order) -> dict:
    """What the answer says of a tender that the ledger could not give in full."""
    if order.points_taken == order.points:
        return {}
    return {"tender": {"asked": order.points, "taken": order.points_taken}}
