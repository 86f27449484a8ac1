"""Which levels a club has on a day."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils.translation import gettext_lazy as _

from common import clock
from loyalty.selectors import criteria
from merchants.models import Card, Club, Level, LevelScheme, Merchant


def scheme_in_force(club_id: int | OuterRef, day: dt.date) -> QuerySet[LevelScheme]:
    """The scheme in force on a local day, as a queryset of at most one."""
    rows = LevelScheme.objects.filter(
        club=club_id, status=LevelScheme.Status.PUBLISHED, effective_on__lte=day
    ).order_by("-effective_on")
    return rows[:1]


def in_force(club_id: int, at: dt.datetime) -> list[Level]:
    """The levels in force, lowest first; none before the first scheme: then everybody is on level 1. One query."""
    return of_clubs([club_id], clock.local_date(at)).get(club_id, [])


def of_clubs(club_ids: Collection[int], day: dt.date) -> dict[int, list[Level]]:
    """The levels in force on a local day, lowest first, by club; clubs that have none are left out. One query."""
    schemes = Club.objects.filter(pk__in=club_ids).values(
        scheme=Subquery(scheme_in_force(OuterRef("pk"), day).values("pk"))
    )
    found: dict[int, list[Level]] = defaultdict(list)
    for level in Level.objects.filter(scheme__in=schemes).select_related("scheme").order_by("scheme", "number"):
        found[level.scheme.club_id].append(level)
    return found


def members_at(merchant: str, levels: criteria.Range) -> Q:
    """A condition on members: a card of a merchant, by its code, whose level lies in [low, high). Unknown codes are refused."""
    if not Merchant.objects.filter(code=merchant).exists():
        raise criteria.UnreadableCondition(_("Name the merchant by its code."))
    low, high = levels
    cards = Card.objects.filter(
        club__merchant__code=merchant, status=Card.Status.ACTIVE, level__gte=low or 1, member=OuterRef("pk")
    )
    return Q(Exists(cards if high is None else cards.filter(level__lt=high)))


def reached(levels: Sequence[Level], basis: str, card: Card) -> int:
    """The highest level whose threshold the card meets: at a threshold is in (E45), levels are jumped (E44)."""
    figure = card.spent if basis == LevelScheme.Basis.AMOUNT else card.orders
    return max((level.number for level in levels if figure >= level.threshold), default=1)


def level_by(levels: Sequence[Level], basis: str) -> Case:
    """The same as `reached`, as an expression over cards."""
    figure = "spent" if basis == LevelScheme.Basis.AMOUNT else "orders"
    by_height = sorted(levels, key=lambda level: level.threshold, reverse=True)
    whens = [When(Q(**{f"{figure}__gte": level.threshold}), then=Value(level.number)) for level in by_height]
    return Case(*whens, default=Value(1), output_field=IntegerField())


def latest(club: Club) -> LevelScheme | None:
    """The newest published scheme, in force or about to be."""
    rows = LevelScheme.objects.filter(club=club, status=LevelScheme.Status.PUBLISHED)
    return rows.order_by("-effective_on").first()
