"""What a risk rule would have done, told from the counters that are there, before it does it."""

from __future__ import annotations

import datetime as dt
from collections import deque
from dataclasses import dataclass, field

from members.models import RiskRefusal, RiskRuleVersion, RiskTally
from members.services import risk_tallies

SPAN = dt.timedelta(days=30)
_EXAMPLES = 5


@dataclass
class Preview:
    """Of so many attempts in the last 30 days so many would have been met, at most: conditions are not looked at.

    `seen` are those that a shadow has really met (conditions looked at), None if it never ran.
    """

    attempts: int = 0
    met: int = 0
    examples: list[tuple[str, int]] = field(default_factory=list)
    seen: int | None = None


def of(version: RiskRuleVersion, at: dt.datetime) -> Preview:
    """Replay the counters of the action with the version's limit and window. Two statements, rows are streamed."""
    since = at - SPAN
    preview, start = Preview(), risk_tallies.millis(since)
    tallies = RiskTally.objects.filter(action=version.action, counter=version.counter, last_at__gt=since)
    by_subject: list[tuple[int, str]] = []
    for subject, times in tallies.values_list("subject", "times").iterator(chunk_size=1000):
        recent = [time for time in times if time > start]
        met = _replay(recent, version.limit, version.window_minutes * 60_000)
        preview.attempts += len(recent)
        preview.met += met
        if met:
            by_subject.append((met, subject))
    preview.examples = [(subject, met) for met, subject in sorted(by_subject, reverse=True)[:_EXAMPLES]]
    if version.mode != RiskRuleVersion.Mode.DRAFT:
        preview.seen = RiskRefusal.objects.filter(version=version, at__gt=since).count()
    return preview


def _replay(times: list[int], limit: int, window: int) -> int:
    """How many of these instants a limit in a rolling window would have met; those it meets do not count."""
    passed: deque[int] = deque()
    met = 0
    for time in times:
        while passed and passed[0] <= time - window:
            passed.popleft()
        if len(passed) >= limit:
            met += 1
        else:
            passed.append(time)
    return met
