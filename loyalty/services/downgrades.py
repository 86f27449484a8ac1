"""Members are warned of a tier they are about to lose: loss aversion keeps them active (domain.md S2-38)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import connection
from django.db.models import F, Q, QuerySet

from common import clock
from common.models import JobRun, Staff
from common.services import jobs, outbox
from loyalty import facts
from loyalty.models import Standing
from loyalty.models.standings import HUNDREDTHS
from loyalty.selectors import programme as programmes
from loyalty.selectors import spans
from loyalty.services import judgement, ladders, tiers
from loyalty.services.ladders import CompiledLadder
from members.models import Member

JOB = "warn-of-downgrades"
MEMBERS_PER_CHUNK = 5000


def warn(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun | None:
    """Publish tier.will_downgrade once for each review within the ladder's `warn_days` that would take a tier.

    What the review would do is computed by the review's own text, as if it were held now. None without a ladder that warns.
    """
    ladder = _warning(as_of)
    if ladder is None:
        return None
    near = _near(ladder, as_of)
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(near, MEMBERS_PER_CHUNK, by="member_id"),
        work=lambda first, last: _warn_span(ladder, near.filter(member__gte=first, member__lte=last), at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def is_due(as_of: dt.datetime) -> bool:
    """Whether any review is near of which members have not been warned."""
    ladder = _warning(as_of)
    return ladder is not None and _near(ladder, as_of).exists()


def _warning(as_of: dt.datetime) -> CompiledLadder | None:
    """The ladder in force, if it warns."""
    ladder = ladders.load(programmes.current()).ladders.at(as_of)
    return ladder if ladder is not None and ladder.ladder.warn_days and not ladder.ladder.by_rank else None


def _near(ladder: CompiledLadder, as_of: dt.datetime) -> QuerySet[Standing]:
    """Standings to be reviewed soon whose members have not been warned of that review."""
    horizon = clock.day_start(clock.local_date(as_of) + dt.timedelta(days=ladder.ladder.warn_days))
    return Standing.objects.filter(
        Q(warned_for=None) | ~Q(warned_for=F("tier_until")),
        ladder=ladder.ladder,
        tier_until__gt=as_of,
        tier_until__lte=horizon,
        override_until=None,
        member__status=Member.Status.ACTIVE,
    )


def _warn_span(ladder: CompiledLadder, near: QuerySet[Standing], at: dt.datetime) -> dict[str, int]:
    warned = 0
    reviews = near.values_list("tier_until", flat=True).distinct().order_by("tier_until")
    for until in [at for at in reviews if at is not None]:
        members = list(near.filter(tier_until=until).order_by("member").values_list("member_id", flat=True))
        warnings = _warnings(ladder, until, members)
        Standing.objects.filter(member__in=members, tier_until=until).update(warned_for=until)
        outbox.publish(warnings, at)
        warned += len(warnings)
    return {"warnings": warned}


def _warnings(ladder: CompiledLadder, until: dt.datetime, members: list[int]) -> list[facts.TierWillDowngrade]:
    steps = {step.rank: step for step in ladder.steps}
    who = f"s.member_id IN ({', '.join(map(str, members))}) AND s.tier_until = {judgement.instant(until)}"
    judged = judgement.review(ladder, until, who=who, days=tiers.reckoned(Standing.objects.filter(member__in=members)))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH {judged} SELECT m.external_id, judged.rank_before, judged.growth, judged.aged_growth
            FROM judged JOIN members_member m ON m.id = judged.member_id
            WHERE judged.rank_after < judged.rank_before OR judged.in_grace ORDER BY m.id
            """
        )
        rows = cursor.fetchall()
    return [
        facts.TierWillDowngrade(
            key=external_id,
            tier=steps[rank].tier.code,
            on=clock.local_date(until).isoformat(),
            growth=growth // HUNDREDTHS,
            deduction=(growth - left) // HUNDREDTHS,
            missing=-((left - steps[rank].threshold) // HUNDREDTHS),
        )
        for external_id, rank, growth, left in rows
    ]
