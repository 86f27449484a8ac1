"""Instant refunds (domain.md F21): money back before the goods, within what may be out at one member at a time.

The exposure's row is the lock; what does not come back in time is recovered from points, then as debt in points.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable

from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from common import clock
from common.models import JobRun, Staff
from common.problems import NotFound, Problem
from common.services import audit, jobs, outbox
from loyalty.facts import PointsClawedBack
from loyalty.models import Breach
from loyalty.selectors import programme as programmes
from loyalty.selectors import spans
from loyalty.services import breaches
from loyalty.services.desk import Desk
from loyalty.services.ledger import Contra, Kind
from members.models import Member
from members.selectors import credit, kin
from members.services import members
from rewards import facts
from rewards.models import Benefit, Exposure, ExposureEntry, InstantRefund
from rewards.selectors import entitlements
from rewards.selectors.entitlements import Entitlement
from rewards.services import benefits, orders

JOB = "recover-instant-refunds"
MEMBERS_PER_CHUNK = 200

Status = InstantRefund.Status


class UnknownRefund(NotFound):
    """The member has no such instant refund."""

    code = "unknown_instant_refund"
    title = _("There is no such instant refund.")


class ExposureExceeded(Problem):
    """More money would be out at this member than the limit allows."""

    code = "exposure_exceeded"
    status = 409
    title = _("The refund exceeds what may be paid back before the goods are here.")


class RefundExceedsOrder(Problem):
    """More money would be paid back for the order than was paid for it."""

    code = "refund_exceeds_order"
    status = 409
    title = _("The refund exceeds what was paid for the order.")


class CreditTooLow(Problem):
    """The benefit asks for a credit score that the member does not have."""

    code = "credit_too_low"
    status = 409
    title = _("The credit score is too low for an instant refund.")


class AlreadyRecovered(Problem):
    """The goods came after the money had been recovered; points are given back by an adjustment."""

    code = "already_recovered"
    status = 409
    title = _("The money has been recovered already. Give the points back by an adjustment.")


def open(member: Member, order: str, amount: int, at: dt.datetime, *, key: str, store: str = "") -> InstantRefund:
    """Allow a refund of `amount` > 0 (minor units) now: open advances + refund <= limit. The same key is the same refund.

    The limit is the parameter of the member's best instant-refund benefit; one use of it is taken. Raises NotEntitled,
    CreditTooLow, ExposureExceeded, RefundExceedsOrder, QuotaUsedUp, and what `benefits.use` raises.
    """
    with transaction.atomic():
        mine = InstantRefund.objects.filter(member__in=kin.ids(member.pk))
        known = mine.filter(use__key=key).select_related("use", "member").first()
        if known is not None:
            if (known.order_code, known.amount) != (order, amount):
                raise benefits.KeyOfAnotherUse
            return known
        found = _entitled(member, at, order)
        use = benefits.use(member, found.benefit.code, at, key=key, store=store, order=order)
        if twin := InstantRefund.objects.filter(use=use).select_related("use", "member").first():
            return twin
        limit = use.value or 0
        exposure = _expose(member, amount, limit)
        _check_order(member, order, amount)
        refund = InstantRefund.objects.create(
            member=member,
            use=use,
            order_code=order,
            amount=amount,
            limit=limit,
            opened_at=at,
            due_at=clock.day_end(clock.local_date(at) + dt.timedelta(days=found.benefit.goods_within_days)),
        )
        _enter(exposure, refund, amount, at)
        outbox.publish([_opened(refund)], at)
    return refund


def settle(
    member: Member, refund_uuid: uuid.UUID, at: dt.datetime, *, actor: audit.Actor | None = None
) -> InstantRefund:
    """The goods are here: the advance is closed. Settled again it stays so. Raises UnknownRefund, AlreadyRecovered.

    Any name of the person will do: the one it was opened by, or the one that it was merged into.
    """
    with transaction.atomic():
        person = members.remaining(member).pk
        refund = _locked(InstantRefund.objects.filter(member__in=kin.ids(person), uuid=refund_uuid)).first()
        if refund is None:
            raise UnknownRefund
        if refund.status == Status.RECOVERED:
            raise AlreadyRecovered
        if refund.status == Status.RECEIVED:
            return refund
        _close(refund, Status.RECEIVED, at)
        outbox.publish(
            [facts.InstantRefundReceived(refund.member.external_id, str(refund.uuid), refund.order_code)], at
        )
        if actor is not None:
            audit.record(actor, "rewards.instant_refunds.settle", refund, str(refund), at)
    return refund


def recover(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Recover every open refund whose goods were due by `as_of`: from available points at the programme's value, the
    rest as debt in points. Each is a broken promise that lowers the member's reputation in the next rating of conduct.

    In chunks of members; safe to stop, repeat and run twice.
    """
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(due(as_of), MEMBERS_PER_CHUNK, by="member_id"),
        work=lambda first, last: _recover_span(first, last, as_of, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def due(as_of: dt.datetime) -> QuerySet[InstantRefund]:
    """Open refunds whose goods should be here."""
    return InstantRefund.objects.filter(status=Status.OPEN, due_at__lte=as_of)


def _recover_span(first: int, last: int, as_of: dt.datetime, at: dt.datetime) -> dict[str, int]:
    within = due(as_of).filter(member__gte=first, member__lte=last)
    names = dict(within.values_list("member_id", "member__external_id"))
    desk = Desk(sorted(names.values()), at)
    desk.book.load_lots([wallet.account_id for wallet in desk.wallets.values()])
    refunds = list(_locked(within).order_by("pk"))
    taken = owed = 0
    for refund in refunds:
        _recover(desk, refund, names[refund.member_id])
        taken, owed = taken + refund.points_taken, owed + refund.points_owed
        _close(refund, Status.RECOVERED, at)
    told = [breaches.Told(refund.member_id, _reference(refund), refund.order_code) for refund in refunds]
    breaches.record(told, Breach.Kind.INSTANT_REFUND, at)
    desk.close()
    return {"recovered": len(refunds), "points": taken, "debt": owed}


def _recover(desk: Desk, refund: InstantRefund, subject: str) -> None:
    """Take the points of the money, rounded down; what the balance lacks is owed."""
    account_id = desk.wallets[subject].account_id
    name, reference = desk.wallets[subject].member.external_id, _reference(refund)
    points = programmes.points_of(desk.programme, refund.amount)
    desk.book.settle(account_id)
    refund.points_taken = min(points, desk.book.accounts[account_id].available)
    refund.points_owed = points - refund.points_taken
    if refund.points_taken:
        desk.book.take(
            account_id, refund.points_taken, kind=Kind.CLAWBACK, contra=Contra.CLAWED_BACK, reference=reference
        )
    if refund.points_owed:
        desk.book.owe(account_id, refund.points_owed, contra=Contra.CLAWED_BACK, reference=reference)
    desk.publish(
        PointsClawedBack(name, refund.points_taken, refund.points_owed, reference),
        facts.InstantRefundRecovered(
            name, str(refund.uuid), refund.order_code, refund.points_taken, refund.points_owed
        ),
    )


def _reference(refund: InstantRefund) -> str:
    """How the ledger and the member's conduct name it."""
    return f"instant-refund:{refund.uuid}"


def _entitled(member: Member, at: dt.datetime, order: str) -> Entitlement:
    """The best instant refund, which the member's credit must bear."""
    best = _best(entitlements.of(member, at))
    if best is None:
        raise benefits.NotEntitled
    least = best.benefit.least_credit
    score = credit.newest(member, at) if least else None
    if least and (score is None or score < least):
        raise CreditTooLow(
            _("The credit score must be at least %(least)d.") % {"least": least}, least=least, score=score
        )
    return best


def _best(found: list[Entitlement]) -> Entitlement | None:
    """Of several instant-refund benefits the one with the highest limit."""
    fitting = [entitlement for entitlement in found if entitlement.benefit.kind == Benefit.Kind.INSTANT_REFUND]
    return max(fitting, key=lambda entitlement: entitlement.value or 0, default=None)


def _expose(member: Member, amount: int, limit: int) -> Exposure:
    """Add to what is out, if the limit bears it: one conditional statement, so two at once cannot both pass.

    What is out at those who were merged into the member counts, too (E58); it can only become less.
    """
    Exposure.objects.bulk_create([Exposure(member=member)], ignore_conflicts=True)
    others = Exposure.objects.filter(pk__in=kin.ids(member.pk)).exclude(pk=member.pk)
    elsewhere = others.aggregate(sum=Sum("open"))["sum"] or 0
    room = limit - amount - elsewhere
    bearing = Exposure.objects.filter(pk=member.pk, open__lte=room) if room >= 0 else Exposure.objects.none()
    if not bearing.update(open=F("open") + amount, version=F("version") + 1):
        out = Exposure.objects.get(pk=member.pk).open + elsewhere
        raise ExposureExceeded(
            _("Open advances of %(open)d and this refund of %(amount)d exceed the limit of %(limit)d (minor units).")
            % {"open": out, "amount": amount, "limit": limit},
            limit=limit,
            open=out,
            amount=amount,
        )
    return Exposure.objects.get(pk=member.pk)


def _check_order(member: Member, code: str, amount: int) -> None:
    """What was paid back ahead for an order stays within what was paid for it; an order that was not told yet may be any.

    Asked while the exposure's row is locked. Raises RefundExceedsOrder.
    """
    order = orders.known(member, code)
    if order is None:
        return
    ahead = InstantRefund.objects.filter(member__in=kin.ids(member.pk), order_code=code).aggregate(sum=Sum("amount"))
    paid, before = order.cash + order.freight, ahead["sum"] or 0
    if before + amount > paid:
        raise RefundExceedsOrder(
            _("%(before)d and this refund of %(amount)d exceed the %(paid)d paid for the order (minor units).")
            % {"before": before, "amount": amount, "paid": paid},
            paid=paid,
            before=before,
            amount=amount,
        )


def _close(refund: InstantRefund, status: str, at: dt.datetime) -> None:
    refund.status, refund.closed_at = status, at
    refund.save(update_fields=["status", "closed_at", "points_taken", "points_owed"])
    Exposure.objects.filter(pk=refund.member_id).update(open=F("open") - refund.amount, version=F("version") + 1)
    _enter(Exposure.objects.get(pk=refund.member_id), refund, -refund.amount, at)


def _enter(exposure: Exposure, refund: InstantRefund, delta: int, at: dt.datetime) -> None:
    ExposureEntry.objects.create(
        exposure=exposure, seq=exposure.version, refund=refund, delta=delta, balance_after=exposure.open, at=at
    )


def _locked(refunds: QuerySet[InstantRefund]) -> QuerySet[InstantRefund]:
    return refunds.select_for_update(of=("self",)).select_related("member", "use")


def _opened(refund: InstantRefund) -> facts.InstantRefundOpened:
    return facts.InstantRefundOpened(
        refund.member.external_id, str(refund.uuid), refund.order_code, refund.amount, refund.due_at.isoformat()
    )
