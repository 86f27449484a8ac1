"""Games as a member meets them: what is on, and why she may not play."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Max, Q, QuerySet

from common import clock
from members.models import Member
from members.selectors import kin
from rewards.models import Game, GameVersion, Play, SeedPeriod


@dataclass(frozen=True, slots=True)
class Played:
    """How often a member has played a game: today (the programme's local day), and ever."""

    today: int = 0
    ever: int = 0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a member may not play now: a stable code, and numbers that go with it."""

    code: str
    extra: dict


def active() -> QuerySet[GameVersion]:
    """The versions in force, with their games; whether their time has come is another question."""
    return (
        GameVersion.objects.filter(status=GameVersion.Status.ACTIVE)
        .select_related("game")
        .prefetch_related("prizes", "seed_periods")
        .order_by("game__name")
    )


def commitment(version: GameVersion) -> str:
    """The commitment of the open seed, of a version read by `active`; empty if there is none."""
    return next((period.commitment for period in version.seed_periods.all() if period.closed_at is None), "")


def of_member(member: Member) -> QuerySet[Play]:
    """The plays of a member, and of those who were merged into the member (domain.md E58)."""
    return Play.objects.filter(member__in=kin.ids(member.pk))


def played(member: Member, games: list[Game] | None, at: dt.datetime) -> dict[int, Played]:
    """How often a member, under any name, has played some games (None: any), by game; one query."""
    plays = of_member(member)
    if games is not None:
        plays = plays.filter(game__in=games)
    today = Count("pk", filter=Q(played_on=clock.local_date(at)))
    rows = plays.order_by().values("game").annotate(today=today, ever=Count("pk")).values_list("game", "today", "ever")
    return {game: Played(today, ever) for game, today, ever in rows}


def reasons(version: GameVersion, played: Played, available: int, at: dt.datetime) -> list[Reason]:
    """Why somebody who has so many points and has played so often may not play; empty if she may."""
    found = []
    if at < version.starts_at:
        found.append(Reason("not_started", {"starts_at": clock.written(version.starts_at)}))
    if at >= version.ends_at:
        found.append(Reason("over", {"ended_at": clock.written(version.ends_at)}))
    if version.tickets_most is not None and version.tickets_sold >= version.tickets_most:
        found.append(Reason("sold_out", {}))
    if version.daily_limit is not None and played.today >= version.daily_limit:
        tomorrow = clock.day_end(clock.local_date(at))
        found.append(Reason("daily_limit", {"limit": version.daily_limit, "again_at": clock.written(tomorrow)}))
    if version.lifetime_limit is not None and played.ever >= version.lifetime_limit:
        found.append(Reason("lifetime_limit", {"limit": version.lifetime_limit}))
    if available < version.stake:
        found.append(Reason("insufficient_points", {"missing": version.stake - available}))
    return found


def next_nonce(period: SeedPeriod, member: Member, client_seed: str) -> int:
    """The number of the next play of a seed period, from 1: after the member's own, and after all with the same client seed.

    So nothing is drawn twice, or one account would tell what the next one wins. Certain under the member's lock, but for
    two members who name one client seed at once: the database keeps one of them (play_draw_once).
    """
    before = Play.objects.filter(Q(member=member) | Q(client_seed=client_seed), period=period)
    return (before.aggregate(last=Max("nonce"))["last"] or 0) + 1
