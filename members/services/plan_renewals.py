"""Renewal by itself: only for who agreed, with a notice days before (domain.md E56, L7). The shop takes the money."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import F, Max, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common import sql
from common.models import JobRun
from common.problems import NotFound, Problem
from common.services import jobs, outbox
from members import facts
from members.models import AutoRenewal, Member, PlanOffer, PlanPurchase, SalesChannel
from members.selectors import plan_terms
from members.services import plan_purchases, plan_quotes, plans
from members.services.plan_quotes import Buyer, Reason

CHUNK = 1_000
JOB = "notice of renewals"


class CannotRenew(Problem):
    """The offer does not renew by itself, or the member has no term of it."""

    code = "cannot_renew"
    status = 409
    title = _("This plan does not renew by itself.")


class NotAgreed(NotFound):
    """The member has not agreed that this offer renews, or has stopped it."""

    code = "renewal_not_agreed"
    title = _("The member has not agreed to this renewal.")


@transaction.atomic
def agree(member: Member, offer: PlanOffer, at: dt.datetime) -> AutoRenewal:
    """The member agrees to renewal; agreed again it stays. Raises CannotRenew."""
    plans.lock(member)
    if not offer.renews or plans.runs_until(member, offer.plan, at) is None:
        raise CannotRenew
    AutoRenewal.objects.filter(member=member, offer__plan=offer.plan, ended_at=None).exclude(offer=offer).update(
        ended_at=at
    )
    renewal, _new = AutoRenewal.objects.get_or_create(
        member=member, offer=offer, ended_at=None, defaults={"given_at": at}
    )
    return renewal


@transaction.atomic
def stop(member: Member, at: dt.datetime) -> int:
    """The member wants no plan to renew any more; the terms run on to their ends. Returns how many that ended."""
    plans.lock(member)
    return AutoRenewal.objects.filter(member=member, ended_at=None).update(ended_at=at)


def due(as_of: dt.datetime):
    """Agreements whose last term ends within the offer's days of notice and was not noticed yet."""
    last = Max("member__subscriptions__ends_at", filter=Q(member__subscriptions__plan=F("offer__plan")))
    rows = AutoRenewal.objects.filter(ended_at=None, member__status=Member.Status.ACTIVE).annotate(last=last)
    # Not "before the last": a term that was paid back lets later ones end sooner.
    unnoticed = Q(noticed_for=None) | ~Q(noticed_for=F("last"))
    return rows.filter(unnoticed, last__gt=as_of)


def give_notice(as_of: dt.datetime, at: dt.datetime) -> JobRun:
    """Nightly: tell who agreed that a term is about to renew, once for each end; nights that were missed are caught up."""

    return jobs.run(
        JOB,
        as_of,
        spans=lambda: sql.spans(AutoRenewal.objects.filter(ended_at=None), CHUNK),
        work=lambda first, last: _notice(first, last, as_of),
        at=at,
    )


def _notice(first: int, last: int, as_of: dt.datetime) -> dict[str, int]:
    rows = due(as_of).filter(pk__range=(first, last)).select_related("offer__plan", "member")
    near = [row for row in rows if row.last <= as_of + dt.timedelta(days=row.offer.notice_days)]
    for row in near:
        row.noticed_for = row.last
    AutoRenewal.objects.bulk_update(near, ["noticed_for"], batch_size=CHUNK)
    outbox.publish(
        [
            facts.PlanRenewalDue(row.member.external_id, row.offer.code, row.last.isoformat(), row.offer.fee)
            for row in near
        ],
        as_of,
    )
    return {"noticed": len(near)}


def agreed(member: Member, offer_code: str) -> AutoRenewal:
    """The member's agreement that an offer renews. Raises NotAgreed."""
    rows = AutoRenewal.objects.filter(member=member, offer__code=offer_code, ended_at=None)
    agreement = rows.select_related("offer__plan", "member").first()
    if agreement is None:
        raise NotAgreed
    return agreement


def reasons_against(agreement: AutoRenewal, buyer: Buyer, at: dt.datetime) -> list[Reason]:
    """Why a plan may not be renewed now, in codes and words; empty if it may.

    Who may not buy the plan any more keeps what is paid, and does not renew it (E57).
    """
    offer = agreement.offer
    until = plans.runs_until(agreement.member, offer.plan, at)
    found: list[Reason] = []
    if until is None:
        found.append({"code": "term_over", "detail": gettext("The term is over.")})
    elif agreement.noticed_for != until:
        found.append({"code": "no_notice", "detail": gettext("No notice was given of this renewal yet.")})
    if offer.status != PlanOffer.Status.ACTIVE:
        found.append({"code": "offer_not_on_sale", "detail": gettext("This offer is not on sale.")})
    return found + plan_quotes.gates_against(agreement.member, offer, buyer)


@transaction.atomic
def renew(
    member: Member, offer_code: str, channel: SalesChannel, payment: str, buyer: Buyer, at: dt.datetime
) -> PlanPurchase:
    """The shop has charged a member who agreed and was given notice: the next term follows the old one's end (E56).

    Charged again by the same payment it is the same purchase. Raises NotAgreed, NotEligible, PaymentUsed.
    """
    plans.lock(member)
    known = plan_terms.bought_by(member).filter(payment=payment, kind=PlanPurchase.Kind.RENEWAL).first()
    if known is not None:
        return known
    agreement = agreed(member, offer_code)
    plan_quotes.refuse(reasons_against(agreement, buyer, at))
    plan_purchases.check_unused(payment)
    purchase = PlanPurchase.objects.create(
        member=member,
        offer=agreement.offer,
        channel=channel,
        kind=PlanPurchase.Kind.RENEWAL,
        price=agreement.offer.fee,
        payment=payment,
        status=PlanPurchase.Status.AWAITED,
        asked_at=at,
    )
    return plan_purchases.begin(purchase, at)
