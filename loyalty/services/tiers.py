"""Tiers as time goes by: reviews that are due, a new ladder that comes into force, the ranking (F3–F5, E44–E47).

Set-based: each pass judges all members who are due at the same instant and writes entries, changes, facts and standings
in one statement on PostgreSQL. An instant that was missed is made up for in order; nothing is deducted twice, because
the standing itself says when it is due next.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.db import connection
from django.db.models import Min, Q, QuerySet

from common import clock
from common.models import JobRun, Staff
from common.services import jobs
from loyalty.models import Ladder, Programme, Standing, Tier
from loyalty.selectors import programme as programmes
from loyalty.selectors import spans
from loyalty.services import judgement, ladders
from loyalty.services.judgement import instant
from loyalty.services.ladders import CompiledLadder, Terms
from members.models import Member

JOB = "review-tiers"
MEMBERS_PER_CHUNK = 10_000

# Written in this order, each statement still finds what `judged` is computed from; PostgreSQL runs them as one.
_STEPS = (
    """
    INSERT INTO loyalty_growthentry
        (member_id, seq, kind, criterion, base, percent, asked, delta, balance_after, occurred_on, at, reference, ladder_id)
    SELECT member_id, version + 1, '{kind}', 'time', 0, 100, asked, left_growth - growth, left_growth, {day}, {at},
           '{reference}', {ladder}
    FROM judged WHERE left_growth <> growth
    """,
    """
    INSERT INTO loyalty_tierchange
        (member_id, before_id, after_id, reason, growth, at, until, is_provisional, ladder_id, reference, note)
    SELECT member_id, tier_before, tier_after, reason, left_growth, {at}, until_at, false, {ladder}, '{reference}', ''
    FROM judged WHERE tier_after IS DISTINCT FROM tier_before
    """,
    """
    INSERT INTO common_fact (uuid, topic, key, payload, at)
    SELECT {uuid}, 'tier.changed', m.external_id,
           {json}('before', {before}, 'after', {after}, 'reason', reason, 'growth', left_growth / 100, 'until', {until}),
           {at}
    FROM judged JOIN members_member m ON m.id = judged.member_id
    WHERE {among_members} AND tier_after IS DISTINCT FROM tier_before AND tier_before IS NOT NULL
    """,
    """
    UPDATE loyalty_standing
    SET growth = judged.left_growth,
        version = loyalty_standing.version + CASE WHEN judged.left_growth <> judged.growth THEN 1 ELSE 0 END,
        ladder_id = {ladder}, tier_id = judged.tier_after,
        tier_since = CASE WHEN judged.tier_after IS DISTINCT FROM judged.tier_before THEN {at}
                          ELSE loyalty_standing.tier_since END,
        tier_until = judged.until_at, in_grace = judged.in_grace, override_until = judged.override_until,
        reckoned_on = judged.reckoned_on, due_at = judged.due_at
    FROM judged WHERE loyalty_standing.member_id = judged.member_id AND {among_standings}
    """,
)
_COUNT = """
SELECT count(*), COALESCE(sum(CASE WHEN reviewed THEN 1 ELSE 0 END), 0),
       COALESCE(sum(CASE WHEN rank_after > rank_before THEN 1 ELSE 0 END), 0),
       COALESCE(sum(CASE WHEN rank_after < rank_before THEN 1 ELSE 0 END), 0),
       COALESCE(sum(growth - left_growth), 0) / 100
FROM judged
"""
_NAMES = ("standings", "reviewed", "up", "down", "growth taken")


@dataclass(frozen=True, slots=True)
class Night:
    """What is to be done: under which ladders, up to when, and up to when reviews are approved."""

    terms: Terms[CompiledLadder]
    as_of: dt.datetime
    approved: dt.datetime


def review(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Do what is due by `as_of` for all members. Safe to stop, to repeat and to run twice; missed nights are made up for.

    If reviews wait for approval, only what has been approved is done.
    """
    programme = programmes.current()
    night = Night(ladders.load(programme).ladders, as_of, approved(programme, as_of))
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(_waiting(night), MEMBERS_PER_CHUNK, by="member_id"),
        work=lambda first, last: _review_span(night, first, last),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def is_due(as_of: dt.datetime) -> bool:
    """Whether there is anything to do by `as_of`."""
    programme = programmes.current()
    return _waiting(Night(ladders.load(programme).ladders, as_of, approved(programme, as_of))).exists()


def approved(programme: Programme, as_of: dt.datetime) -> dt.datetime:
    """Up to when reviews may be carried out."""
    if not programme.review_needs_approval:
        return as_of
    return min(as_of, programme.reviews_approved_until or dt.datetime.min.replace(tzinfo=dt.UTC))


def catch_up(member_ids: Collection[int], as_of: dt.datetime) -> Counter[str]:
    """Do what is due by `as_of` for some members, whose accounts the caller has locked; return what was done."""
    programme = programmes.current()
    night = Night(ladders.load(programme).ladders, as_of, approved(programme, as_of))
    ids = ", ".join(str(int(pk)) for pk in member_ids)
    return _catch_up(night, f"{{member}} IN ({ids})", Q(member__in=member_ids))


def _waiting(night: Night) -> QuerySet[Standing]:
    """Who is due, and who still stands on another ladder than the one in force; nothing is due for who has left."""
    current = night.terms.at(night.as_of)
    if current is None:
        return Standing.objects.none()
    elsewhere = Q(ladder=None) | ~Q(ladder=current.ladder)
    return Standing.objects.filter(Q(due_at__lte=night.approved) | elsewhere & Q(member__status=Member.Status.ACTIVE))


def _review_span(night: Night, first: int, last: int) -> dict[str, int]:
    """One chunk: lock the accounts in id order, then read what is due (docs/locking.md)."""
    within = f"{{member}} BETWEEN {first:d} AND {last:d}"
    current = night.terms.at(night.as_of)
    if current is None or not _lock(within, current, night.approved):
        return {}
    return dict(_catch_up(night, within, Q(member_id__gte=first, member_id__lte=last)))


def _lock(within: str, current: CompiledLadder, until: dt.datetime) -> int:
    """Lock the accounts of those who wait, and count them: in the database, since nobody here asks who they are."""
    locking = "FOR UPDATE OF a" if connection.features.has_select_for_update_of else ""
    waits = f"(s.due_at <= {instant(until)} OR s.ladder_id IS DISTINCT FROM {current.ladder.pk})"
    with connection.cursor() as cursor:
        cursor.execute(f"""
            SELECT count(*) FROM (
                SELECT a.id
                FROM loyalty_standing s
                JOIN loyalty_wallet w ON w.member_id = s.member_id
                JOIN loyalty_account a ON a.id = w.account_id
                WHERE {within.format(member="s.member_id")} AND {waits}
                ORDER BY a.id {locking}
            ) locked
        """)
        return cursor.fetchone()[0]


def _catch_up(night: Night, who: str, query: Q) -> Counter[str]:
    """Go through the ladders that were in force up to `as_of`: what was due under each, then the change to the next.

    What ends at the very instant of a change was still promised by the former ladder.
    """
    done: Counter[str] = Counter()
    first = _first_due(query)
    begun = night.terms.begun(night.as_of)
    for place, (start, ladder) in enumerate(begun):
        is_last, key = place == len(begun) - 1, ladder.ladder.pk
        former = [begun[place - 1][1].ladder.pk] if place else []
        if is_last:
            # Whoever stands on none, or on one that is no more, comes straight to the ladder in force.
            former = sorted(pk for pk in first if pk is not None and pk != key)
            if None in first:
                done += _switch(ladder, night.as_of, who, "IS NULL")
        if first.keys() & set(former):
            done += _switch(ladder, start, who, f"IN ({', '.join(map(str, former))})")
        if done:
            first = _first_due(query)
        ends = night.as_of if is_last else begun[place + 1][0]
        while (at := first.get(key)) is not None and at <= min(ends, night.approved):
            done += _review(ladder, at, who, query)
            first = _first_due(query)
        if key in first and not is_last and ladder.ladder.decay == Ladder.Decay.HALF_LIFE:
            # Growth fades up to the change, not only up to the first of its month.
            Standing.objects.filter(query, ladder=ladder.ladder, growth__gt=0, due_at__gt=ends).update(due_at=ends)
            done += _review(ladder, ends, who, query)
    return done


def _first_due(query: Q) -> dict[int | None, dt.datetime | None]:
    """When the first of some standings is due, by the ladder they stand on."""
    standings = Standing.objects.filter(query).order_by().values("ladder_id")
    return dict(standings.annotate(first=Min("due_at")).values_list("ladder_id", "first"))


def _review(ladder: CompiledLadder, at: dt.datetime, who: str, query: Q) -> Counter[str]:
    """One pass: all that is due at one instant."""
    days: list[dt.date] = []
    if ladder.ladder.decay == Ladder.Decay.HALF_LIFE:
        days = reckoned(Standing.objects.filter(query, ladder=ladder.ladder, due_at__lte=at))
    due = f"{who.format(member='s.member_id')} AND s.ladder_id = {ladder.ladder.pk}"
    judged = judgement.review(ladder, at, who=due, days=days)
    return write(ladder, at, judged, judgement.TAKES[ladder.ladder.decay], who=who)


def reckoned(standings: QuerySet[Standing]) -> list[dt.date]:
    """The distinct days up to which decay is booked: what judgement.review asks for where growth halves."""
    found = standings.order_by().values_list("reckoned_on", flat=True).distinct()
    return [day for day in found if day is not None]


def _switch(ladder: CompiledLadder, at: dt.datetime, who: str, former: str) -> Counter[str]:
    # Who has left keeps the last ladder; nothing is due there any more.
    active = "EXISTS (SELECT 1 FROM members_member m WHERE m.id = s.member_id AND m.status = 'active')"
    ranks = dict(Tier.objects.values_list("pk", "rank"))
    coming = f"{who.format(member='s.member_id')} AND s.ladder_id {former} AND {active}"
    return write(ladder, at, judgement.switch(ladder, at, who=coming, ranks=ranks), "ladder", who=who)


def write(ladder: CompiledLadder, at: dt.datetime, judged: str, kind: str, *, who: str = "true") -> Counter[str]:
    """Write down what was judged as of `at`; entries of that `kind` and changes are dated with that instant.

    `who` says of a `{member}` whether it may be among the judged: a join then reads no more than a chunk of each table.
    """
    on = clock.local_date(at)
    codes = {step.tier.pk: step.tier.code for step in ladder.steps}
    known = dict(Tier.objects.values_list("pk", "code"))
    untils = {step.tier.pk: ladder.valid_until(step, on) for step in ladder.steps}
    postgresql = connection.vendor == "postgresql"
    values = {
        "kind": kind,
        "day": judgement.day(on),
        "at": instant(at),
        "reference": f"{'ladder' if kind == 'ladder' else 'review'}:{on}",
        "ladder": ladder.ladder.pk,
        "among_members": who.format(member="m.id"),
        "among_standings": who.format(member="loyalty_standing.member_id"),
        "uuid": "gen_random_uuid()" if postgresql else "lower(hex(randomblob(16)))",
        "json": "jsonb_build_object" if postgresql else "json_object",
        "before": _named("tier_before", known),
        "after": _named("tier_after", codes),
        "until": _named("tier_after", {pk: until.isoformat() for pk, until in untils.items() if until}),
    }
    steps = [step.format(**values) for step in _STEPS]
    with connection.cursor() as cursor:
        if postgresql:
            parts = "".join(f", step_{number} AS ({step})" for number, step in enumerate(steps))
            cursor.execute(f"WITH {judged} {parts} {_COUNT}")
            counts = cursor.fetchone()
        else:
            cursor.execute(f"WITH {judged} {_COUNT}")
            counts = cursor.fetchone()
            for step in steps:
                cursor.execute(f"WITH {judged} {step}")
    return Counter({name: int(count) for name, count in zip(_NAMES, counts, strict=True)})


def _named(column: str, names: dict[int, str]) -> str:
    # Codes are slugs: nothing in them needs quoting.
    whens = " ".join(f"WHEN {pk} THEN '{name}'" for pk, name in names.items())
    return f"CASE {column} {whens} END" if whens else "NULL"
