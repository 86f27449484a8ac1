"""Refunds: tendered points go back to their lots, earned points that are no longer due are taken back (F10, F11)."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common import decoding
from common.problems import InvalidInput, Problem
from loyalty import facts, messages
from loyalty.models import Lot, OrderLine, Refund, RefundLine, Wallet
from loyalty.selectors import campaign_undos
from loyalty.services import clawbacks, earning, freight, grown, quarantines, reviews, tenders
from loyalty.services.allocation import cumulative
from loyalty.services.desk import Desk
from loyalty.services.earning import CompiledRule, Formula
from loyalty.services.occasions import Occasion
from loyalty.services.orderfile import OrderFile


class RefundExceedsLine(Problem):
    """More is to be given back than is left of a line."""

    code = "refund_exceeds_line"
    status = 409
    title = _("More is to be given back than is left of the line.")


class RefundCodeReused(Problem):
    """The order has another refund under this code."""

    code = "refund_code_reused"
    status = 409
    title = _("This refund code was used before for another refund of the order.")


class UnknownLine(Problem):
    """The order has no such line."""

    code = "unknown_line"
    status = 422
    title = _("The order has no such line.")


@dataclass(frozen=True, slots=True)
class Request:
    """A refund as it is asked for; `digest` tells two requests under one code apart."""

    refund: str
    reason: str
    cash: int
    lines: Sequence[messages.RefundedLine]
    digest: str


@dataclass(slots=True)
class Part:
    """What a refund gives back of one line: units, cash, tendered points."""

    line: OrderLine
    quantity: int
    cash: int
    points: int


def decode(data: dict) -> messages.OrderRefunded:
    """The data of order.refunded, typed."""
    return decoding.convert(data, messages.OrderRefunded)


def check_form(data: messages.OrderRefunded) -> None:
    """Each line says either units or cash, and is named once. Raises InvalidInput."""
    errors, seen = [], set()
    for position, line in enumerate(data.lines):
        pointer = f"/data/lines/{position}"
        if (line.quantity is None) == (line.cash is None):
            errors.append({"pointer": pointer, "code": "one_of", "detail": str(_("Say either quantity or cash."))})
        if line.line in seen:
            errors.append(
                {"pointer": f"{pointer}/line", "code": "duplicate_line", "detail": str(_("This line is named twice."))}
            )
        seen.add(line.line)
    if errors:
        raise InvalidInput(errors=errors)


def check_same(known: Refund, data: messages.OrderRefunded) -> None:
    """The same refund may be told again, by another event too; another one may not take its code."""
    if known.request_hash != _digest(data):
        raise RefundCodeReused


def apply(desk: Desk, wallet: Wallet, file: OrderFile, data: messages.OrderRefunded) -> dict:
    """Apply a refund to an order. Raises UnknownLine, RefundExceedsLine; then nothing has changed."""
    request = Request(data.refund, data.reason, data.cash, data.lines, _digest(data))
    return give_back(desk, wallet, file, request)


def _digest(data: messages.OrderRefunded) -> str:
    return hashlib.sha256(msgspec.json.encode(data)).hexdigest()


def give_back(desk: Desk, wallet: Wallet, file: OrderFile, request: Request) -> dict:
    """Give part of an order back and answer what it did, in the words of the API.

    Earned points are taken back first and tendered points restored afterwards, so that points the member only just got
    back do not pay for what was earned too much; what remains as debt is repaid from them. After a chargeback everything
    that is left is set aside: nobody spends it before somebody has looked (domain.md E20).
    """
    order, reference = file.order, f"order:{file.order.code}/{request.refund}"
    parts = [] if request.reason == Refund.Reason.EXCHANGE else _parts(file, request)
    tendered_before = sum(line.refunded_points for line in file.lines)
    goods_before = freight.kept(desk.programme, file)
    before = _due(desk, wallet, file) if order.completed_at else {}
    for part in parts:
        desk.change(
            part.line,
            refunded_quantity=part.line.refunded_quantity + part.quantity,
            refunded_cash=part.line.refunded_cash + part.cash,
            refunded_points=part.line.refunded_points + part.points,
        )
    for account_id in {wallet.account_id, file.account_id}:
        desk.book.settle(account_id)
    taken = clawbacks.Taken()
    if before:
        taken = _claw_back(desk, wallet, file, before, request.cash, [part.line for part in parts], reference)
    tendered_after = sum(line.refunded_points for line in file.lines)
    restored, lost = tenders.give_back(desk, file, wallet.account_id, tendered_before, tendered_after, reference)
    if order.completed_at:
        grown.give_back(desk, wallet, file, reference)
    for line in (part.line for part in parts if part.line.refunded_quantity == part.line.quantity):
        reviews.withdraw_for(desk, wallet, line)
    cash = max(request.cash - taken.cash_deduction, 0)
    charged = freight.charge(desk.programme, file, request.reason, before=goods_before, cash=cash)
    if charged:
        desk.change(order, freight_charged=order.freight_charged + charged)
    answer = _write(desk, wallet, file, request, parts, taken, restored, lost, charged)
    if request.reason == Refund.Reason.CHARGEBACK:
        title = gettext("Chargeback: order %s") % order.code
        evidence = gettext("The bank took the payment of order %(order)s back: refund %(refund)s.")
        quarantines.freeze(
            desk, wallet, title=title, evidence=evidence % {"order": order.code, "refund": request.refund}
        )
    return answer


def _parts(file: OrderFile, request: Request) -> list[Part]:
    return [_part(file, asked, request.reason) for asked in request.lines]


def _exchanged(file: OrderFile, request: Request) -> list[Part]:
    """Lines that were exchanged: nothing of them is given back, but the conduct of the member counts them (F2, E17)."""
    return [Part(line, 0, 0, 0) for asked in request.lines if (line := file.line(asked.line)) is not None]


def _part(file: OrderFile, asked: messages.RefundedLine, reason: str) -> Part:
    line = file.line(asked.line)
    if line is None:
        raise UnknownLine(_("The order has no line %(line)s.") % {"line": asked.line})
    if asked.quantity is not None:
        units = line.refunded_quantity + asked.quantity
        if units > line.quantity:
            raise RefundExceedsLine
        cash = cumulative(line.cash, units, line.quantity, line.refunded_cash)
        points = cumulative(line.points, units, line.quantity, line.refunded_points)
        return Part(line, asked.quantity, max(cash, 0), max(points, 0))
    amount = asked.cash or 0
    cash = line.refunded_cash + amount
    if cash > line.cash:
        raise RefundExceedsLine
    if reason == Refund.Reason.PRICE_PROTECTION:
        # The price falls, the tender stays (E19).
        return Part(line, 0, amount, 0)
    points = cumulative(line.points, cash, line.cash, line.refunded_points) if line.cash else 0
    return Part(line, 0, amount, max(points, 0))


def _due(desk: Desk, wallet: Wallet, file: OrderFile) -> dict[int | None, int]:
    """What each rule version gives for the cash that is kept now, never more than it once gave (E13).

    One that can no longer be read stays due as long as anything of the order is kept.
    """
    granted: dict[int | None, int] = defaultdict(int)
    lots = lots_of(desk, wallet, file)
    undone = campaign_undos.charged(lots) if desk.rules.has_undone else {}
    for lot in lots:
        if lot.source == Lot.Source.ORDER:
            granted[lot.rule_version_id] += lot.earned - undone.get(lot.pk, 0)
    occasion = file.occasion(file.remembered(), file.earned_at)
    if not occasion.items:
        return dict.fromkeys(granted, 0)
    evaluation = earning.evaluate(_retested(desk, granted, occasion), occasion)
    due = {award.version.pk: award.points for award in evaluation.awards}
    return {pk: min(due.get(pk, 0), points) if pk in desk.rules.by_id else points for pk, points in granted.items()}


def _retested(desk: Desk, granted: Collection[int | None], occasion: Occasion) -> list[CompiledRule]:
    """The rules that gave something, and those that others multiply though a cap left nothing of them."""
    asked = {pk: desk.rules.by_id[pk] for pk in granted if pk in desk.rules.by_id}
    for rule in desk.rules.in_force(occasion.type, occasion.at):
        if rule.version.formula == Formula.PER_MONEY:
            asked.setdefault(rule.version.pk, rule)
    return sorted(asked.values(), key=lambda rule: (-rule.version.priority, rule.version.rule_id))


def lots_of(desk: Desk, wallet: Wallet, file: OrderFile) -> list[Lot]:
    """The lots this order earned, open or not, and those they became when members were merged.

    Asked for after the order's completion, when no more are added.
    """
    if file.lots is None:
        file.lots = desk.book.lots_for({file.account_id, wallet.account_id}, "order_line", file.lines)
    return file.lots


def prepare(desk: Desk, files: Sequence[OrderFile]) -> None:
    """Read what refunds of these orders need, for all of them at once: their lots and the reviews of their lines."""
    lines = [line.pk for file in files for line in file.lines]
    lots = defaultdict(list)
    for lot in desk.book.adopt(Lot.objects.filter(order_line__in=lines).order_by("lot_seq")):
        lots[lot.order_line_id].append(lot)
    for file in files:
        file.lots = sorted((lot for line in file.lines for lot in lots[line.pk]), key=lambda lot: lot.lot_seq)
    reviews.prepare_withdrawals(desk, lines)
    grown.prepare(desk, files)


def _is_for(lot: Lot, line: OrderLine) -> bool:
    return lot.order_line_id == line.pk if line.pk else lot.order_line is line


def _claw_back(
    desk: Desk,
    wallet: Wallet,
    file: OrderFile,
    before: dict[int | None, int],
    cash: int,
    lines: Sequence[OrderLine],
    reference: str,
) -> clawbacks.Taken:
    order, after = file.order, _due(desk, wallet, file)
    for pk, points in before.items():
        rule = desk.rules.by_id.get(pk or 0)
        if rule is not None:
            desk.caps.use(wallet.account_id, rule.version, file.earned_at, min(after[pk] - points, 0))
    points = max(order.points_due - sum(after.values()), 0)
    lots = lots_of(desk, wallet, file)
    taken = clawbacks.take(
        desk,
        wallet,
        points,
        lots,
        reference=reference,
        cash=cash,
        first=[lot for lot in lots if any(_is_for(lot, line) for line in lines)],
        forgiven=order.points_forgiven,
    )
    desk.change(
        order,
        points_due=order.points_due - points,
        points_clawed=order.points_clawed + points - taken.forgiven,
        points_forgiven=order.points_forgiven + taken.forgiven,
    )
    return taken


def _write(
    desk: Desk,
    wallet: Wallet,
    file: OrderFile,
    request: Request,
    parts: Sequence[Part],
    taken: clawbacks.Taken,
    restored: int,
    lost: int,
    charged: int,
) -> dict:
    refund = Refund(
        order=file.order,
        code=request.refund,
        reason=request.reason,
        cash=request.cash,
        at=desk.at,
        clawed_back=taken.points,
        forgiven=taken.forgiven,
        cash_deduction=taken.cash_deduction,
        debt=taken.debt,
        freight_charge=charged,
        restored=restored,
        not_restored=lost,
        request_hash=request.digest,
    )
    file.refunds[request.refund] = refund
    desk.add(refund)
    for part in parts or _exchanged(file, request):
        desk.add(RefundLine(refund=refund, line=part.line, quantity=part.quantity, cash=part.cash, points=part.points))
    effects = {
        "clawed_back": taken.points,
        "restored": restored,
        "not_restored": lost,
        "cash_deduction": taken.cash_deduction,
        "debt": taken.debt,
    }
    _publish(desk, wallet, file, request, parts, effects)
    return {"points": effects, "freight": {"charge": charged}} if file.order.freight_waived else {"points": effects}


def _publish(
    desk: Desk, wallet: Wallet, file: OrderFile, request: Request, parts: Sequence[Part], effects: dict
) -> None:
    key, order = wallet.member.external_id, file.order
    reference = f"order:{order.code}/{request.refund}"
    desk.publish(
        facts.OrderRefunded(
            key=key,
            order=order.code,
            refund=request.refund,
            reason=request.reason,
            at=desk.at.isoformat(),
            points=effects,
            lines=[
                {"line": p.line.number, "store": p.line.store_code, "quantity": p.quantity, "cash": p.cash}
                for p in parts
            ],
        )
    )
    if effects["restored"]:
        desk.publish(facts.PointsRestored(key, effects["restored"], reference))
    if effects["clawed_back"] or effects["debt"]:
        desk.publish(facts.PointsClawedBack(key, effects["clawed_back"], effects["debt"], reference))
