"""Coupons that a member holds, and what they do for a basket: what each takes off, or every reason why not.

The order is declared: member price or discount first, then one coupon, then points. So no fen is taken off twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from common import money
from loyalty.services.allocation import largest_remainder
from members.models import Member
from rewards.models import CouponTerms, Redemption, Reward
from rewards.models.coupons import listed
from rewards.selectors import catalogue
from rewards.selectors.baskets import Basket
from rewards.selectors.catalogue import Reason

MOST = 100


@dataclass(frozen=True, slots=True)
class Tried:
    """One coupon on one basket: what it takes off each line (minor units, in their order), or why it takes nothing."""

    redemption: Redemption
    shares: list[int]
    reasons: list[Reason]

    @property
    def off(self) -> int:
        return sum(self.shares)


def held(member: Member, at: dt.datetime) -> list[Redemption]:
    """The coupons that can still be used at an instant, the soonest to expire first; at most MOST. One query."""
    return list(usable(member, at).order_by(F("expires_at").asc(nulls_last=True), "pk")[:MOST])


def usable(member: Member, at: dt.datetime) -> QuerySet[Redemption]:
    """All coupons of a member that can still be used at an instant, with their codes."""
    good = Q(expires_at__isnull=True) | Q(expires_at__gt=at)
    rows = catalogue.of_member(member).filter(
        good, status=Redemption.Status.DELIVERED, reward__kind=Reward.Kind.COUPON, code__isnull=False
    )
    return rows.select_related("reward", "code")


def tried(redemption: Redemption, basket: Basket) -> Tried:
    """A coupon on a basket. What it takes off falls on the lines that count by largest remainder on their prices (F10)."""
    terms = redemption.reward
    items = [line.item for line in basket.lines]
    weights = [
        line.cash if terms.fits(item.category, item.store, item.sku) else 0
        for item, line in zip(items, basket.lines, strict=True)
    ]
    if reasons := _reasons(terms, any(terms.fits(item.category, item.store, item.sku) for item in items), sum(weights)):
        return Tried(redemption, [0] * len(weights), reasons)
    return Tried(redemption, largest_remainder(terms.off(sum(weights)), weights), [])


def _reasons(terms: CouponTerms, fits: bool, cash: int) -> list[Reason]:
    """Why it takes nothing off lines that cost so much together."""
    if not terms.says_terms:
        return [catalogue.reason("terms_unknown", _("What it takes off is the shop's to say."))]
    if not fits:
        return [catalogue.reason("no_line_fits", _("It is for other goods: %s.") % sentence(terms))]
    if cash < terms.least_spend:
        missing = terms.least_spend - cash
        return [catalogue.reason("least_spend", _("%s are missing.") % money.words(missing), missing=missing)]
    if not terms.off(cash):
        return [catalogue.reason("nothing_to_take_off", _("There is nothing that it could be taken off."))]
    return []


def sentence(terms: CouponTerms, *, days: int | None = None, stores: Mapping[str, str] | None = None) -> str:
    """The terms in words: 30.00 CNY off from 200.00 CNY, for books, good for 30 days. Empty if it says none.

    `stores` are names by code; a store without one is told by its code.
    """
    if not terms.says_terms:
        return ""
    off = money.words(terms.off_amount) if terms.off_amount is not None else f"{terms.off_percent} %"
    said = (
        _("%(off)s off from %(least)s") % {"off": off, "least": money.words(terms.least_spend)}
        if terms.least_spend
        else _("%s off") % off
    )
    parts = [said]
    if terms.off_most is not None:
        parts.append(_("at most %s") % money.words(terms.off_most))
    parts += _scope(terms, stores or {})
    if days is not None:
        parts.append(_("good for %d days") % days)
    return _(", ").join(parts)


def _scope(terms: CouponTerms, stores: Mapping[str, str]) -> Sequence[str]:
    names = (
        (_("for %s"), listed(terms.only_categories)),
        (_("at %s"), [stores.get(code, code) for code in listed(terms.only_stores)]),
        (_("only SKU %s"), listed(terms.only_skus)),
    )
    return [text % " / ".join(found) for text, found in names if found]
