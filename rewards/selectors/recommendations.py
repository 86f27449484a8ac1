"""Rewards and benefits in the order in which they may be of use to a member, each with its reasons in words.

Only with her consent to be recommended by what she bought; without it (never given, or withdrawn: PIPL 24) everybody
gets the same order: rewards by price, benefits as in the catalogue. Nothing here changes a price or who may have what.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db.models import Count, F, Q, Sum
from django.utils.formats import date_format
from django.utils.translation import gettext

from common import clock
from loyalty.models import Order, OrderLine
from loyalty.selectors import balances
from loyalty.selectors import members as selectors
from members.models import Consent, Member
from members.selectors import kin
from merchants.models import Store
from rewards.models import BenefitUse, CouponTerms, Reward
from rewards.models.coupons import listed
from rewards.selectors import catalogue, entitlements
from rewards.selectors.catalogue import Offer
from rewards.selectors.entitlements import Entitlement

LOOKS_BACK = dt.timedelta(days=365)
EXPIRES_SOON = dt.timedelta(days=30)

# What counts how much. A category or merchant that all of her money went to counts in full, others by their share; a
# coupon for what none of it went to counts as much against itself.
CATEGORY, MERCHANT, NEVER_BOUGHT = 40, 20, -40
EXPIRING, AFFORDABLE, TAKEN_BEFORE, LEFT_TO_USE, ENDS_SOON = 30, 20, 10, 10, 15


@dataclass(frozen=True, slots=True)
class Because:
    """One reason: a stable code, words in the caller's language, and how much it counted."""

    code: str
    words: str
    weight: int


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A reward (as an offer) or a benefit (as an entitlement), and why it stands where it stands."""

    offer: Offer | None = None
    entitlement: Entitlement | None = None
    because: list[Because] = field(default_factory=list)

    @property
    def score(self) -> int:
        return sum(reason.weight for reason in self.because)

    @property
    def name(self) -> str:
        if self.offer is not None:
            return self.offer.reward.name
        assert self.entitlement is not None
        return self.entitlement.benefit.name


@dataclass(frozen=True, slots=True)
class Recommended:
    """`personalised` says whether the order is the member's own or everybody's."""

    personalised: bool
    found: list[Recommendation]


def of(member: Member, at: dt.datetime, *, limit: int = 20) -> Recommended:
    """What to show a member read by `members.with_wallets`: rewards she can take now, and benefits with a use left.

    A fixed number of queries, whatever the size of the catalogue.
    """
    offers = [offer for offer in catalogue.offers(member, at) if offer.available]
    usable = [found for found in entitlements.of(member, at) if found.left != 0]
    plain = [*(Recommendation(offer=offer) for offer in offers), *(Recommendation(entitlement=one) for one in usable)]
    if not agrees(member):
        return Recommended(False, plain[:limit])
    habits = _Habits(member, at)
    ranked = [_with_reasons(one, habits) for one in plain]
    # Python's sort is stable: what counts the same stays in everybody's order.
    return Recommended(True, sorted(ranked, key=lambda one: -one.score)[:limit])


def agrees(member: Member) -> bool:
    """Whether the member's consent to be recommended by what she bought stands."""
    return Consent.objects.filter(
        member=member, purpose=Consent.Purpose.PERSONALISE, recipient="", withdrawn_at=None
    ).exists()


def _with_reasons(one: Recommendation, habits: _Habits) -> Recommendation:
    if one.offer is not None:
        return Recommendation(offer=one.offer, because=list(_of_reward(one.offer, habits)))
    assert one.entitlement is not None
    return Recommendation(entitlement=one.entitlement, because=list(_of_benefit(one.entitlement, habits)))


def _of_reward(offer: Offer, habits: _Habits) -> Iterator[Because]:
    reward, points = offer.reward, offer.price.points
    yield from habits.categories([reward.category] if reward.category else listed(reward.only_categories))
    yield from habits.merchant(reward)
    yield from habits.never_bought(reward)
    expiring = habits.expiring_by(points)
    if expiring is not None:
        numbers = {"points": habits.expiring, "day": date_format(expiring, "DATE_FORMAT")}
        words = gettext("%(points)d of your points expire soon, the first on %(day)s.") % numbers
        yield Because("points_expire", words, EXPIRING)
    if points * 2 <= habits.available:
        yield Because("affordable", gettext("It takes at most half of your points."), AFFORDABLE)
    if habits.taken[reward.pk]:
        yield Because("taken_before", gettext("You have taken it before."), TAKEN_BEFORE)


def _of_benefit(found: Entitlement, habits: _Habits) -> Iterator[Because]:
    yield from habits.categories([found.benefit.category])
    if found.left is not None:
        words = gettext("You can still use it %d times in this period.") % found.left
        yield Because("left_to_use", words, LEFT_TO_USE)
    if found.until is not None and found.until - habits.at <= EXPIRES_SOON:
        last = clock.local_date(found.until - dt.timedelta(microseconds=1))
        yield Because("ends_soon", gettext("You have it until %s.") % date_format(last, "DATE_FORMAT"), ENDS_SOON)
    if habits.used[found.benefit.pk]:
        yield Because("used_before", gettext("You have used it before."), TAKEN_BEFORE)


class _Habits:
    """What a member bought in twelve months, has and took; six queries."""

    def __init__(self, member: Member, at: dt.datetime):
        self.at = at
        self._by_category, self._by_store = _bought(member, at)
        self._spent = sum(self._by_category.values())
        self._by_merchant = _of_merchants(self._by_store)
        account = selectors.account_of(member)
        balance = balances.of(account, at) if account else balances.Balance()
        self.available = balance.available
        soon = clock.local_date(at + EXPIRES_SOON)
        self._expiring = [(day, points) for day, points in balance.expiring if day <= soon]
        self.expiring = sum(points for _day, points in self._expiring)
        taken = catalogue.of_member(member).exclude(status__in=catalogue.GONE)
        self.taken = _counted(taken.order_by().values_list("reward").annotate(n=Count("pk")))
        uses = BenefitUse.objects.filter(_whose(member, "member"), given_back_at=None)
        self.used = _counted(uses.order_by().values_list("benefit").annotate(n=Count("pk")))

    def categories(self, categories: Iterable[str]) -> Iterator[Because]:
        """How much of her money went to categories; those that she buys from are named."""
        own = [category for category in dict.fromkeys(categories) if category and self._by_category[category] > 0]
        if own:
            spent = sum(self._by_category[category] for category in own)
            words = gettext("You often buy %s.") % " / ".join(own)
            yield Because("own_category", words, _share(CATEGORY, spent, self._spent))

    def merchant(self, reward: Reward) -> Iterator[Because]:
        """How much of her money went to the merchant that sponsors a reward."""
        spent = self._by_merchant[reward.merchant_id or 0]
        if spent > 0:
            words = gettext("You buy at %s.") % reward.merchant
            yield Because("own_merchant", words, _share(MERCHANT, spent, self._spent))

    def never_bought(self, terms: CouponTerms) -> Iterator[Because]:
        """Whether a coupon is only for categories or stores that no money of hers went to; unknown if none was spent."""
        lists = ((self._by_category, listed(terms.only_categories)), (self._by_store, listed(terms.only_stores)))
        if self._spent > 0 and any(names and not any(bought[name] > 0 for name in names) for bought, names in lists):
            words = gettext("You bought nothing in twelve months that it could be used for.")
            yield Because("never_bought", words, NEVER_BOUGHT)

    def expiring_by(self, points: int) -> dt.date | None:
        """The first day on which points expire, if a price of so many uses at least half of those that expire soon."""
        if not self._expiring or points * 2 < self.expiring:
            return None
        return self._expiring[0][0]


def _bought(member: Member, at: dt.datetime) -> tuple[Counter[str], Counter[str]]:
    """Cash that was kept, by category and by store, of orders completed in twelve months. One query."""
    lines = OrderLine.objects.filter(
        _whose(member, "order__member"),
        order__status=Order.Status.COMPLETED,
        order__completed_at__gt=at - LOOKS_BACK,
        order__completed_at__lte=at,
    )
    kept = lines.order_by().values_list("category", "store_code").annotate(kept=Sum(F("cash") - F("refunded_cash")))
    by_category: Counter[str] = Counter()
    by_store: Counter[str] = Counter()
    for category, store, cash in kept:
        by_category[category] += cash
        by_store[store] += cash
    return by_category, by_store


def _of_merchants(by_store: Counter[str]) -> Counter[int]:
    """The same by merchant. One query."""
    found: Counter[int] = Counter()
    for code, merchant in Store.objects.filter(code__in=by_store).values_list("code", "merchant_id"):
        found[merchant] += by_store[code]
    return found


def _whose(member: Member, path: str) -> Q:
    """Of the member and of those who were merged into her (domain.md E58)."""
    return Q(**{f"{path}__in": kin.ids(member.pk)})


def _share(weight: int, part: int, whole: int) -> int:
    """The weight in proportion, rounded down, at least 1."""
    return max(weight * part // whole, 1) if whole else 0


def _counted(rows: Iterable[tuple[int, int]]) -> Counter[int]:
    return Counter(dict(rows))
