"""What a basket costs a member: member prices and price ladders of the merchants (domain.md S1-25, S2-09, S2-44).

The lowest wins, and nothing is dearer than the list price. All sums are whole minor units.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from loyalty.models import Standing
from members.models import Member, Subscription
from merchants.models import Card, Club, MemberPrice, PriceLadder, PriceStep, Store

LADDER = "ladder"


class Line(Protocol):
    """A line of a basket: `cash` is the list price of the whole line, before points and coupons."""

    number: str
    sku: str
    category: str
    store: str
    quantity: int
    cash: int


@dataclass(frozen=True, slots=True)
class Offer:
    """What a line costs instead of its list price. Minor units.

    `cash` is the new price of the whole line and `saving` what it is below the list price, both exact. `price` and
    `list_price` are those of one piece; where a line cannot be split evenly they are rounded half up, for display.
    `kind` is tier, plan, club or ladder, `code` the tier's or plan's code, the club's uuid, or nothing.
    """

    price: int
    list_price: int
    cash: int
    saving: int
    kind: str
    code: str
    because: str


@dataclass(frozen=True, slots=True)
class Buyer:
    """What prices ask of a member: rank of the tier (None = none), plans by id, level of each card by club."""

    rank: int | None = None
    plans: frozenset[int] = frozenset()
    levels: Mapping[int, int] = field(default_factory=dict)
    is_business: bool = False


class _Candidate(NamedTuple):
    """Sorted by what wins: the lowest, then tier before plan before club before ladder, then the older one."""

    cash: int
    place: int
    pk: int
    offer: Offer


_PLACES = {MemberPrice.Who.TIER: 0, MemberPrice.Who.PLAN: 1, MemberPrice.Who.CLUB: 2, LADDER: 3}


def best(member: Member | None, lines: Sequence[Line], at: dt.datetime) -> dict[str, Offer]:
    """The best offer for each line that has one, by its number. A fixed number of queries, however long the basket."""
    if member is None or not lines:
        return {}
    return best_for(buyer(member, at), lines, at)


def buyer(member: Member, at: dt.datetime) -> Buyer:
    """What prices ask of a member, at an instant. Three queries."""
    live = Subscription.objects.filter(member=member, starts_at__lte=at, ends_at__gt=at)
    cards = Card.objects.filter(
        member=member, status=Card.Status.ACTIVE, club__status__in=[Club.Status.OPEN, Club.Status.WINDING_DOWN]
    )
    return Buyer(
        rank=Standing.objects.filter(member=member).values_list("tier__rank", flat=True).first(),
        plans=frozenset(live.values_list("plan_id", flat=True)),
        levels=dict(cards.values_list("club_id", "level")),
        is_business=member.kind == Member.Kind.BUSINESS,
    )


def best_for(buyer: Buyer, lines: Sequence[Line], at: dt.datetime) -> dict[str, Offer]:
    """As `best`, for a buyer who need not exist. At most four queries."""
    stores = {
        code: (pk, merchant)
        for code, pk, merchant in Store.objects.filter(code__in={line.store for line in lines}).values_list(
            "code", "pk", "merchant_id"
        )
    }
    known = [line for line in lines if line.store in stores and line.cash > 0]
    prices = _by_merchant_and_sku(buyer, known, stores, at)
    ladders = _ladders({stores[line.store][1] for line in known}, at) if buyer.is_business else {}
    found = {}
    for line in known:
        store, merchant = stores[line.store]
        offers = [
            *_priced(line, (p for p in prices.get((merchant, line.sku), ()) if p.store_id in (None, store))),
            *_stepped(line, (one for one in ladders.get(merchant, ()) if _covers(one, line, store))),
        ]
        if offers:
            found[line.number] = min(offers)[-1]
    return found


def overlapping(price: MemberPrice) -> QuerySet[MemberPrice]:
    """Other prices of the SKU whose time and stores meet this one's: for whom several hold, the lowest wins."""
    others = MemberPrice.objects.filter(merchant=price.merchant_id, sku=price.sku).exclude(pk=price.pk)
    others = others.filter(Q(ends_at=None) | Q(ends_at__gt=price.starts_at))
    if price.ends_at is not None:
        others = others.filter(starts_at__lt=price.ends_at)
    if price.store_id is not None:
        others = others.filter(Q(store=None) | Q(store=price.store_id))
    return others.select_related("store", "tier", "plan", "club").order_by("price", "pk")


def in_force(at: dt.datetime) -> Q:
    """[starts_at, ends_at) holds the instant."""
    return Q(starts_at__lte=at) & (Q(ends_at=None) | Q(ends_at__gt=at))


def _by_merchant_and_sku(
    buyer: Buyer, lines: Iterable[Line], stores: Mapping[str, tuple[int, int]], at: dt.datetime
) -> dict[tuple[int, str], list[MemberPrice]]:
    """The prices in force that this buyer may have, of the merchants and SKUs at hand."""
    whom = Q(plan__in=buyer.plans) | Q(club__in=buyer.levels)
    if buyer.rank is not None:
        whom |= Q(tier__rank__lte=buyer.rank)
    rows = MemberPrice.objects.filter(
        whom,
        in_force(at),
        sku__in={line.sku for line in lines if line.sku},
        merchant__in={stores[line.store][1] for line in lines},
    ).select_related("tier", "plan", "club")
    found = defaultdict(list)
    for row in rows:
        if row.club_id is None or buyer.levels[row.club_id] >= (row.level or 1):
            found[row.merchant_id, row.sku].append(row)
    return found


def _ladders(merchants: set[int], at: dt.datetime) -> dict[int, list[PriceLadder]]:
    found = defaultdict(list)
    for row in PriceLadder.objects.filter(in_force(at), merchant__in=merchants).prefetch_related("steps"):
        found[row.merchant_id].append(row)
    return found


def _covers(ladder: PriceLadder, line: Line, store: int) -> bool:
    if ladder.store_id not in (None, store):
        return False
    return ladder.sku in ("", line.sku) and ladder.category in ("", line.category)


def _priced(line: Line, prices: Iterable[MemberPrice]) -> Iterator[_Candidate]:
    for price in prices:
        cash = price.price * line.quantity
        if cash < line.cash:
            offer = _offer(line, cash, price.price, price.who, _code(price), _because(price))
            yield _Candidate(cash, _PLACES[price.who], price.pk, offer)


def _stepped(line: Line, ladders: Iterable[PriceLadder]) -> Iterator[_Candidate]:
    """The highest step of each ladder that the quantity reaches."""
    for ladder in ladders:
        reached = [step for step in ladder.steps.all() if step.from_quantity <= line.quantity]
        if not reached:
            continue
        step = max(reached, key=lambda step: step.from_quantity)
        cash = after(step, line)
        if cash < line.cash:
            price = step.price or _per_piece(cash, line.quantity)
            because = _("from %(quantity)d pieces") % {"quantity": step.from_quantity}
            yield _Candidate(cash, _PLACES[LADDER], step.pk, _offer(line, cash, price, LADDER, "", because))


def after(step: PriceStep, line: Line) -> int:
    """What the line costs by a step; a percentage leaves an amount that is rounded half up."""
    if step.price is not None:
        return step.price * line.quantity
    assert step.percent_off is not None
    return _half_up(line.cash * (100 - step.percent_off), 100)


def _offer(line: Line, cash: int, price: int, kind: str, code: str, because: str) -> Offer:
    return Offer(price, _per_piece(line.cash, line.quantity), cash, line.cash - cash, kind, code, because)


def _per_piece(cash: int, quantity: int) -> int:
    return _half_up(cash, quantity)


def _half_up(value: int, divisor: int) -> int:
    return (2 * value + divisor) // (2 * divisor)


def _code(price: MemberPrice) -> str:
    if price.tier is not None:
        return price.tier.code
    if price.plan is not None:
        return price.plan.code
    assert price.club is not None
    return str(price.club.uuid)


def _because(price: MemberPrice) -> str:
    if price.club is not None:
        return _("Level %(level)d price of %(club)s") % {"level": price.level, "club": price.club.name}
    named = price.tier or price.plan
    assert named is not None
    return _("%(name)s price") % {"name": named.name}
