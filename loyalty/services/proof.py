"""The proof: every invariant of the ledger checked in SQL, with the offenders named.

Nothing is repaired here. A repair is a further entry, made by a person (adjustments.py).
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from common.models import JobRun, Staff
from common.services import jobs
from loyalty.models.proofs import Proof
from loyalty.models.wallets import Wallet
from loyalty.services import invariants
from loyalty.services.invariants import Invariant

JOB = "prove"
SAMPLE = 20

_ACCOUNT_KINDS = {"account", "entry", "lot", "draw", "hold"}


@dataclass(frozen=True)
class Finding:
    """How many break an invariant, and the first of them: kind, key, detail, and the member where there is one."""

    offenders: int
    sample: list[dict[str, str]]


def prove(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Check every invariant as the database is now and keep a Proof of each; the run counts proofs and offenders.

    `as_of` only names the run. Each invariant is one statement and so one consistent view, whatever is written meanwhile.
    """
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: [(number, number) for number in range(len(invariants.ALL))],
        work=lambda number, _last: _prove_one(invariants.ALL[number], as_of),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def _prove_one(invariant: Invariant, as_of: dt.datetime) -> dict[str, int]:
    started = time.perf_counter()
    finding = check(invariant)
    Proof.objects.create(
        run=JobRun.objects.get(job=JOB, as_of=as_of),
        invariant=invariant.name,
        offenders=finding.offenders,
        sample=finding.sample,
        duration_ms=round((time.perf_counter() - started) * 1000),
    )
    return {"proofs": 1, "red": min(finding.offenders, 1), "offenders": finding.offenders}


def check(invariant: Invariant, sample: int = SAMPLE) -> Finding:
    """Ask the database who breaks an invariant; one statement, and one for members' names if somebody does."""
    offenders = invariant.sql.format(**_expressions())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) OVER (), kind, key, detail FROM ({offenders}) o LIMIT {sample:d}")
        rows = cursor.fetchall()
    found = [{"kind": kind, "key": key, "detail": detail} for _count, kind, key, detail in rows]
    return Finding(rows[0][0] if rows else 0, _named(found))


def _named(found: list[dict[str, str]]) -> list[dict[str, str]]:
    """Say whose account it is, so that support can look the member up."""
    accounts = {
        position: int(offender["key"].split("/")[0])
        for position, offender in enumerate(found)
        if offender["kind"] in _ACCOUNT_KINDS
    }
    if accounts:
        wallets = Wallet.objects.filter(account__in=accounts.values())
        names = dict(wallets.values_list("account_id", "member__external_id"))
        for position, account_id in accounts.items():
            if account_id in names:
                found[position]["member"] = names[account_id]
    return found


def _expressions() -> dict[str, str]:
    """Where the databases differ: the local day of an instant, and what a JSON column says."""
    if connection.vendor == "postgresql":
        return {
            "local_day_of_lot": f"CAST(CAST(l.earned_at AT TIME ZONE '{settings.TIME_ZONE}' AS date) AS text)",
            "reference_of_fact": "f.payload ->> 'reference'",
            "points_of_fact": "CAST(f.payload ->> 'points' AS bigint)",
        }
    return {
        # The function is Django's own: it is what TruncDate compiles to.
        "local_day_of_lot": f"django_datetime_cast_date(l.earned_at, '{settings.TIME_ZONE}', 'UTC')",
        "reference_of_fact": "json_extract(f.payload, '$.reference')",
        "points_of_fact": "json_extract(f.payload, '$.points')",
    }
