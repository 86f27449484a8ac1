"""Orders: paid, completed, cancelled."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from common import clock, sql
from common.problems import InvalidInput, Problem
from common.services.inbox import Event, Outcome
from loyalty import facts, messages
from loyalty.models import Hold, Lot, Order, OrderLine, ParkedEvent, Refund, Wallet
from loyalty.services import earning, grown, orderfile, refunds, tenders, wallets
from loyalty.services.desk import Desk
from loyalty.services.memberfacts import MemberFacts
from loyalty.services.orderfile import OrderFile

Status = Order.Status


class OrderOfAnotherMember(Problem):
    """The order belongs to another member than the event's subject."""

    code = "order_of_another_member"
    status = 409
    title = _("The order belongs to another member.")


class OrderLinesChanged(Problem):
    """A completed order must name the lines, and the points on them, that were paid."""

    code = "order_lines_changed"
    status = 409
    title = _("The order's lines differ from those that were paid.")


def prepare(desk: Desk, events: Sequence[Event]) -> None:
    """Read the orders and holds that these events name."""
    codes = {event.data.order for event in events} - desk.orders.keys()
    desk.orders.update(orderfile.load(codes))
    desk.lock({file.account_id for file in desk.orders.values()} - desk.book.accounts.keys())
    desk.book.load_lots(_accounts(desk, [event for event in events if _spends(event.data)]))
    named = {event.data.hold for event in events if getattr(event.data, "hold", None)}
    desk.shelf.setdefault("holds", {}).update(_holds(desk, [name for name in named if _is_uuid(name)]))
    desk.shelf.setdefault("memberfacts", MemberFacts(desk.wallets.values(), desk.rules))


def _spends(data: Any) -> bool:
    """Whether points are to be taken from the balance: an order without a hold names some."""
    return isinstance(data, messages.OrderPlaced) and not data.hold and any(line.points for line in data.lines)


def _accounts(desk: Desk, events: Sequence[Event]) -> set[int]:
    return {desk.wallets[event.subject].account_id for event in events if event.subject in desk.wallets}


def _holds(desk: Desk, uuids: Sequence[str]) -> dict[str, Hold]:
    """Holds by name, read when their accounts are locked: those of merged members are locked only now."""
    named = Hold.objects.filter(uuid__in=uuids, quarantined=None)
    found = list(named) if uuids else []
    further = {hold.account_id for hold in found} - desk.book.accounts.keys()
    if further:
        desk.lock(further)
        found = list(named.all())
    return {str(hold.uuid): hold for hold in desk.book.know(found)}


def prepare_returns(desk: Desk, events: Sequence[Event]) -> None:
    """Read also what giving these orders back needs."""
    prepare(desk, events)
    desk.book.load_lots(_accounts(desk, events))
    returned = {event.data.order for event in events}
    completed = [file for code, file in desk.orders.items() if code in returned and file.order.completed_at]
    if completed:
        desk.caps.expect(file.order.completed_at for file in completed)
        refunds.prepare(desk, completed)


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def pay(desk: Desk, event: Event) -> Outcome:
    """order.paid: the order is recorded and its points leave the ledger."""
    wallet, file = _find(desk, event)
    if file is not None and file.order.status != Status.AWAITED:
        return Outcome.ignored("order_already_paid")
    hold = _hold(desk, wallet, event.data)
    file = _record(desk, wallet, file, event, Status.PAID)
    file.order.paid_at = event.data.paid_at or event.time
    tenders.settle(desk, file, hold, event.time)
    _keep_tender(desk, file.order)
    effects = {"points": {"spent": file.order.points_taken} | tenders.shortness(file.order)}
    return Outcome.applied(effects | _apply_parked(desk, wallet, file))


def complete(desk: Desk, event: Event) -> Outcome:
    """order.completed: the rules are asked, and what they give is posted."""
    wallet, file = _find(desk, event)
    if file is not None and file.order.status in (Status.COMPLETED, Status.CANCELLED):
        return Outcome.ignored(f"order_already_{file.order.status}")
    hold = _hold(desk, wallet, event.data)
    if file is not None and file.order.status == Status.PAID:
        _renew_lines(desk, file, event.data.lines)
        desk.change(file.order, status=Status.COMPLETED, channel=event.data.channel or file.order.channel)
        taken = 0
    else:
        file = _record(desk, wallet, file, event, Status.COMPLETED)
        tenders.settle(desk, file, hold, event.time)
        taken = file.order.points_taken
        _keep_tender(desk, file.order)
    paid = _earn(desk, wallet, file, event)
    points = {"earned": paid.earned, "pending": paid.pending, "capped": paid.capped}
    if taken or file.order.points != file.order.points_taken:
        points |= {"spent": taken} | tenders.shortness(file.order)
    return Outcome.applied({"points": points} | _apply_parked(desk, wallet, file))


def cancel(desk: Desk, event: Event) -> Outcome:
    """order.cancelled: everything that is left of the order is given back, a hold for it is let go."""
    wallet, file = _find(desk, event)
    released = _release_holds(desk, wallet, event.data.order)
    if file is None or file.order.status == Status.AWAITED:
        _park(desk, wallet, file, event)
        _tell_cancelled(desk, wallet, event.data.order, event.time)
        return Outcome.ignored("order_unknown", {"points": {"released": released}})
    if file.order.status == Status.CANCELLED:
        return Outcome.ignored("order_already_cancelled")
    return Outcome.applied(_cancel(desk, wallet, file, event.time))


def refund(desk: Desk, event: Event) -> Outcome:
    """order.refunded: see refunds.apply. A refund that comes before its order waits for it."""
    wallet, file = _find(desk, event)
    refunds.check_form(event.data)
    if file is None or file.order.status == Status.AWAITED:
        _park(desk, wallet, file, event)
        return Outcome.ignored("order_unknown")
    if (known := file.refunds.get(event.data.refund)) is not None:
        refunds.check_same(known, event.data)
        return Outcome.ignored("refund_already_applied")
    if file.order.status == Status.CANCELLED:
        return Outcome.ignored("order_already_cancelled")
    return Outcome.applied(refunds.apply(desk, wallet, file, event.data))


# Parts --------------------------------------------------------------------------------------------------------


def _find(desk: Desk, event: Event) -> tuple[Wallet, OrderFile | None]:
    wallet = desk.wallet(event.subject)
    file = desk.orders.get(event.data.order)
    if file is not None and file.order.status != Status.AWAITED and not file.is_of(wallet):
        raise OrderOfAnotherMember
    return wallet, file


def _hold(desk: Desk, wallet: Wallet, data: messages.OrderPlaced) -> Hold | None:
    """The hold an order names. Raises UnknownHold, HoldMismatch. A hold that has lapsed is as good as none."""
    numbers = Counter(line.line for line in data.lines)
    twice = [f"/data/lines/{i}/line" for i, line in enumerate(data.lines) if numbers[line.line] > 1]
    if twice:
        raise InvalidInput(
            errors=[
                {"pointer": p, "code": "duplicate_line", "detail": str(_("This line is named twice."))} for p in twice
            ]
        )
    if not data.hold:
        return None
    hold = desk.shelf["holds"].get(data.hold.lower())
    if hold is None or hold.account_id not in (wallet.account_id, *_merged_accounts(desk, wallet)):
        raise tenders.UnknownHold
    if hold.points != sum(line.points for line in data.lines):
        raise tenders.HoldMismatch
    return hold


def _merged_accounts(desk: Desk, wallet: Wallet) -> list[int]:
    return [pk for pk, account in desk.book.accounts.items() if account.merged_into_id == wallet.account_id]


def _record(desk: Desk, wallet: Wallet, file: OrderFile | None, event: Event, status: str) -> OrderFile:
    data: messages.OrderPlaced = event.data
    values = {
        "member": wallet.member,
        "status": status,
        "channel": data.channel,
        "freight": data.freight,
        "freight_waived": data.freight_waived,
        "free_from": data.free_from,
        "cash": sum(line.cash for line in data.lines),
        "points": sum(line.points for line in data.lines),
        "attributes": data.attributes,
        "paid_at": data.paid_at,
        "completed_at": event.time if status == Status.COMPLETED else None,
        "completed_on": clock.local_date(event.time) if status == Status.COMPLETED else None,
    }
    if file is None:
        file = OrderFile(sql.build(Order, code=data.order, **values), wallet.account_id)
        desk.add(file.order)
        desk.orders[data.order] = file
    else:
        file.account_id = wallet.account_id
        desk.change(file.order, **values, tender_seq=None, points_taken=0, context={}, points_due=0)
    for line in data.lines:
        row = sql.build(OrderLine, order=file.order, number=line.line, **_line_values(line))
        file.lines.append(row)
        desk.add(row)
    return file


def _line_values(line: messages.Line) -> dict:
    return {
        "sku": line.sku,
        "category": line.category,
        "store_code": line.store,
        "quantity": line.quantity,
        "cash": line.cash,
        "points": line.points,
        "discount": line.discount,
        "is_virtual": line.virtual,
        "attributes": line.attributes,
    }


def _renew_lines(desk: Desk, file: OrderFile, lines: Sequence[messages.Line]) -> None:
    """A paid order completes with the same lines; what else is said of them is taken over."""
    known = {line.number: line for line in file.lines}
    same = known.keys() == {line.line for line in lines} and all(
        known[line.line].points == line.points
        and known[line.line].refunded_cash <= line.cash
        and known[line.line].refunded_quantity <= line.quantity
        for line in lines
    )
    if not same:
        raise OrderLinesChanged
    for line in lines:
        desk.change(known[line.line], **_line_values(line))
    desk.change(file.order, cash=sum(line.cash for line in lines))


def _earn(desk: Desk, wallet: Wallet, file: OrderFile, event: Event):
    categories = {line.category for line in file.lines}
    order = file.order
    known = desk.shelf["memberfacts"].of(
        wallet, event.time, categories, ordered_at=order.paid_at, ordered_by=order.member_id
    )
    file.remember(known)
    occasion = file.occasion(known, event.time)
    evaluation = earning.evaluate(
        desk.rules.in_force(event.type, event.time),
        occasion,
        desk.caps.of(wallet.account_id),
    )
    reference = f"order:{file.order.code}"
    paid = desk.pay(
        wallet,
        evaluation,
        earned_at=event.time,
        source=Lot.Source.ORDER,
        reference=reference,
        lines={line.number: line for line in file.lines},
    )
    desk.shelf["memberfacts"].bought(wallet, categories)
    desk.change(
        file.order,
        points_due=paid.earned,
        completed_at=event.time,
        completed_on=clock.local_date(event.time),
        context=file.order.context,
    )
    grown.complete(desk, wallet, file)
    desk.publish(
        facts.OrderCompleted(
            key=wallet.member.external_id,
            order=file.order.code,
            at=event.time.isoformat(),
            channel=file.order.channel,
            cash=file.order.cash,
            points=paid.earned,
            lines=[
                {
                    "line": x.number,
                    "store": x.store_code,
                    "category": x.category,
                    "sku": x.sku,
                    "quantity": x.quantity,
                    "cash": x.cash,
                }
                for x in file.lines
            ],
        )
    )
    return paid


def _keep_tender(desk: Desk, order: Order) -> None:
    desk.change(order, tender_seq=order.tender_seq, points_taken=order.points_taken, paid_at=order.paid_at)


def _release_holds(desk: Desk, wallet: Wallet, order_code: str) -> int:
    account = desk.book.accounts[wallet.account_id]
    if not account.held:
        return 0
    holds = [hold for hold in desk.book.open_holds(account.pk) if hold.order_code == order_code]
    for hold in holds:
        desk.book.release(hold, f"order:{order_code}")
    return sum(hold.points for hold in holds)


def _park(desk: Desk, wallet: Wallet, file: OrderFile | None, event: Event) -> None:
    """Keep an event until its order arrives; the place for the order is kept too, so that both find each other."""
    if file is None:
        order = Order(code=event.data.order, member=wallet.member, status=Status.AWAITED)
        file = OrderFile(order, wallet.account_id)
        desk.add(order)
        desk.orders[event.data.order] = file
    waiting = ParkedEvent(order=file.order, member=wallet.member, type=event.type, time=event.time, data=event.raw)
    file.parked.append(waiting)
    desk.add(waiting)


def _apply_parked(desk: Desk, wallet: Wallet, file: OrderFile) -> dict:
    """What came before its order happens now; a refund that does not fit the order is kept with the reason."""
    done = []
    for waiting in file.parked:
        try:
            if not wallets.stands_for(wallet, waiting.member):
                raise OrderOfAnotherMember
            if waiting.type == "order.cancelled":
                effects = _cancel(desk, wallet, file, waiting.time)
            else:
                request = refunds.decode(waiting.data)
                effects = {} if request.refund in file.refunds else refunds.apply(desk, wallet, file, request)
        except Problem as problem:
            desk.change(waiting, refusal=problem.code)
            done.append({"type": waiting.type, "refused": problem.code})
        else:
            desk.change(waiting, applied_at=desk.at)
            done.append({"type": waiting.type} | effects)
    file.parked.clear()
    return {"parked": done} if done else {}


def _cancel(desk: Desk, wallet: Wallet, file: OrderFile, at: dt.datetime) -> dict:
    left = [
        messages.RefundedLine(line=line.number, quantity=line.quantity - line.refunded_quantity)
        for line in file.lines
        if line.quantity > line.refunded_quantity
    ]
    cash = sum(line.cash - line.refunded_cash for line in file.lines)
    request = refunds.Request(
        refund="cancelled", reason=Refund.Reason.CANCELLED, cash=cash, lines=left, digest="cancelled"
    )
    effects = refunds.give_back(desk, wallet, file, request)
    desk.change(file.order, status=Status.CANCELLED, cancelled_at=at)
    _tell_cancelled(desk, wallet, file.order.code, at)
    return effects


def _tell_cancelled(desk: Desk, wallet: Wallet, code: str, at: dt.datetime) -> None:
    desk.publish(facts.OrderCancelled(wallet.member.external_id, code, at.isoformat()))
