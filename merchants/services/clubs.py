"""A club opens, winds down with notice, and closes: what its cards still hold is exchanged (domain.md E61)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet, Sum
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.models import JobRun, Staff
from common.problems import InvalidInput, Problem
from common.services import audit, jobs
from loyalty.facts import PointsEarned
from loyalty.selectors import spans
from loyalty.services.desk import Desk
from members.models import Member
from merchants.models import Card, CardEntry, Club, ClubStore, Store
from merchants.services import cards, pockets, purses

JOB = "exchange-card-points"
CARDS_PER_CHUNK = 500
NOTICE = dt.timedelta(days=30)


class ClubCannotOpen(Problem):
    code = "membership_cannot_open"
    status = 409
    title = _("Only a draft with its stores can be opened.")


class ClubCannotWindDown(Problem):
    code = "membership_cannot_wind_down"
    status = 409
    title = _("Only an open membership can be wound down.")


class NoticeTooShort(Problem):
    """Members hear of the end at least 30 days before."""

    code = "notice_too_short"
    status = 422
    title = _("Members need at least 30 days of notice.")


class StoreTaken(Problem):
    """A store has one membership of each scope."""

    code = "store_taken"
    status = 409
    title = _("One of the stores takes part in another membership of this scope.")


def take_stores(club: Club, stores: Collection[Store], *, actor: audit.Actor, at: dt.datetime) -> None:
    """Let just these stores of the club's merchant take part. Raises InvalidInput, StoreTaken."""
    if any(store.merchant_id != club.merchant_id for store in stores):
        raise InvalidInput(_("A store belongs to another merchant."))
    if club.scope == Club.Scope.SINGLE and len(stores) > 1:
        raise InvalidInput(_("A membership of one store has one store."))
    with transaction.atomic():
        Club.objects.select_for_update().get(pk=club.pk)
        wanted = {store.pk for store in stores}
        here = set(club.club_stores.values_list("store_id", flat=True))
        if wanted == here:
            return
        club.club_stores.exclude(store__in=wanted).delete()
        try:
            with transaction.atomic():
                ClubStore.objects.bulk_create(
                    [ClubStore(club=club, store_id=pk, scope=club.scope) for pk in sorted(wanted - here)]
                )
        except IntegrityError:
            raise StoreTaken from None
        summary = gettext("Stores of %(club)s: %(stores)s") % {
            "club": club, "stores": ", ".join(sorted(store.code for store in stores)) or "–",
        }  # fmt: skip
        audit.record(actor, "merchants.clubs.take_stores", club, summary[:500], at)


def open(club: Club, *, actor: audit.Actor, at: dt.datetime) -> Club:
    """Let members join. Raises ClubCannotOpen: a joint membership has two stores or more, the others at least one."""
    with transaction.atomic():
        club = Club.objects.select_for_update().get(pk=club.pk)
        least = 2 if club.scope == Club.Scope.JOINT else 1
        if club.status != Club.Status.DRAFT or club.club_stores.count() < least:
            raise ClubCannotOpen
        club.status = Club.Status.OPEN
        club.save(update_fields=["status"])
        audit.record(actor, "merchants.clubs.open", club, gettext("Opened the membership %s") % club, at)
        return club


def wind_down(club: Club, ends_at: dt.datetime, exchange_permille: int, *, actor: audit.Actor, at: dt.datetime) -> Club:
    """Announce the end: from now on nobody joins and orders count no more; at `ends_at` the points are exchanged.

    What the exchange may cost is set aside from the merchant's purse at once (reserve before issue).
    Raises ClubCannotWindDown, NoticeTooShort, InsufficientPoints.
    """
    if ends_at < at + NOTICE:
        raise NoticeTooShort
    with transaction.atomic():
        club = Club.objects.select_for_update().get(pk=club.pk)
        if club.status != Club.Status.OPEN:
            raise ClubCannotWindDown
        club.status, club.ends_at, club.exchange_permille = Club.Status.WINDING_DOWN, ends_at, exchange_permille
        if points := cost(club):
            purse = purses.of(club.merchant)
            (club.pocket,) = pockets.open(purse, points, reference=f"club:{club.uuid}", at=at)
        club.save(update_fields=["status", "ends_at", "exchange_permille", "pocket"])
        summary = gettext("%(club)s ends on %(day)s; 1,000 points of the card become %(rate)d") % {
            "club": club, "day": ends_at.date().isoformat(), "rate": exchange_permille,
        }  # fmt: skip
        audit.record(actor, "merchants.clubs.wind_down", club, summary, at)
        return club


def cost(club: Club) -> int:
    """What the exchange can cost at most, in points of the programme: each card rounded up, whatever merges do."""
    with_points = Card.objects.filter(club=club, points__gt=0)
    rounded_up = (F("points") * club.exchange_permille + 999) / 1000
    return with_points.aggregate(cost=Sum(rounded_up, default=0))["cost"]


def worth(club: Club, points: int) -> int:
    """Points of the programme for points of a card; rounded down, once for the card."""
    return points * club.exchange_permille // 1000


def close(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Close what has wound down by `as_of`: exchange the cards' points, card by card once, then give back what is left."""
    run = jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(_holding(as_of), CARDS_PER_CHUNK, by="id"),
        work=lambda first, last: _exchange_span(first, last, as_of, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )
    for club in due(as_of):
        _close(club, at)
    return run


def due(as_of: dt.datetime) -> QuerySet[Club]:
    """Memberships whose notice is over and that are not closed yet."""
    return Club.objects.filter(status=Club.Status.WINDING_DOWN, ends_at__lte=as_of).order_by("pk")


def _holding(as_of: dt.datetime) -> QuerySet[Card]:
    """Cards that still have something to exchange."""
    return Card.objects.filter(
        club__in=due(as_of), status=Card.Status.ACTIVE, points__gt=0, member__status=Member.Status.ACTIVE
    )


def _exchange_span(first: int, last: int, as_of: dt.datetime, at: dt.datetime) -> dict[str, int]:
    """Members' accounts first, then their cards, pockets last (docs/locking.md)."""
    names = dict(_holding(as_of).filter(pk__gte=first, pk__lte=last).values_list("pk", "member__external_id"))
    desk = Desk(sorted(set(names.values())), at)
    exchanged = given = 0
    for card in cards.lock(names.keys()):
        if not card.points or card.status != Card.Status.ACTIVE:
            continue
        wallet, club, reference = desk.wallet(card.member.external_id), card.club, f"club:{card.club.uuid}"
        points = worth(club, card.points)
        exchanged += card.points
        cards.post(card, CardEntry.Unit.POINTS, CardEntry.Kind.EXCHANGE, -card.points, reference, at)
        if points:
            assert club.pocket_id is not None, "closing reserves what the exchange may cost"
            expires_at = desk.expires_at(None, at)
            lot = pockets.give(
                desk.book, [club.pocket_id], wallet.account_id, points, reference=reference, expires_at=expires_at
            )
            desk.publish(PointsEarned(card.member.external_id, points, 0, lot.reference))
            given += points
    desk.close()
    return {"card_points": exchanged, "points_given": given}


def _close(club: Club, at: dt.datetime) -> None:
    with transaction.atomic():
        club = Club.objects.select_for_update().select_related("merchant").get(pk=club.pk)
        if club.status != Club.Status.WINDING_DOWN:
            return
        if club.pocket_id:
            pockets.close(purses.of(club.merchant), [club.pocket_id], reference=f"club:{club.uuid}", at=at)
        club.status = Club.Status.CLOSED
        club.save(update_fields=["status"])
        summary = gettext("Closed the membership %s") % club
        audit.record(audit.Actor(JOB), "merchants.clubs.close", club, summary, at)
