"""Operators tell that a sponsor has paid what it owed for a month, or was paid what it gets (domain.md S1-04, S2-58c).

The money moves elsewhere; here it is written down, so that both sides see what is still open.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import clock, money
from common.problems import InvalidInput, Problem
from common.services import audit
from merchants.models import Merchant
from rewards.models import SponsorPayment
from rewards.selectors import sponsor_payments
from rewards.services.settlements import MonthNotOver


class MoreThanIsOpen(Problem):
    """A payment takes what is open towards nothing, and not beyond: a second operator may have been faster."""

    code = "more_than_is_open"
    status = 409
    title = _("This is more than is unpaid for the month.")


class AlreadyWithdrawn(Problem):
    """A payment is withdrawn once, and what withdraws one stands."""

    code = "payment_withdrawn"
    status = 409
    title = _("This payment was withdrawn already.")


@transaction.atomic
def record(
    merchant: Merchant,
    month: dt.date,
    amount: int,
    *,
    paid_on: dt.date,
    reference: str,
    actor: audit.Actor,
    at: dt.datetime,
) -> SponsorPayment:
    """Write down what was paid for the month that begins on `month`, in minor units; below nothing: to the sponsor.

    Raises MonthNotOver, InvalidInput (a day to come; a reference that stands for this month already), MoreThanIsOpen.
    """
    if clock.day_start(clock.months_after(month, 1)) > at:
        raise MonthNotOver
    if paid_on > clock.local_date(at):
        raise InvalidInput(_("This day has not come yet."))
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)
    still_open = sum(due.open for due in sponsor_payments.of_month(month, [merchant.pk]))
    if not (0 < amount <= still_open or still_open <= amount < 0):
        said = _("Unpaid for this month: %s. A payment cannot be more.")
        raise MoreThanIsOpen(said % money.words(still_open), open=still_open)
    told = SponsorPayment.objects.filter(merchant=merchant, month=month, reference=reference)
    if told.filter(withdraws=None, withdrawal=None).exists():
        raise InvalidInput(_("A payment with this reference is recorded for this month already."))
    payment = SponsorPayment.objects.create(
        merchant=merchant,
        month=month,
        amount=amount,
        paid_on=paid_on,
        reference=reference,
        at=at,
        actor_label=actor.label[:150],
    )
    _write_down(_("Recorded: %(payment)s, %(amount)s"), payment, actor, at)
    return payment


@transaction.atomic
def withdraw(payment: SponsorPayment, *, reason: str, actor: audit.Actor, at: dt.datetime) -> SponsorPayment:
    """Undo what was told by mistake: the month is open again by its amount. Raises AlreadyWithdrawn."""
    Merchant.objects.select_for_update(no_key=True).get(pk=payment.merchant_id)
    if payment.withdraws_id or SponsorPayment.objects.filter(withdraws=payment).exists():
        raise AlreadyWithdrawn
    row = SponsorPayment.objects.create(
        merchant_id=payment.merchant_id,
        month=payment.month,
        amount=-payment.amount,
        paid_on=payment.paid_on,
        reference=payment.reference,
        withdraws=payment,
        reason=reason[:300],
        at=at,
        actor_label=actor.label[:150],
    )
    _write_down(_("Withdrawn: %(payment)s, %(amount)s"), row, actor, at)
    return row


def _write_down(summary, payment: SponsorPayment, actor: audit.Actor, at: dt.datetime) -> None:
    verb = "withdraw" if payment.withdraws_id else "record"
    summary = summary % {"payment": payment, "amount": money.words(payment.amount)}
    data = {"amount": payment.amount, "paid_on": payment.paid_on.isoformat()}
    audit.record(actor, f"rewards.sponsor_payments.{verb}", payment, summary, at, payment.reason, data)
