"""Cards follow orders: what was bought at a club's stores counts on the buyer's card, and refunds take it back.

Nothing is added up from what facts say. A fact only says where to look: the order's lines are read under the card's lock,
and the card is brought to what they say now. So facts may come twice, late and in any order (F11: the last refund closes to
the point).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction

from loyalty.models import Order, OrderLine
from members.models import Member
from merchants.models import Card, CardEntry, CardOrder, Club, ClubStore
from merchants.selectors import levels
from merchants.services import cards

Unit, Kind = CardEntry.Unit, CardEntry.Kind


def complete(order_code: str, at: dt.datetime) -> list[Card]:
    """Count a completed order on the buyer's cards in every club that its stores take part in; once a club.

    It counts where the card was open when the order completed: a card opened later begins with nothing (decision 0016).
    """
    with transaction.atomic():
        order = Order.objects.select_related("member__merged_into").filter(code=order_code).first()
        if order is None or order.completed_at is None:
            return []
        stores = _stores_by_club(order)
        buyer = _remaining(order.member)
        waiting = Card.objects.filter(
            club__in=stores, member=buyer, status=Card.Status.ACTIVE, joined_at__lte=order.completed_at
        )
        locked = cards.lock(waiting.values_list("pk", flat=True))
        counted = set(CardOrder.objects.filter(order_code=order_code).values_list("club_id", flat=True))
        lines = list(OrderLine.objects.filter(order=order))
        for card in locked:
            if card.status == Card.Status.ACTIVE and card.club_id not in counted:
                _count(card, order, stores[card.club_id], lines, at)
        return locked


def refund(order_code: str, reference: str, at: dt.datetime) -> list[Card]:
    """Bring the cards on which the order counts to what is left of it."""
    with transaction.atomic():
        rows = CardOrder.objects.filter(order_code=order_code)
        locked = {card.pk: card for card in cards.lock(rows.values_list("card_id", flat=True))}
        lines = list(OrderLine.objects.filter(order__code=order_code))
        for row in rows.order_by("pk"):
            card = locked.get(row.card_id) or cards.lock([row.card_id])[0]  # a merge came in between
            locked[card.pk] = card
            _take_back(card, row, lines, reference, at)
        return list(locked.values())


def _stores_by_club(order: Order) -> dict[int, set[str]]:
    codes = OrderLine.objects.filter(order=order).exclude(store_code="").values("store_code")
    rows = ClubStore.objects.filter(store__code__in=codes, club__status=Club.Status.OPEN)
    stores: dict[int, set[str]] = defaultdict(set)
    for club_id, code in rows.values_list("club_id", "store__code"):
        stores[club_id].add(code)
    return stores


def _remaining(member: Member) -> Member:
    while member.merged_into is not None:
        member = member.merged_into
    return member


def _count(card: Card, order: Order, stores: set[str], lines: Iterable[OrderLine], at: dt.datetime) -> None:
    """The terms of the card's level before this order apply, now and for every refund of it."""
    bought = [line for line in lines if line.store_code in stores]
    multipliers = {level.number: level.multiplier_percent for level in levels.in_force(card.club_id, at)}
    row = CardOrder(
        club=card.club,
        card=card,
        order_code=order.code,
        store_codes=sorted(stores),
        cash=sum(line.cash for line in bought),
        kept=_kept(bought),
        is_counted=_is_left(bought),
        multiplier_percent=multipliers.get(card.level, 100),
        money_unit=card.club.money_unit,
        at=at,
    )
    row.points = row.points_due()
    row.save()
    card.last_order_at = max(filter(None, (card.last_order_at, order.completed_at)))
    reference = f"order:{order.code}"
    cards.move(card, _movements(row.kept, int(row.is_counted), row.points, Kind.ORDER, reference), at)


def _take_back(card: Card, row: CardOrder, lines: Iterable[OrderLine], reference: str, at: dt.datetime) -> None:
    """F11: what is due for the cash that was kept; what was spent meanwhile and cannot be taken is noted."""
    bought = [line for line in lines if line.store_code in row.store_codes]
    before = (row.kept, int(row.is_counted), row.points)
    row.kept, row.is_counted = _kept(bought), _is_left(bought)
    row.points = row.points_due()
    spent, orders, points = (
        now - was for now, was in zip((row.kept, int(row.is_counted), row.points), before, strict=True)
    )
    if not (spent or orders or points):
        return
    *_others, taken = cards.move(card, _movements(spent, orders, points, Kind.REFUND, reference), at)
    row.points_short += taken - points
    row.save(update_fields=["kept", "is_counted", "points", "points_short"])


def _movements(spent: int, orders: int, points: int, kind: str, reference: str) -> list[cards.Movement]:
    figures = ((Unit.SPENT, spent), (Unit.ORDERS, orders), (Unit.POINTS, points))
    return [cards.Movement(unit, kind, delta, reference) for unit, delta in figures]


def _kept(lines: Iterable[OrderLine]) -> int:
    """Cash in minor units that was not refunded."""
    return sum(line.cash - line.refunded_cash for line in lines)


def _is_left(lines: Iterable[OrderLine]) -> bool:
    """Whether something of the order is left: money, or goods where there was none to pay."""
    return any(
        line.cash > line.refunded_cash or (line.cash == 0 and line.refunded_quantity < line.quantity) for line in lines
    )
