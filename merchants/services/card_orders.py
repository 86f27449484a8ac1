"""Cards follow orders: what was bought at a club's stores counts on the buyer's card, and refunds take it back.

Nothing is added up from what facts say. A fact only says where to look: the order's lines are read under the card's lock,
and the card is brought to what they say now. So facts may come twice, late and in any order (F11: the last refund closes to
the point).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from django.db import transaction

from common import sql
from loyalty.models import Order, OrderLine
from members.models import Member
from merchants.models import Card, CardEntry, CardOrder, Club, ClubStore
from merchants.services import cardbook, cards
from merchants.services.cardbook import CardBook

Unit, Kind = CardEntry.Unit, CardEntry.Kind


def complete(order_code: str, at: dt.datetime) -> None:
    """Count one completed order; a batch of one."""
    complete_all([(order_code, at)])


@transaction.atomic
def complete_all(heard: Sequence[tuple[str, dt.datetime]]) -> None:
    """Count completed orders, by code and when they were told of, on the buyers' cards in every club that their stores
    take part in; once a club. A fixed number of queries.

    An order counts where the card was open when it completed: a card opened later begins with nothing (decision 0016).
    """
    asked = Order.objects.select_related("member__merged_into").filter(completed_at__isnull=False)
    orders = {order.code: order for order in asked.filter(code__in=[code for code, _at in heard])}
    stores = _stores_by_club(orders)
    buyers = {code: _remaining(order.member).pk for code, order in orders.items()}
    held = cardbook.lock_owned({(club_id, buyers[code]) for code in stores for club_id in stores[code]})
    book = CardBook(held.values())
    counted = set(CardOrder.objects.filter(order_code__in=orders).values_list("club_id", "order_code"))
    lines = _lines(orders)
    rows = []
    for code, at in heard:
        for club_id in sorted(stores.get(code, ())):
            card = held.get((club_id, buyers[code]))
            if card and _was_open(card, orders[code]) and (club_id, code) not in counted:
                counted.add((club_id, code))
                rows.append(_count(book, card, orders[code], stores[code][club_id], lines[code], at))
    sql.insert(rows)
    book.close()


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


def _stores_by_club(order_codes: Collection[str]) -> dict[str, dict[int, set[str]]]:
    """At which stores of which open clubs orders bought: order -> club -> stores."""
    lines = OrderLine.objects.filter(order__code__in=order_codes).exclude(store_code="").order_by()
    named = set(lines.values_list("order__code", "store_code"))
    rows = ClubStore.objects.filter(store__code__in={store for _order, store in named}, club__status=Club.Status.OPEN)
    clubs: dict[str, list[int]] = defaultdict(list)
    for club_id, store in rows.values_list("club_id", "store__code"):
        clubs[store].append(club_id)
    found: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for order, store in named:
        for club_id in clubs[store]:
            found[order][club_id].add(store)
    return found


def _lines(order_codes: Collection[str]) -> dict[str, list[OrderLine]]:
    """Lines by order; read them under the cards' locks."""
    found: dict[str, list[OrderLine]] = defaultdict(list)
    for line in OrderLine.objects.filter(order__code__in=order_codes).select_related("order"):
        found[line.order.code].append(line)
    return found


def _was_open(card: Card, order: Order) -> bool:
    return card.status == Card.Status.ACTIVE and order.completed_at is not None and card.joined_at <= order.completed_at


def _remaining(member: Member) -> Member:
    while member.merged_into is not None:
        member = member.merged_into
    return member


def _count(
    book: CardBook, card: Card, order: Order, stores: set[str], lines: Iterable[OrderLine], at: dt.datetime
) -> CardOrder:
    """The terms of the card's level before this order apply, now and for every refund of it."""
    bought = [line for line in lines if line.store_code in stores]
    multipliers = {level.number: level.multiplier_percent for level in book.levels(card, at)}
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
    card.last_order_at = max(filter(None, (card.last_order_at, order.completed_at)))
    reference = f"order:{order.code}"
    book.move(card, _movements(row.kept, int(row.is_counted), row.points, Kind.ORDER, reference), at)
    return row


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
