"""Merchants buy points: they draft and submit, finance of the platform approves the payment, the purse is credited (F16)."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import clock
from common.problems import InvalidInput, Problem
from common.services import audit, outbox
from loyalty.models import Lot
from loyalty.services import expiry, ledger
from loyalty.services.allocation import cumulative
from loyalty.services.ledger import Contra, Kind, Portion
from merchants import facts
from merchants.models import Merchant, PointPack, PointPurchase, PurchaseStep
from merchants.selectors import tariffs
from merchants.selectors.tariffs import Cost
from merchants.services import purses

Status, Step = PointPurchase.Status, PurchaseStep.Step


_VERBS: dict[str, str] = {
    Step.DRAFTED: "draft",
    Step.SUBMITTED: "submit",
    Step.PAID: "approve",
    Step.CREDITED: "credit",
    Step.CANCELLED: "cancel",
    Step.REFUNDED: "refund",
}


class PurchaseNotOpen(Problem):
    """The purchase is past the state in which this can be done: a submitted one is not edited, a paid one not cancelled."""

    code = "purchase_not_open"
    status = 409
    title = _("The purchase is past that: a paid one is not cancelled, and none is paid twice.")


class PackNotSold(Problem):
    """The pack is not on sale."""

    code = "pack_not_sold"
    status = 409
    title = _("This pack is not on sale.")


class PurseClosed(Problem):
    """The merchant has left: its purse takes and gives nothing."""

    code = "purse_closed"
    status = 409
    title = _("The purse is closed: the merchant has left.")


class PointsGiven(Problem):
    """Only points that were neither given nor set aside are paid back."""

    code = "points_given"
    status = 409
    title = _("Only points that were neither given nor set aside can be paid back.")


def quote(*, pack: PointPack | None = None, points: int | None = None) -> Cost:
    """What a pack, or a free number of points, costs. Raises InvalidInput (neither or both, too few, too many), PackNotSold."""
    if (pack is None) == (points is None):
        raise InvalidInput(_("Choose a pack or say how many points."))
    if pack is not None:
        if not pack.is_active:
            raise PackNotSold
        return tariffs.of_pack(pack)
    assert points is not None
    tariff = tariffs.current()
    if not tariff.least <= points <= tariff.most:
        raise InvalidInput(
            _("Buy between %(least)d and %(most)d points at once.") % {"least": tariff.least, "most": tariff.most}
        )
    return tariffs.of_points(points)


@transaction.atomic
def draft(
    merchant: Merchant, *, pack: PointPack | None = None, points: int | None = None, actor: audit.Actor, at: dt.datetime
) -> PointPurchase:
    """A purchase with its cost fixed. Raises InvalidInput, PackNotSold, PurseClosed."""
    cost = quote(pack=pack, points=points)
    if purses.of(merchant).account.closed_at:
        raise PurseClosed
    purchase = PointPurchase.objects.create(
        merchant=merchant,
        pack=pack,
        points=cost.points,
        price=cost.price,
        fee=cost.fee,
        validity_days=cost.validity_days,
        drafted_at=at,
    )
    _note(purchase, Step.DRAFTED, actor, at, points=cost.points, money=cost.total)
    return purchase


@transaction.atomic
def submit(purchase: PointPurchase, *, actor: audit.Actor, at: dt.datetime) -> PointPurchase:
    """The merchant means it and will pay. Nothing about it changes any more. Raises PurchaseNotOpen."""
    _advance(purchase, [Status.DRAFT], status=Status.SUBMITTED)
    _note(purchase, Step.SUBMITTED, actor, at, points=purchase.points, money=purchase.total)
    key, number = purchase.merchant.code, str(purchase.uuid)
    outbox.publish([facts.PurchaseSubmitted(key, number, purchase.points, purchase.total)], at)
    return purchase


@transaction.atomic
def cancel(purchase: PointPurchase, *, reason: str = "", actor: audit.Actor, at: dt.datetime) -> PointPurchase:
    """Nobody has paid, nobody will. Raises PurchaseNotOpen for one that was credited or cancelled."""
    _advance(purchase, [Status.DRAFT, Status.SUBMITTED], status=Status.CANCELLED)
    _note(purchase, Step.CANCELLED, actor, at, note=reason)
    return purchase


@transaction.atomic
def approve(purchase: PointPurchase, *, bank_reference: str, actor: audit.Actor, at: dt.datetime) -> PointPurchase:
    """The money has come: credit the points, exactly once. Raises PurchaseNotOpen, PurseClosed, InvalidInput (no reference)."""
    bank_reference = bank_reference.strip()
    if not bank_reference:
        raise InvalidInput(_("Say under which reference the bank booked the payment."))
    purchase = PointPurchase.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=purchase.pk)
    if purchase.status != Status.SUBMITTED:
        raise PurchaseNotOpen
    purse = purses.of(purchase.merchant)
    with ledger.open_book([purse.account_id], at) as book:
        if book.accounts[purse.account_id].closed_at:
            raise PurseClosed
        book.settle(purse.account_id)
        lot = book.grant(
            purse.account_id,
            purchase.points,
            kind=Kind.PURCHASE,
            contra=Contra.ISSUED,
            source=Lot.Source.PURCHASE,
            reference=f"purchase:{purchase.uuid}",
            expires_at=_good_until(purchase, at),
            funder_id=purse.account_id,
        )
    purchase.status, purchase.lot_seq = Status.CREDITED, lot.lot_seq
    purchase.bank_reference, purchase.credited_at = bank_reference, at
    purchase.save(update_fields=["status", "lot_seq", "bank_reference", "credited_at"])
    _note(purchase, Step.PAID, actor, at, money=purchase.total, note=bank_reference)
    _note(purchase, Step.CREDITED, actor, at, points=purchase.points)
    outbox.publish([facts.PurchaseCredited(purchase.merchant.code, str(purchase.uuid), purchase.points)], at)
    purses.watch(at, purse)
    return purchase


def _good_until(purchase: PointPurchase, at: dt.datetime) -> dt.datetime:
    if purchase.validity_days is None:
        return expiry.NEVER
    return clock.day_end(clock.local_date(at) + dt.timedelta(days=purchase.validity_days))


def refundable(purchase: PointPurchase) -> int:
    """How many points of a purchase still lie in the purse, neither given nor set aside nor expired."""
    if purchase.lot_seq is None:
        return 0
    lot = Lot.objects.filter(account__purse__merchant=purchase.merchant_id, lot_seq=purchase.lot_seq).first()
    return lot.remaining if lot else 0


def worth(purchase: PointPurchase, points: int) -> int:
    """What paying back further `points` comes to: their share of the price, rounded down on the way, the last part
    closing to the price. The fee stays with the platform."""
    return cumulative(purchase.price, purchase.refunded_points + points, purchase.points, purchase.refunded_money)


@transaction.atomic
def refund(
    purchase: PointPurchase, points: int, *, bank_reference: str, actor: audit.Actor, at: dt.datetime
) -> PointPurchase:
    """Take `points` > 0 that were not given out of the purse and pay them back: a further movement, never an edit.

    Raises PurchaseNotOpen (not credited), PointsGiven, InvalidInput.
    """
    bank_reference = bank_reference.strip()
    if points <= 0 or not bank_reference:
        raise InvalidInput(_("Say how many points, and under which reference the bank paid them back."))
    purchase = PointPurchase.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=purchase.pk)
    if purchase.status != Status.CREDITED or purchase.lot_seq is None:
        raise PurchaseNotOpen
    purse = purses.of(purchase.merchant)
    with ledger.open_book([purse.account_id], at) as book:
        book.settle(purse.account_id)
        lot = book.lots_by_seq(purse.account_id, [purchase.lot_seq])[purchase.lot_seq]
        if points > lot.remaining:
            raise PointsGiven(_("%(left)d of its points are left.") % {"left": lot.remaining}, left=lot.remaining)
        book.take_from(
            purse.account_id,
            [Portion(lot, points)],
            kind=Kind.PURCHASE,
            contra=Contra.ISSUED,
            reference=f"purchase:{purchase.uuid}",
        )
    money = worth(purchase, points)
    purchase.refunded_points += points
    purchase.refunded_money += money
    purchase.save(update_fields=["refunded_points", "refunded_money"])
    _note(purchase, Step.REFUNDED, actor, at, points=points, money=money, note=bank_reference)
    outbox.publish([facts.PurchaseRefunded(purchase.merchant.code, str(purchase.uuid), points, money)], at)
    purses.watch(at, purse)
    return purchase


def _advance(purchase: PointPurchase, states: list[str], **values) -> None:
    """One statement that only the first of several at once succeeds with. Raises PurchaseNotOpen."""
    if not PointPurchase.objects.filter(pk=purchase.pk, status__in=states).update(**values):
        raise PurchaseNotOpen
    for name, value in values.items():
        setattr(purchase, name, value)


def _note(purchase: PointPurchase, step: str, actor: audit.Actor, at: dt.datetime, **said) -> None:
    PurchaseStep.objects.create(
        purchase=purchase, step=step, actor=actor.staff, actor_label=actor.label[:150], at=at, **said
    )
    audit.record(
        actor,
        f"merchants.purchases.{_VERBS[step]}",
        purchase,
        f"{purchase.points} points for {purchase.merchant}",
        at,
        reason=str(said.get("note", "")),
        data={name: value for name, value in said.items() if name != "note"},
    )
