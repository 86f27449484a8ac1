"""The risk rules at hand: read by every guarded action, so they are kept in memory for some seconds."""

from __future__ import annotations

import datetime as dt
import time
from collections import defaultdict
from collections.abc import Iterable

from django.conf import settings
from django.db.models import Q

from members.models import RiskListing, RiskRuleVersion
from members.models.risk_words import Action

Mode = RiskRuleVersion.Mode

LATE = dt.timedelta(days=31)
"""Events that come later than this are not held against lists that have ended."""


class Book:
    """All versions in force and in shadow, and for which actions anybody is listed."""

    def __init__(self, versions: Iterable[RiskRuleVersion] = (), listed: Iterable[str] = ()):
        self.listed = frozenset(listed)
        self._by_action: dict[str, list[RiskRuleVersion]] = defaultdict(list)
        for version in versions:
            self._by_action[version.action].append(version)
        for rules in self._by_action.values():
            rules.sort(key=lambda version: (version.rule_id, -version.number))

    @property
    def is_empty(self) -> bool:
        return not self.listed and not self._by_action

    def guards(self, action: str) -> bool:
        """Whether anything has to be asked about an action."""
        return action in self.listed or action in self._by_action

    def in_force(self, action: str, at: dt.datetime) -> list[RiskRuleVersion]:
        """For an action at an instant: of each rule, the newest version in force, and the newest in shadow."""
        found: dict[tuple[int, str], RiskRuleVersion] = {}
        for version in self._by_action.get(action, ()):
            if version.effective_from <= at and (version.rule_id, version.mode) not in found:
                found[version.rule_id, version.mode] = version
        return [
            version for version in found.values() if version.effective_until is None or at < version.effective_until
        ]

    def windows(self, action: str, counter: str) -> list[int]:
        """The windows in minutes that any rule asks of a counter."""
        return [rule.window_minutes for rule in self._by_action.get(action, ()) if rule.counter == counter]


_cached: tuple[float, Book] | None = None


def book(at: dt.datetime) -> Book:
    """The rules as of some seconds before `at` (settings.RISK_RULES_SECONDS); what this process changes it sees at once."""
    global _cached
    cached = _cached
    if cached is None or time.monotonic() - cached[0] > settings.RISK_RULES_SECONDS:
        _cached = cached = (time.monotonic(), _read(at))
    return cached[1]


def _read(at: dt.datetime) -> Book:
    """Two statements. Late events are judged by what was listed when they happened, within reason."""
    versions = RiskRuleVersion.objects.filter(mode__in=[Mode.SHADOW, Mode.ACTIVE]).select_related("rule")
    recent = Q(ends_at=None) | Q(ends_at__gt=at - LATE)
    listed: set[str] = set()
    for actions in RiskListing.objects.filter(recent).order_by().values_list("actions", flat=True).distinct():
        listed |= set(actions) or set(Action.values)
    return Book(versions, listed)


def keep(new: Book | None) -> None:
    """Take a book as read just now; None has it read again at the next question."""
    global _cached
    _cached = None if new is None else (time.monotonic(), new)
