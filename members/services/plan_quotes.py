"""What a plan costs a member, and whether she may buy it: reckoned once, frozen for minutes (domain.md F23, S1-16, S2-50).

Scores are known on higher floors: the caller passes them (`Buyer`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common import clock
from common.problems import Problem
from members.models import Member, PlanDiscount, PlanOffer, PlanPurchase, PlanQuote, SalesChannel, Subscription
from members.selectors import plan_terms
from members.services import plans

Reason = dict[str, Any]

GOOD_FOR = dt.timedelta(minutes=15)
PAY_WITHIN = dt.timedelta(minutes=30)
"""So long a purchase waits for its payment, and counts as bought where that is limited."""


class OfferNotOnSale(Problem):
    """The offer is a draft, not on sale yet, or no more."""

    code = "offer_not_on_sale"
    status = 409
    title = _("This offer is not on sale.")


class NotEligible(Problem):
    """The member may not buy this; `reasons` say why, each with its code and what is missing."""

    code = "not_eligible"
    status = 409
    title = _("This plan cannot be bought by this member now.")


@dataclass(frozen=True, slots=True)
class Buyer:
    """What prices and gates ask of a member: the settled value score and the credit score; None = none known."""

    score: int | None = None
    credit: int | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """`price` = fee − the largest discount that fits, never below 0. Minor units."""

    fee: int
    price: int
    discount: PlanDiscount | None


def price(offer: PlanOffer, channel: SalesChannel, buyer: Buyer, at: dt.datetime) -> Price:
    """What an offer costs. A score has to be strictly above the mark (S1-16): 4,500 itself pays in full."""
    fitting = [one for one in offer.discounts.all() if _fits(one, channel, buyer, at)]
    best = max(fitting, key=lambda one: (one.amount, -one.pk), default=None)
    return Price(offer.fee, max(offer.fee - (best.amount if best else 0), 0), best)


def _fits(discount: PlanDiscount, channel: SalesChannel, buyer: Buyer, at: dt.datetime) -> bool:
    if discount.starts_at is not None and at < discount.starts_at:
        return False
    if discount.ends_at is not None and at >= discount.ends_at:
        return False
    if discount.kind == PlanDiscount.Kind.SCORE:
        return discount.above is not None and (buyer.score or 0) > discount.above
    return discount.kind == PlanDiscount.Kind.PERIOD or discount.channel_id == channel.pk


class Limits:
    """What limits must know of a member: purchases of this year, or waiting, and paid terms. Read once for many offers."""

    def __init__(self, member: Member, at: dt.datetime):
        self._at = at
        year = clock.local_date(at).year
        first, after = (clock.day_start(dt.date(one, 1, 1)) for one in (year, year + 1))
        waiting = Q(status=PlanPurchase.Status.AWAITED, asked_at__gt=at - PAY_WITHIN)
        # Whatever the channel (C24); what was paid back does not count.
        paid = Q(status=PlanPurchase.Status.PAID, paid_at__gte=first, paid_at__lt=after)
        rows = plan_terms.bought_by(member).filter(waiting | paid & ~Q(kind=PlanPurchase.Kind.TRIAL))
        self._purchases = list(rows.select_related("offer"))
        ahead = Subscription.objects.filter(member=member, ends_at__gt=at).order_by()
        self._until = dict(ahead.values_list("plan").annotate(last=Max("ends_at")))

    def against(self, offer: PlanOffer) -> list[Reason]:
        """What keeps the member out by what she has; a purchase that waits for its payment counts as bought (E56)."""
        found: list[Reason] = []
        bought = sum(purchase.offer_id == offer.pk for purchase in self._purchases)
        if offer.most_a_year is not None and bought >= offer.most_a_year:
            detail = gettext("At most %(most)d can be bought in a calendar year.") % {"most": offer.most_a_year}
            found.append({"code": "limit_reached", "most": offer.most_a_year, "detail": detail})
        until, waiting_days = self._until.get(offer.plan_id), self._waiting_days(offer)
        if until is not None or waiting_days:  # the first term is never too long
            last = clock.local_date((until or self._at) - plans.TICK) + dt.timedelta(days=waiting_days)
            furthest = clock.local_date(self._at) + dt.timedelta(days=offer.ahead_days)
            if last + dt.timedelta(days=offer.term_days) > furthest:
                detail = gettext("The plan is paid until %(day)s already.") % {"day": last.isoformat()}
                found.append({"code": "too_far_ahead", "until": last.isoformat(), "detail": detail})
        return found

    def _waiting_days(self, offer: PlanOffer) -> int:
        waiting = (one for one in self._purchases if one.status == PlanPurchase.Status.AWAITED)
        return sum(one.offer.term_days for one in waiting if one.offer.plan_id == offer.plan_id)


def reasons_against(member: Member, offer: PlanOffer, buyer: Buyer, limits: Limits) -> list[Reason]:
    """Why the member may not buy the offer, in codes and words; empty if she may."""
    return gates_against(member, offer, buyer) + limits.against(offer)


def refuse(reasons: list[Reason]) -> None:
    """Raises NotEligible if there is a reason against it."""
    if reasons:
        raise NotEligible(" ".join(reason["detail"] for reason in reasons), reasons=reasons)


def gates_against(member: Member, offer: PlanOffer, buyer: Buyer) -> list[Reason]:
    """What keeps the member out by who she is: asked of buyers, of who tries, and of who renews (S2-50, E57)."""
    found: list[Reason] = []
    if member.status != Member.Status.ACTIVE:
        found.append({"code": "member_closed", "detail": gettext("The member has left the programme.")})
    if offer.needs_real_name and not member.real_name_verified:
        found.append({"code": "real_name_missing", "detail": gettext("The real name is not verified.")})
    if offer.least_credit is not None and (buyer.credit is None or buyer.credit < offer.least_credit):
        detail = gettext("A credit score of at least %(least)d is needed.") % {"least": offer.least_credit}
        found.append({"code": "credit_too_low", "needs": offer.least_credit, "detail": detail})
    if offer.least_score is not None and (buyer.score or 0) < offer.least_score:
        detail = gettext("A value score of at least %(least)d is needed.") % {"least": offer.least_score}
        found.append({"code": "score_too_low", "needs": offer.least_score, "has": buyer.score or 0, "detail": detail})
    return found


def check_on_sale(offer: PlanOffer, at: dt.datetime) -> None:
    """Raises OfferNotOnSale."""
    begun = offer.status == PlanOffer.Status.ACTIVE and offer.starts_at <= at
    if not begun or (offer.ends_at is not None and offer.ends_at <= at):
        raise OfferNotOnSale


@transaction.atomic
def quote(member: Member, offer: PlanOffer, channel: SalesChannel, buyer: Buyer, at: dt.datetime) -> PlanQuote:
    """Freeze price and eligibility with the scores they were reckoned from. Raises OfferNotOnSale, NotEligible."""
    check_on_sale(offer, at)
    if not channel.is_active:
        raise OfferNotOnSale(_("This channel sells no more."))
    member = plans.lock(member)
    refuse(reasons_against(member, offer, buyer, Limits(member, at)))
    reckoned = price(offer, channel, buyer, at)
    return PlanQuote.objects.create(
        member=member,
        offer=offer,
        channel=channel,
        fee=reckoned.fee,
        price=reckoned.price,
        discount=reckoned.discount,
        score=buyer.score,
        credit=buyer.credit,
        quoted_at=at,
        expires_at=at + GOOD_FOR,
    )
