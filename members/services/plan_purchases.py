"""Plans are asked for, paid, tried, redeemed, and paid back. Money moves in the shop; here is what it bought."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import NotFound, Problem
from common.services import audit, outbox
from members import facts
from members.models import AutoRenewal, Member, PlanOffer, PlanPurchase, PlanQuote, SalesChannel, Subscription, Voucher
from members.selectors import kin
from members.services import members, plan_quotes, plan_refunds, plans
from members.services.plan_quotes import PAY_WITHIN, Buyer
from members.services.plan_refunds import Use

Kind, Status = PlanPurchase.Kind, PlanPurchase.Status


class QuoteOver(Problem):
    """A quote is good for minutes, and for one purchase."""

    code = "quote_over"
    status = 409
    title = _("This quote is no longer good. Ask for a new one.")


class NotAwaited(Problem):
    """The purchase was paid, paid back, or has waited too long."""

    code = "purchase_not_awaited"
    status = 409
    title = _("This purchase does not wait for a payment.")


class PaymentUsed(Problem):
    """One payment buys one term."""

    code = "payment_used"
    status = 409
    title = _("This payment has paid for something else.")


class NotPaid(Problem):
    """Only a paid purchase can be paid back."""

    code = "purchase_not_paid"
    status = 409
    title = _("This purchase is not paid, or was paid back before.")


class NothingToRefund(Problem):
    """The offer's policy gives nothing back now."""

    code = "no_refund_due"
    status = 409
    title = _("Nothing is paid back for this purchase now.")


class RefundChanged(Problem):
    """What comes back is no longer what the member was shown; `refund` says what it is now, in minor units."""

    code = "refund_changed"
    status = 409
    title = _("What is paid back has changed. Look at it again.")


class NoTrial(Problem):
    """A trial is offered once in a lifetime, to those who never had the plan."""

    code = "no_trial"
    status = 409
    title = _("There is no free trial for this member.")


class UnknownVoucher(Problem):
    """The code does not exist, was used, is void or has expired: no difference is told to who guesses."""

    code = "voucher_not_good"
    status = 409
    title = _("This code is not good.")


@transaction.atomic
def ask(member: Member, quote_uuid: uuid.UUID, at: dt.datetime) -> PlanPurchase:
    """Buy at a quote's price: it waits for the shop's payment, or is paid at once if it costs nothing.

    Asked again it is the same purchase. The quote froze price and scores; whether the member has too many terms is asked
    again, so that two quotes taken at once do not buy what one may not. Raises NotFound, QuoteOver, NotEligible.
    """
    member = plans.lock(member)
    quote = PlanQuote.objects.select_related("offer__plan", "channel").filter(uuid=quote_uuid, member=member).first()
    if quote is None:
        raise NotFound
    known = PlanPurchase.objects.filter(quote=quote).first()
    if known is not None:
        return known
    if quote.expires_at <= at:
        raise QuoteOver
    plan_quotes.refuse(plan_quotes.Limits(member, at).against(quote.offer))
    purchase = PlanPurchase.objects.create(
        member=member,
        offer=quote.offer,
        channel=quote.channel,
        kind=Kind.SALE,
        quote=quote,
        price=quote.price,
        status=Status.AWAITED,
        asked_at=at,
    )
    return begin(purchase, at) if not purchase.price else purchase


@transaction.atomic
def pay(purchase_uuid: uuid.UUID, payment: str, at: dt.datetime) -> PlanPurchase:
    """The shop has been paid: the term begins now, or after the one that runs; a trial ends (C23).

    Paid again by the same payment it stays paid. Whoever was merged since has bought it for who remains (E58).
    Raises NotFound, NotAwaited, PaymentUsed.
    """
    purchase = lock(purchase_uuid)
    if purchase.status == Status.PAID and purchase.payment == payment:
        return purchase
    if purchase.status != Status.AWAITED or purchase.asked_at + PAY_WITHIN <= at:
        raise NotAwaited
    check_unused(payment)
    purchase.payment, purchase.member = payment, members.remaining(purchase.member)
    return begin(purchase, at)


def check_unused(payment: str) -> None:
    """Raises PaymentUsed. The database knows each payment once, whatever is asked here."""
    if PlanPurchase.objects.filter(payment=payment).exists():
        raise PaymentUsed


@transaction.atomic
def try_out(member: Member, offer: PlanOffer, channel: SalesChannel, buyer: Buyer, at: dt.datetime) -> PlanPurchase:
    """Begin the free trial: for who may buy the plan and never had it. Raises OfferNotOnSale, NoTrial, NotEligible."""
    plan_quotes.check_on_sale(offer, at)
    member = plans.lock(member)
    had_it = Subscription.objects.filter(member__in=kin.ids(member.pk), plan=offer.plan).exists()
    if not offer.trial_days or had_it or member.has_returned:
        raise NoTrial
    plan_quotes.refuse(plan_quotes.gates_against(member, offer, buyer))
    purchase = PlanPurchase.objects.create(
        member=member, offer=offer, channel=channel, kind=Kind.TRIAL, price=0, status=Status.AWAITED, asked_at=at
    )
    return begin(purchase, at)


@transaction.atomic
def redeem(member: Member, code: str, buyer: Buyer, at: dt.datetime) -> PlanPurchase:
    """A code of a channel buys its offer's term, once (S1-24). Raises UnknownVoucher, NotEligible."""
    member = plans.lock(member)
    voucher = (
        Voucher.objects.select_for_update(of=("self",))
        .select_related("batch__offer__plan", "batch__channel")
        .filter(code=code.strip().upper(), redeemed_at=None, void_at=None)
        .first()
    )
    if voucher is None or not voucher.batch.is_good(at) or not voucher.is_handed_out:
        raise UnknownVoucher
    offer = voucher.batch.offer
    plan_quotes.refuse(plan_quotes.reasons_against(member, offer, buyer, plan_quotes.Limits(member, at)))
    voucher.redeemed_at = at
    voucher.save(update_fields=["redeemed_at"])
    purchase = PlanPurchase.objects.create(
        member=member,
        offer=offer,
        channel=voucher.batch.channel,
        kind=Kind.VOUCHER,
        voucher=voucher,
        price=voucher.batch.price,
        status=Status.AWAITED,
        asked_at=at,
    )
    return begin(purchase, at)


@transaction.atomic
def refund(
    purchase_uuid: uuid.UUID, use: Use, *, reason: str, actor: audit.Actor, at: dt.datetime, shown: int | None = None
) -> PlanPurchase:
    """Pay back what the offer's policy gives (F23); the term ends now, later ones move forward, renewal ends.

    `use` is what higher floors know of benefits used; they hold the member's lock when they ask. `shown` is what the
    member was shown: just that is paid, or nothing happens. The code of a channel is void, and the money goes to the
    channel (E55). Raises NotFound, NotPaid, NothingToRefund, RefundChanged.
    """
    purchase = lock(purchase_uuid)
    if purchase.status != Status.PAID or purchase.is_trial:
        raise NotPaid
    back = plan_refunds.due(purchase, use, at)
    if not back:
        raise NothingToRefund
    if shown is not None and shown != back:
        raise RefundChanged(refund=back)
    assert purchase.subscription is not None
    plans.end(purchase.subscription, at)
    purchase.status, purchase.refund, purchase.refunded_at = Status.REFUNDED, back, at
    purchase.refund_reason = reason[:200]
    purchase.save(update_fields=["status", "refund", "refunded_at", "refund_reason"])
    if purchase.voucher is not None:
        Voucher.objects.filter(pk=purchase.voucher.pk).update(void_at=at)
    _end_renewal(purchase, at)
    audit.record(actor, "members.plan_purchases.refund", purchase, f"Paid back {back}", at, reason=reason)
    told = facts.PlanRefunded(
        purchase.member.external_id, str(purchase.uuid), purchase.offer.code, back, purchase.channel.payee
    )
    outbox.publish([told], at)
    return purchase


@transaction.atomic
def lapse(at: dt.datetime) -> int:
    """Purchases nobody paid in time wait no longer; return how many."""
    late = PlanPurchase.objects.filter(status=Status.AWAITED, asked_at__lte=at - PAY_WITHIN)
    return late.update(status=Status.LAPSED)


def lock(purchase_uuid: uuid.UUID) -> PlanPurchase:
    """A purchase, read under its member's lock, which the caller's transaction holds from now on. Raises NotFound.

    Of a member who was merged (domain.md E58) the lock of who remains, and of who has the term, is held besides.
    """
    rows = PlanPurchase.objects.select_related("offer__plan", "channel", "member", "subscription", "voucher")
    found = rows.filter(uuid=purchase_uuid).first()
    if found is None:
        raise NotFound
    concerned = {found.member_id, members.remaining(found.member).pk}
    concerned |= {found.subscription.member_id} if found.subscription else set()
    list(Member.objects.select_for_update(no_key=True).filter(pk__in=concerned).order_by("pk"))
    return rows.get(uuid=purchase_uuid)


def begin(purchase: PlanPurchase, at: dt.datetime) -> PlanPurchase:
    """The term of a purchase that is paid now. The trial before it ends (C23); a renewal waits for the trial's end."""
    offer = purchase.offer
    if purchase.kind not in (Kind.TRIAL, Kind.RENEWAL):
        _end_trial(purchase, at)
    days = offer.trial_days if purchase.kind == Kind.TRIAL else offer.term_days
    purchase.subscription = plans.extend(purchase.member, offer.plan, days, at)
    purchase.status, purchase.paid_at = Status.PAID, at
    purchase.save(update_fields=["member", "subscription", "status", "paid_at", "payment"])
    term = purchase.subscription
    outbox.publish(
        [
            facts.PlanBought(
                key=purchase.member.external_id,
                purchase=str(purchase.uuid),
                offer=offer.code,
                plan=offer.plan.code,
                kind=purchase.kind,
                channel=purchase.channel.code,
                price=purchase.price,
                starts_at=term.starts_at.isoformat(),
                ends_at=term.ends_at.isoformat(),
            )
        ],
        at,
    )
    return purchase


def _end_trial(purchase: PlanPurchase, at: dt.datetime) -> None:
    trial = Subscription.objects.filter(
        member=purchase.member, plan=purchase.offer.plan, purchase__kind=Kind.TRIAL, ends_at__gt=at
    ).first()
    if trial is not None:
        plans.end(trial, at)


def _end_renewal(purchase: PlanPurchase, at: dt.datetime) -> None:
    term = purchase.subscription
    assert term is not None
    renewals = AutoRenewal.objects.filter(member__in={purchase.member_id, term.member_id}, ended_at=None)
    renewals.filter(offer__plan=purchase.offer.plan).update(ended_at=at)
