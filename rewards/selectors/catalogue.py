"""The catalogue as one member sees it: price, whether it can be taken now, and if not, every reason why not.

The one place where these rules stand: pages ask it for many rewards at once, `redemptions` asks it again under the lock.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import clock
from common.prepared import prepared
from loyalty.models import Programme, SegmentMember, Tier
from loyalty.selectors import balances
from loyalty.selectors import members as selectors
from loyalty.selectors import programme as programmes
from members.models import Member, Subscription
from members.selectors import kin
from rewards.models import Code, Redemption, Reward, RewardPrice
from rewards.models.rewards import visible

Reason = dict[str, Any]

_LIMITS = {
    "day": gettext_lazy("%d a day."),
    "month": gettext_lazy("%d a month."),
    "ever": gettext_lazy("%d for each member."),
}

COUPON_TIER = "bronze"
"""Coupons are for this tier and above unless they say otherwise, against hoarding (domain.md S2-49)."""

GONE = (Redemption.Status.CANCELLED, Redemption.Status.RETURNED)
"""What was given back does not count against a limit."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a member pays: points, and cash in minor units. `basis` says why: list, tier:…, segment:… or plan:…"""

    points: int
    cash: int
    basis: str = "list"


@dataclass(frozen=True, slots=True)
class Offer:
    """A reward for one member at one instant. `reasons` say why not, machine-readable; none if it is available."""

    reward: Reward
    price: Price
    reasons: list[Reason]

    @property
    def available(self) -> bool:
        return not self.reasons


def rewards(at: dt.datetime) -> QuerySet[Reward]:
    """What members see at an instant, the lowest list price first."""
    return whole().filter(visible(at)).order_by("points", "id")


def whole() -> QuerySet[Reward]:
    """Rewards with everything that an offer and its reader ask of them."""
    # The model names the attribute, so that its readers have a type.
    priced = Reward.objects.prefetch_related(Prefetch("prices", _prices(), to_attr="special_prices"))  # type: ignore[no-redef]
    return priced.select_related("least_tier", "segment", "merchant", "partner", "plan")


def priced(code: str) -> Reward | None:
    """One reward with its prices: enough for an offer, as its other relations are mostly empty and read if not."""
    reward = next(iter(_by_code(code)), None)
    if reward is not None:
        reward.special_prices = _prices_of(reward.pk)
    return reward


@prepared
def _by_code(code: str) -> QuerySet[Reward]:
    return Reward.objects.filter(code=code).order_by()


@prepared
def _prices_of(reward_id: int) -> QuerySet[RewardPrice]:
    return _prices().filter(reward=reward_id)


def _prices() -> QuerySet[RewardPrice]:
    return RewardPrice.objects.select_related("tier", "segment", "plan")


def offers(member: Member, at: dt.datetime, chosen: Sequence[Reward] | None = None) -> list[Offer]:
    """Every visible reward (or the chosen ones, read by `whole`) as an offer to the member.

    A fixed number of queries, whatever the number of rewards; fewest for a member read by `members.with_wallets`.
    """
    found = list(rewards(at)) if chosen is None else list(chosen)
    shopper = Shopper(member, found, at)
    return [shopper.offer(reward) for reward in found]


class Shopper:
    """What the rules must know of one member for some rewards: each thing is asked once, and only if a reward needs it.

    `available` are the points that can be spent now, if the caller holds the account and knows them; `unit` says what
    a point is worth, if the caller has read the programme.
    """

    def __init__(
        self,
        member: Member,
        found: Sequence[Reward],
        at: dt.datetime,
        *,
        available: int | None = None,
        unit: Programme | None = None,
    ):
        self._member, self._found, self._at, self._programme = member, found, at, unit
        standing = selectors.standing_of(member)
        # Who has no tier yet stands on the lowest one, which is open to everybody.
        self._rank = standing.tier.rank if standing and standing.tier else 0
        self._available = self._balance() if available is None else available
        priced = [price for reward in found for price in reward.special_prices]
        self._segments = self._read(
            any(reward.segment_id for reward in found) or any(price.segment_id for price in priced),
            self._member_segments,
        )
        self._plans = self._read(any(price.plan_id for price in priced), self._member_plans)
        unsaid = any(reward.kind == Reward.Kind.COUPON and not reward.least_tier_id for reward in found)
        self._coupon_tier = coupon_tier() if unsaid else None
        self._taken = self._count() if any(_limits(reward) for reward in found) else {}
        self._pooled = self._with_codes()

    def offer(self, reward: Reward) -> Offer:
        """The reward as an offer to the member."""
        price = self.price(reward)
        return Offer(reward, price, list(self._reasons(reward, price)))

    def price(self, reward: Reward) -> Price:
        """The lowest of the list price and of those the member has a right to, points and cash taken together."""
        prices = [Price(reward.points, reward.cash)]
        prices += [Price(row.points, row.cash, row.basis) for row in reward.special_prices if self._has_right(row)]
        return min(prices, key=self._worth) if len(prices) > 1 else prices[0]

    def _worth(self, price: Price) -> int:
        """Comparable without rounding: money per point is a fraction."""
        return price.points * self._unit.point_value_money + price.cash * self._unit.point_value_points

    @functools.cached_property
    def _unit(self) -> Programme:
        """What a point is worth; no query for a member read by `members.with_wallets`."""
        if self._programme is not None:
            return self._programme
        unit = getattr(self._member, "unit", None)
        if unit:
            return Programme(point_value_points=unit["points"], point_value_money=unit["money"])
        return programmes.current()

    def _has_right(self, row: RewardPrice) -> bool:
        if row.tier is not None:
            return self._rank >= row.tier.rank
        return row.segment_id in self._segments if row.segment_id else row.plan_id in self._plans

    # Why not ------------------------------------------------------------------------------------------------

    def _reasons(self, reward: Reward, price: Price) -> Iterator[Reason]:
        """The gravest first: what the member cannot change, then stock and limits, then points."""
        if self._member.status != Member.Status.ACTIVE:
            yield reason("member_closed", _("The member has left the programme."))
        yield from self._window(reward)
        tier = least_tier(reward, self._coupon_tier)
        if tier is not None and self._rank < tier.rank:
            yield reason("tier_too_low", _("For %s and above.") % tier.name, needs=tier.code)
        if reward.segment_id and reward.segment_id not in self._segments:
            yield reason("not_in_segment", _("This reward is for a chosen group of members."))
        if reward.left == 0 or (reward.codes == Reward.Codes.PARTNER and reward.pk not in self._pooled):
            yield out_of_stock()
        yield from self._reached(reward)
        if (missing := price.points - self._available) > 0:
            yield reason("insufficient_points", _("%d points are missing.") % missing, missing=missing)

    def _window(self, reward: Reward) -> Iterator[Reason]:
        if reward.available_from and self._at < reward.available_from:
            when = clock.local(reward.available_from)
            yield reason(
                "not_yet_available", _("From %s on.") % f"{when:%Y-%m-%d %H:%M}", **{"from": clock.written(when)}
            )
        if reward.available_until and reward.available_until <= self._at:
            yield reason("no_longer_available", _("It is over."))

    def _reached(self, reward: Reward) -> Iterator[Reason]:
        taken = self._taken.get(reward.pk, {})
        for period, limit in _limits(reward).items():
            if taken.get(period, 0) >= limit:
                yield reason("limit_reached", str(_LIMITS[period] % limit), period=period, limit=limit)

    # What is read -------------------------------------------------------------------------------------------

    @staticmethod
    def _read(needed: bool, load: Callable[[], set[int]]) -> set[int]:
        return load() if needed else set()

    def _balance(self) -> int:
        account = selectors.account_of(self._member)
        return balances.of(account, self._at).available if account else 0

    def _member_segments(self) -> set[int]:
        rows = SegmentMember.objects.filter(member=self._member.pk)
        return set(rows.values_list("segment_id", flat=True))

    def _member_plans(self) -> set[int]:
        running = Subscription.objects.filter(member=self._member.pk, starts_at__lte=self._at, ends_at__gt=self._at)
        return set(running.values_list("plan_id", flat=True))

    def _count(self) -> dict[int, dict[str, int]]:
        """How many of each limited reward the member has taken, by the periods that any is limited in.

        Gifts and what came back are left out.
        """
        limited = [reward.pk for reward in self._found if _limits(reward)]
        today = clock.local_date(self._at)
        rows = _taken(self._member.pk, clock.month_start(today), today, *limited)
        return {reward: {"ever": ever, "month": month, "day": day} for reward, ever, month, day in rows}

    def _with_codes(self) -> set[int]:
        """The rewards of partners that still have a code in their pool."""
        pools = [reward.pk for reward in self._found if reward.codes == Reward.Codes.PARTNER]
        if not pools:
            return set()
        filled = Reward.objects.filter(Exists(free_codes(self._at).filter(reward=OuterRef("pk"))), pk__in=pools)
        return set(filled.order_by().values_list("pk", flat=True))


@prepared
def _taken(
    member_id: int, month: dt.date, today: dt.date, *rewards: int
) -> QuerySet[Redemption, tuple[int, int, int, int]]:
    """Of each reward that the member paid points for: its id, how many ever, since the start of the month, and today."""
    paid = taken_by(member_id).filter(reward__pk__in=rewards, points__gt=0).exclude(status__in=GONE).order_by()
    this_month, this_day = Q(taken_on__gte=month), Q(taken_on=today)
    counts = {"ever": Count("pk"), "month": Count("pk", filter=this_month), "day": Count("pk", filter=this_day)}
    return paid.values_list("reward_id").annotate(**counts)


def of_member(member: Member) -> QuerySet[Redemption]:
    """What a member has taken, and what those took who were merged into the member (domain.md E58)."""
    return taken_by(member.pk)


def taken_by(member_id: int) -> QuerySet[Redemption]:
    """The same by the member's id, as a prepared query asks."""
    return Redemption.objects.filter(member__in=kin.ids(member_id))


def free_codes(at: dt.datetime) -> QuerySet[Code]:
    """The codes that can still be handed out."""
    return Code.objects.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=at), status=Code.Status.FREE)


def out_of_stock() -> Reason:
    return reason("out_of_stock", _("There is none left."))


def reason(code: str, detail: str, **more: Any) -> Reason:
    """`code` is for programs, `detail` for people, in the caller's language."""
    return {"code": code, "detail": detail, **more}


def _limits(reward: Reward) -> dict[str, int]:
    """How many a member may take, by period; a period without a limit is left out."""
    limits = {"day": reward.limit_day, "month": reward.limit_month, "ever": reward.limit_ever}
    return {period: limit for period, limit in limits.items() if limit is not None}


def least_tier(reward: Reward, coupons: Tier | None) -> Tier | None:
    """The tier that a reward asks for: its own, or that of all `coupons` (S2-49); None = it is open to everybody."""
    return reward.least_tier or (coupons if reward.kind == Reward.Kind.COUPON else None)


def coupon_tier() -> Tier | None:
    """The tier that coupons ask for by themselves; None if the programme has no such tier."""
    return Tier.objects.filter(code=COUPON_TIER).first()
