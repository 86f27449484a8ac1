"""How much a rule may still give: caps per day, month and member, campaign budgets, funders' purses.

Read for all accounts of a desk at once, kept in memory, written back with it. Accounts, campaigns and purses are locked,
so two requests never give the same headroom twice.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Q

from common import clock, sql
from loyalty.models import Account, Campaign, CapCounter, EarningRuleVersion, Shortfall
from loyalty.services import ledger
from loyalty.services.ledger import Book

Reason = Shortfall.Reason
_EVER = "ever"


@dataclass(frozen=True, slots=True)
class AccountCaps:
    """What rules may still give to one account."""

    caps: Caps
    account_id: int

    def left(self, version: EarningRuleVersion, at: dt.datetime) -> list[tuple[int, str]]:
        return self.caps.headroom(self.account_id, version, at)

    def take(self, version: EarningRuleVersion, at: dt.datetime, points: int) -> None:
        self.caps.use(self.account_id, version, at, points)


class Caps:
    """The used caps of some accounts. `times` are the instants of the events at hand: they decide the windows."""

    def __init__(self, book: Book, times: list[dt.datetime]):
        self._book = book
        self._times = times
        self._counters: dict[tuple[int, int, str], CapCounter] = {}
        self._read: set[str] = set()
        self._changed: dict[tuple[int, int, str], CapCounter] = {}
        self._campaigns: dict[int, Campaign] = {}
        self._spent: set[int] = set()
        self._promised: Counter[int] = Counter()
        self._is_batch = len(times) > 2  # now, and when the one event happened

    def of(self, account_id: int) -> AccountCaps:
        """The limits of one account, for earning.evaluate."""
        return AccountCaps(self, account_id)

    def headroom(self, account_id: int, version: EarningRuleVersion, at: dt.datetime) -> list[tuple[int, str]]:
        """What is left under each limit of a version, with the reason to name if it binds."""
        limits = self.own(account_id, version, at)
        if version.campaign_id:
            campaign = self._campaign(version.campaign_id)
            if campaign.funder_id:
                self._book.settle(campaign.funder_id)
            purse = self._book.accounts[campaign.funder_id] if campaign.funder_id else None
            limits += _shared(campaign, purse, self._promised[campaign.funder_id or 0])
        return limits

    def own(self, account_id: int, version: EarningRuleVersion, at: dt.datetime) -> list[tuple[int, str]]:
        """What is left under the caps that a version has for each account."""
        return [
            (cap - self._used(account_id, version.rule_id, window), reason)
            for cap, window, reason in windows(version, at)
        ]

    def use(self, account_id: int, version: EarningRuleVersion, at: dt.datetime, points: int) -> None:
        """Count points that were given (or, negative, taken back: headroom returns for the future, E13)."""
        for _cap, window, _reason in windows(version, at):
            key = (account_id, version.rule_id, window)
            counter = self._find(key) or CapCounter(account_id=account_id, rule_id=version.rule_id, window=window)
            counter.used = max(counter.used + points, 0)
            self._counters[key] = self._changed[key] = counter
        if version.campaign_id and points > 0:
            campaign = self._campaign(version.campaign_id)
            campaign.spent += points
            self._spent.add(campaign.pk)
            if campaign.funder_id:
                self._promised[campaign.funder_id] += points

    def paid(self, funder_id: int, points: int) -> None:
        """A purse has paid what it had promised."""
        self._promised[funder_id] -= points

    def _used(self, account_id: int, rule_id: int, window: str) -> int:
        counter = self._find((account_id, rule_id, window))
        return counter.used if counter else 0

    def expect(self, times: Iterable[dt.datetime]) -> None:
        """Further instants whose windows will be asked for, so that they are read together."""
        self._times.extend(times)

    def _find(self, key: tuple[int, int, str]) -> CapCounter | None:
        if key[2] not in self._read:
            windows = {_EVER, key[2], *(window for at in self._times for window in _names(at))} - self._read
            counters = CapCounter.objects.filter(account_id__in=list(self._book.accounts), window__in=windows)
            self._counters.update({(c.account_id, c.rule_id, c.window): c for c in counters})
            self._read |= windows
        return self._counters.get(key)

    def _campaign(self, campaign_id: int) -> Campaign:
        """The hot rows come last, in id order: campaigns, then the purses that fund them.

        A batch takes all active ones at once, as its events may ask for them in any order. A single event takes the one
        that is asked for with those of the same purse, so that no merchant's orders wait for another's (docs/locking.md).
        """
        if campaign_id not in self._campaigns:
            asked = Q(pk=campaign_id) | Q(status=Campaign.Status.ACTIVE)
            if not self._is_batch:
                funder = Campaign.objects.filter(pk=campaign_id, funder__isnull=False).values("funder")
                asked &= Q(pk=campaign_id) | Q(funder__in=funder)
            campaigns = list(Campaign.objects.select_for_update().filter(asked).order_by("pk"))
            self._campaigns |= {campaign.pk: campaign for campaign in campaigns if campaign.pk not in self._campaigns}
            funders = {campaign.funder_id for campaign in campaigns if campaign.funder_id}
            self._book.include(ledger.lock(funders - self._book.accounts.keys()))
        return self._campaigns[campaign_id]

    def close(self) -> None:
        """Write what was used."""
        if self._changed:
            CapCounter.objects.bulk_create(
                self._changed.values(),
                update_conflicts=True,
                unique_fields=["account", "rule", "window"],
                update_fields=["used"],
            )
        if self._spent:
            sql.update_rows([self._campaigns[pk] for pk in sorted(self._spent)], ["spent"])


class Outlook:
    """The limits of one occasion as they stand, for who only asks: nothing is locked, and what is taken counts here alone.

    `campaigns` are those that rules may name, by id, read with their funders; `account_id` 0 is a member without an account.
    """

    def __init__(self, caps: Caps, account_id: int, campaigns: Mapping[int, Campaign]):
        self._caps, self._account_id, self._campaigns = caps, account_id, campaigns
        self._given: Counter[int] = Counter()
        self._promised: Counter[int] = Counter()

    def left(self, version: EarningRuleVersion, at: dt.datetime) -> list[tuple[int, str]]:
        limits = self._caps.own(self._account_id, version, at)
        if version.campaign_id:
            campaign = self._campaigns[version.campaign_id]
            promised = self._promised[campaign.funder_id or 0]
            limits += _shared(campaign, campaign.funder, promised, given=self._given[campaign.pk])
        return limits

    def take(self, version: EarningRuleVersion, at: dt.datetime, points: int) -> None:
        if version.campaign_id:
            self._given[version.campaign_id] += points
            self._promised[self._campaigns[version.campaign_id].funder_id or 0] += points


def _shared(campaign: Campaign, purse: Account | None, promised: int, *, given: int = 0) -> list[tuple[int, str]]:
    """What a campaign and the purse that pays for it have left, less what is on its way."""
    limits: list[tuple[int, str]] = []
    if campaign.status == Campaign.Status.UNDONE:
        # The rules were read before the lock; what is granted now no undoing would find any more.
        limits.append((0, Reason.CAMPAIGN_BUDGET))
    if campaign.budget is not None:
        limits.append((campaign.budget - campaign.spent - given, Reason.CAMPAIGN_BUDGET))
    if purse is not None:
        limits.append((0 if purse.closed_at else purse.available - promised, Reason.FUNDER_EMPTY))
    return limits


def _names(at: dt.datetime) -> tuple[str, str, str, str]:
    """The local day, month, quarter and year of an instant."""
    day = clock.local_date(at)
    return day.isoformat(), f"{day:%Y-%m}", f"{day.year}-Q{(day.month + 2) // 3}", str(day.year)


def windows(version: EarningRuleVersion, at: dt.datetime) -> list[tuple[int, str, str]]:
    """Each cap over time that a version has: how much, the window in which an instant lies, and the reason to name."""
    limits = (version.cap_day, version.cap_month, version.cap_quarter, version.cap_year, version.cap_member)
    if not any(limit is not None for limit in limits):
        return []
    names = (*_names(at), _EVER)
    reasons = (Reason.CAP_DAY, Reason.CAP_MONTH, Reason.CAP_QUARTER, Reason.CAP_YEAR, Reason.CAP_MEMBER)
    caps = zip(limits, names, reasons, strict=True)
    return [(cap, window, reason) for cap, window, reason in caps if cap is not None]
