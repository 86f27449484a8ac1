"""The levels of a club: drafted, looked at with real cards, published for the next day; and the night's changes of level.

Section 2.6 of domain.md: one to five levels, the first for everybody, rules changed once in 30 days, from the next day,
while no campaign of the club runs. A card rises at once; it falls, and follows new rules, by night.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, F, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common import clock, sql
from common.models import JobRun, Staff
from common.problems import InvalidInput, Problem
from common.services import audit, jobs, outbox
from loyalty.selectors import spans
from merchants.models import Card, CardEvent, Club, Level, LevelScheme
from merchants.selectors import campaigns, levels
from merchants.services import cards

JOB = "relevel-cards"
CARDS_PER_CHUNK = 5000
MOST = 5
LONGEST_NAME = 5
DAYS_BETWEEN = 30


class LevelsChangedLately(Problem):
    """Levels change once in 30 days; `next_on` is the first day on which they can be published again."""

    code = "levels_changed_lately"
    status = 409
    title = _("Levels can be changed once in 30 days.")


class CampaignRunning(Problem):
    """Levels do not change while a campaign of the membership runs; `next_on` is the day after it ends, if it is known."""

    code = "campaign_running"
    status = 409
    title = _("Levels cannot be changed while a campaign of the membership runs.")


class NotADraft(Problem):
    code = "not_a_draft"
    status = 409
    title = _("These levels were published already. Draft new ones.")


class Rung(NamedTuple):
    """One level as somebody drafts it; thresholds in minor units of cash or a number of orders."""

    name: str
    threshold: int
    multiplier_percent: int = 100
    benefits: str = ""
    colour: str = "#0f766e"


class Shift(NamedTuple):
    """So many cards are on level `before` and would be on level `after`."""

    before: int
    after: int
    cards: int


def draft(club: Club, basis: str, rungs: Sequence[Rung], *, actor: audit.Actor, at: dt.datetime) -> LevelScheme:
    """Write the club's draft anew; level 1 comes first. Raises InvalidInput."""
    check([(rung.name, rung.threshold) for rung in rungs])
    with transaction.atomic():
        Club.objects.select_for_update().get(pk=club.pk)
        scheme, _made = LevelScheme.objects.get_or_create(
            club=club, status=LevelScheme.Status.DRAFT, defaults={"created_at": at}
        )
        scheme.basis = basis
        scheme.save(update_fields=["basis"])
        scheme.levels.all().delete()
        Level.objects.bulk_create(
            [Level(scheme=scheme, number=number, **rung._asdict()) for number, rung in enumerate(rungs, 1)]
        )
        audit.record(actor, "merchants.levels.draft", scheme, gettext("Drafted levels of %s") % club, at)
        return scheme


def check(rungs: Sequence[tuple[str, int]]) -> None:
    """Whether (name, threshold) pairs, lowest first, make levels. Raises InvalidInput that says which and why."""
    errors = []

    def refuse(place: int, field: str, detail) -> None:
        errors.append({"pointer": f"/levels/{place}/{field}", "code": "invalid", "detail": str(detail)})

    if not 1 <= len(rungs) <= MOST:
        errors.append({"pointer": "/levels", "code": "invalid", "detail": gettext("One to five levels.")})
    for place, (name, threshold) in enumerate(rungs):
        if not 1 <= len(name.strip()) <= LONGEST_NAME:
            refuse(place, "name", _("A name of one to five characters."))
        if place == 0 and threshold != 0:
            refuse(place, "threshold", _("Level 1 is for everybody who joins: from 0."))
        if place and threshold <= rungs[place - 1][1]:
            refuse(place, "threshold", _("Each level asks for more than the one below it."))
    names = [name.strip() for name, _threshold in rungs]
    if len(set(names)) < len(names):
        errors.append({"pointer": "/levels", "code": "invalid", "detail": gettext("Two levels have the same name.")})
    if errors:
        raise InvalidInput("; ".join(dict.fromkeys(error["detail"] for error in errors)), errors=errors)


def preview(club: Club, basis: str, rungs: Sequence[Level]) -> list[Shift]:
    """Where the cards that are open now would come to by levels that need not be saved; one query."""
    rows = Card.objects.filter(club=club, status=Card.Status.ACTIVE).annotate(after=levels.level_by(rungs, basis))
    shifts = rows.values("level", "after").annotate(cards=Count("pk")).order_by("level", "after")
    return [Shift(row["level"], row["after"], row["cards"]) for row in shifts]


def publish(scheme: LevelScheme, *, actor: audit.Actor, at: dt.datetime) -> LevelScheme:
    """Put a draft in force from the next local day; in a membership that never opened, from today.

    Raises NotADraft, LevelsChangedLately, CampaignRunning, InvalidInput.
    """
    with transaction.atomic():
        scheme = lock(scheme)
        club = scheme.club
        if scheme.status != LevelScheme.Status.DRAFT:
            raise NotADraft
        check(list(scheme.levels.order_by("number").values_list("name", "threshold")))
        today = clock.local_date(at)
        if club.status == Club.Status.DRAFT:
            LevelScheme.objects.filter(club=club, status=LevelScheme.Status.PUBLISHED, effective_on=today).delete()
            scheme.effective_on = today
        else:
            _check_season(club, at)
            scheme.effective_on = today + dt.timedelta(days=1)
        scheme.status, scheme.published_at, scheme.published_by = LevelScheme.Status.PUBLISHED, at, actor.staff
        scheme.save(update_fields=["status", "effective_on", "published_at", "published_by"])
        summary = gettext("Published levels of %(club)s, in force from %(day)s") % {
            "club": club, "day": scheme.effective_on.isoformat(),
        }  # fmt: skip
        audit.record(actor, "merchants.levels.publish", scheme, summary, at)
        return scheme


def lock(scheme: LevelScheme) -> LevelScheme:
    """The scheme as it stands, after its membership, which everybody holds who drafts. Only in a transaction."""
    Club.objects.select_for_update().get(pk=scheme.club_id)
    return LevelScheme.objects.select_for_update(of=("self",)).select_related("club").get(pk=scheme.pk)


def _check_season(club: Club, at: dt.datetime) -> None:
    """The rules about changing rules."""
    newest = levels.latest(club)
    if newest and newest.published_at:
        next_on = clock.local_date(newest.published_at) + dt.timedelta(days=DAYS_BETWEEN)
        if clock.local_date(at) < next_on:
            raise LevelsChangedLately(
                _("Levels can be changed once in 30 days: the next time on %s.") % next_on.isoformat(),
                next_on=next_on.isoformat(),
            )
    if campaigns.running(club, at):
        raise CampaignRunning


def relevel(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Bring every open card to the level that the rules of the day `as_of` begins give its balances. Safe to run twice."""
    clubs = LevelScheme.objects.filter(status=LevelScheme.Status.PUBLISHED).values("club")
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(_open_cards().filter(club__in=clubs), CARDS_PER_CHUNK, by="id"),
        work=lambda first, last: _relevel_span(first, last, as_of, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def _open_cards():
    frozen = Club.Status.CLOSED
    return Card.objects.filter(status=Card.Status.ACTIVE).exclude(club__status=frozen)


def _relevel_span(first: int, last: int, as_of: dt.datetime, at: dt.datetime) -> dict[str, int]:
    """Only cards on a wrong level travel."""
    day = clock.local_date(as_of)
    wrong = _with_due(_open_cards().filter(pk__gte=first, pk__lte=last), day).exclude(level=F("due"))
    locked = {card.pk: card for card in cards.lock(wrong.values_list("pk", flat=True))}
    # What they have reached is read anew under the lock: an order may have come in between.
    due = dict(_with_due(Card.objects.filter(pk__in=locked), day).values_list("pk", "due"))
    moved = [card for card in locked.values() if card.level != due[card.pk]]
    events, facts = [], []
    for card in moved:
        before, card.level = card.level, due[card.pk]
        words = {"before": str(before), "after": str(card.level), "reference": f"night:{day.isoformat()}"}
        events.append(CardEvent(card=card, kind=CardEvent.Kind.LEVEL, at=at, **words))
        facts.append(cards.level_fact(card, before, card.level))
    if moved:
        sql.update_rows(moved, ["level"])
        CardEvent.objects.bulk_create(events)
        outbox.publish(facts, at)
    risen = sum(fact.after > fact.before for fact in facts)
    return {"risen": risen, "fallen": len(facts) - risen}


def _with_due(rows, day: dt.date):
    """Cards with the level that their balances have reached by the scheme in force on a day."""
    published = LevelScheme.objects.filter(status=LevelScheme.Status.PUBLISHED, effective_on__lte=day)
    scheme = published.filter(club=OuterRef("club")).order_by("-effective_on")
    rows = rows.annotate(scheme=Subquery(scheme.values("pk")[:1]))
    reached = {
        basis: Level.objects.filter(scheme=OuterRef("scheme"), scheme__basis=basis, threshold__lte=OuterRef(figure))
        for basis, figure in ((LevelScheme.Basis.AMOUNT, "spent"), (LevelScheme.Basis.ORDERS, "orders"))
    }
    highest = [Subquery(found.order_by("-number").values("number")[:1]) for found in reached.values()]
    return rows.filter(scheme__isnull=False).annotate(due=Coalesce(*highest, 1))
