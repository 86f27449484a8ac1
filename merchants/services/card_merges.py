"""Cards follow their members: merged members' cards become one, entry by entry, and part again (domain.md E58)."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Sum

from loyalty.models import Order
from members.models import Member
from members.selectors import kin
from members.services.members import remaining
from merchants.models import BrandMember, Card, CardEntry, CardEvent, CardOrder
from merchants.services import cards

Unit, Kind = CardEntry.Unit, CardEntry.Kind


def merge(source: Member, target: Member, at: dt.datetime) -> int:
    """Move what stands on the source's cards to the target's, made where there are none; how many. Twice is once.

    The opening gift is given once to a person: what is left of a second one stays behind, for an unmerge. A card is
    open when either was; the brand's card moves where the target has none.
    """
    moved = 0
    with transaction.atomic():
        for pk in Card.objects.filter(member=source).order_by("pk").values_list("pk", flat=True):
            moved += _merge(pk, source, target, at)
    return moved


def unmerge(source: Member, target: Member, at: dt.datetime) -> int:
    """Bring back what came with a merge: the source's orders, and as many of its points as are left.

    They lie with whoever stands for the target now.
    """
    parted = 0
    target = remaining(target)
    with transaction.atomic():
        came = CardEvent.objects.filter(card__member=source, kind=CardEvent.Kind.MERGED)
        for card in Card.objects.filter(pk__in=came.values("card")).order_by("pk"):
            parted += _unmerge(card, source, target, at)
    return parted


def _merge(pk: int, source: Member, target: Member, at: dt.datetime) -> int:
    with_it = Card.objects.get(pk=pk)
    twin = Card.objects.filter(club=with_it.club_id, member=target).first()
    twin = twin or Card.objects.create(
        club_id=with_it.club_id, member=target, joined_at=with_it.joined_at, store_id=with_it.store_id,
        channel=with_it.channel, status=with_it.status, left_at=with_it.left_at,
    )  # fmt: skip
    locked = {card.pk: card for card in cards.lock([pk, twin.pk])}
    giver, taker = locked[pk], locked[twin.pk]
    if _is_merged(giver, target):
        return 0
    reference = f"merge:{source.external_id}:{giver.version}"
    spent, orders, points = _balances(giver)
    gift = min(points, _gift(giver)) if _gift(taker) else 0
    if giver.status == Card.Status.ACTIVE:
        taker.status, taker.left_at = Card.Status.ACTIVE, None
    external_card, giver.external_card = giver.external_card, ""
    cards.move(giver, _movements(-spent, -orders, gift - points, reference), at)
    giver.status, giver.left_at = Card.Status.LEFT, giver.left_at or max(at, giver.joined_at)
    giver.save(update_fields=["status", "left_at", "external_card"])
    CardOrder.objects.filter(card=giver).update(card=taker)
    if not BrandMember.objects.filter(card=taker).exists():
        BrandMember.objects.filter(card=giver).update(card=taker)
    taker.external_card = taker.external_card or external_card
    taker.joined_at = min(taker.joined_at, giver.joined_at)
    taker.last_order_at = max(filter(None, (taker.last_order_at, giver.last_order_at)), default=None)
    taker.save(update_fields=["status", "left_at", "external_card", "joined_at"])
    cards.move(taker, _movements(spent, orders, points - gift, reference), at)
    words = {"before": source.external_id[:60], "after": target.external_id[:60], "reference": reference}
    CardEvent.objects.bulk_create(
        [CardEvent(card=card, kind=CardEvent.Kind.MERGED, at=at, **words) for card in (giver, taker)]
    )
    return 1


def _unmerge(card: Card, source: Member, target: Member, at: dt.datetime) -> int:
    twin = Card.objects.filter(club=card.club_id, member=target).first()
    if twin is None or card.status == Card.Status.ACTIVE:
        return 0
    locked = {row.pk: row for row in cards.lock([card.pk, twin.pk])}
    taker, giver = locked[card.pk], locked[twin.pk]
    reference = f"unmerge:{source.external_id}:{taker.version}"
    bought = Order.objects.filter(member__in=kin.ids(source.pk)).values("code")
    own = CardOrder.objects.filter(card=giver, order_code__in=bought)
    rows = list(own)
    spent, orders = sum(row.kept for row in rows), sum(row.is_counted for row in rows)
    gift = _gift(taker) if not _gift(giver) else 0
    points = min(giver.points, sum(row.points for row in rows) + gift)
    own.update(card=taker)
    cards.move(giver, _movements(-spent, -orders, -points, reference), at)
    taker.status, taker.left_at = Card.Status.ACTIVE, None
    taker.save(update_fields=["status", "left_at"])
    cards.move(taker, _movements(spent, orders, points, reference), at)
    words = {"before": target.external_id[:60], "after": source.external_id[:60], "reference": reference}
    CardEvent.objects.bulk_create(
        [CardEvent(card=row, kind=CardEvent.Kind.MERGED, at=at, **words) for row in (taker, giver)]
    )
    return 1


def _balances(card: Card) -> tuple[int, int, int]:
    return card.spent, card.orders, card.points


def _is_merged(card: Card, target: Member) -> bool:
    newest = card.events.filter(kind=CardEvent.Kind.MERGED).order_by("-pk").first()
    return newest is not None and newest.after == target.external_id[:60]


def _gift(card: Card) -> int:
    given = card.entries.filter(kind=Kind.WELCOME).aggregate(points=Sum("delta", default=0))
    return given["points"]


def _movements(spent: int, orders: int, points: int, reference: str) -> list[cards.Movement]:
    figures = ((Unit.SPENT, spent), (Unit.ORDERS, orders), (Unit.POINTS, points))
    return [cards.Movement(unit, Kind.MERGE, delta, reference) for unit, delta in figures]
