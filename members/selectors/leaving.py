"""What leaving the programme costs a member, and what stands in its way (domain.md E59, C35). Every floor says its part."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from members.models import Member, PlanPurchase, RiskAppeal, Subscription
from members.selectors import records


@dataclass(frozen=True, slots=True)
class Waived:
    """Something that is lost: how much of it, what that is worth in minor units if anything, and until when it was good."""

    code: str
    title: str
    amount: int = 1
    value: int | None = None
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Something that must be settled first, by its stable code and in words."""

    code: str
    detail: str


@dataclass
class Leaving:
    waived: list[Waived] = field(default_factory=list)
    hindrances: list[Hindrance] = field(default_factory=list)


Ask = Callable[[Sequence[Member], dt.datetime], Iterable[Waived | Hindrance]]

_asked: list[Ask] = []


def register(ask: Ask) -> None:
    """Called by each app when it starts."""
    _asked.append(ask)


def of(member: Member, at: dt.datetime) -> Leaving:
    """All that a member waives by leaving now, and all that hinders it; a fixed number of queries."""
    same, found = records.same_person(member), Leaving()
    for ask in _asked:
        for one in ask(same, at):
            if isinstance(one, Hindrance):
                found.hindrances.append(one)
            else:
                found.waived.append(one)
    return found


def of_members(members: Sequence[Member], at: dt.datetime) -> Iterable[Waived | Hindrance]:
    """This floor's part: terms of plans, by the day, and purchases that wait for their payment."""
    terms = Subscription.objects.filter(member__in=members, ends_at__gt=at).select_related("plan", "purchase__offer")
    for term in terms.order_by("starts_at"):
        yield Waived("plan", str(term.plan), term.days_left(at), _worth_left(term, at), term.ends_at)
    waiting = PlanPurchase.objects.filter(member__in=members, status=PlanPurchase.Status.AWAITED)
    for purchase in waiting.select_related("offer").order_by("pk"):
        yield Hindrance("plan_awaits_payment", _("A purchase of %s waits for its payment.") % purchase.offer)

    if RiskAppeal.objects.filter(member__in=members, status=RiskAppeal.Status.OPEN).exists():
        yield Hindrance("open_case", _("What the member contests waits for a decision."))


def _worth_left(term: Subscription, at: dt.datetime) -> int | None:
    """The share of the price for the days that are left, rounded down; None if nothing was paid here."""
    purchase = getattr(term, "purchase", None)
    if purchase is None:
        return None
    return purchase.price * term.days_left(at) // purchase.offer.term_days
