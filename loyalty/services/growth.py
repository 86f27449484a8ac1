"""Growth of the members at a desk: what is given, what is taken back, and what that does to tiers at once (F1, F3, F11).

All of it in the transaction of the event, under the lock of the member's account; the growth ledger says every step.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common import clock
from loyalty import facts
from loyalty.models import (
    GrowthEntry,
    GrowthPolicy,
    Ladder,
    Order,
    OrderLine,
    Review,
    Standing,
    Tier,
    TierChange,
    Wallet,
)
from loyalty.models.standings import HUNDREDTHS
from loyalty.services import ladders
from loyalty.services.ladders import CompiledLadder, Standards, Step

if TYPE_CHECKING:
    from loyalty.services.desk import Desk

Kind, Criterion, Reason = GrowthEntry.Kind, GrowthEntry.Criterion, TierChange.Reason

# Which of the five criteria a source serves (domain.md S2-05); the fifth, quality, is the coefficient.
CRITERIA: dict[str, str] = {
    Kind.ORDER: Criterion.CONSUMPTION,
    Kind.DAYS: Criterion.FREQUENCY,
    Kind.LOGIN: Criterion.LOYALTY,
    Kind.REVIEW: Criterion.CONTENT,
    Kind.PHOTO: Criterion.CONTENT,
}


@dataclass(frozen=True, slots=True)
class Look:
    """Where a member stood at a moment."""

    growth: int
    tier: str | None


class GrowthBook:
    """Posts growth for the wallets of one desk. Nothing is written before the desk closes."""

    def __init__(self, desk: Desk, standards: Standards):
        self._desk = desk
        self._policies = standards.policies
        self.policy_by_id = standards.policy_by_id
        self.ladder: CompiledLadder | None = standards.ladders.at(desk.at)
        self.today = clock.local_date(desk.at)
        self._window_start = self.ladder.reckoned_on(self.today) if self.ladder else self.today

    def policy(self, at: dt.datetime) -> GrowthPolicy | None:
        """The growth policy for an event that happened at an instant."""
        return self._policies.at(at)

    def look(self, wallet: Wallet) -> Look:
        """Where the member stands today, for `effects`: what has faded is not the event's doing."""
        standing = wallet.member.standing
        return Look(self._left(standing) // HUNDREDTHS, standing.tier.code if standing.tier else None)

    def effects(self, before: Look, wallet: Wallet, *, returned: bool) -> dict[str, Any]:
        """What an event did to a member's standing, in the words of the API."""
        after = self.look(wallet)
        change = after.growth - before.growth
        growth = {"reversed": -change} if returned else {"added": change}
        return {"growth": growth, "tier": {"before": before.tier, "after": after.tier}}

    def give(
        self,
        wallet: Wallet,
        kind: str,
        base: int,
        policy: GrowthPolicy,
        at: dt.datetime,
        *,
        reference: str,
        order: Order | None = None,
        review: Review | None = None,
    ) -> GrowthEntry | None:
        """Give `base` >= 0 whole growth for something that happened at `at`; the coefficient in force multiplies it.

        Raises a tier at once where the threshold is reached. Growth without an order does not count before the first
        order if the policy says so.
        """
        if not base or (kind != Kind.ORDER and policy.activity_needs_order and not _has_ordered(wallet, at)):
            return None
        whole = policy.scope == GrowthPolicy.Scope.ALL or kind == Kind.ORDER
        percent = wallet.member.standing.coefficient_percent if whole else 100
        if not percent:
            return None
        entry = self._post(
            wallet,
            kind,
            CRITERIA[kind],
            base,
            percent,
            clock.local_date(at),
            reference=reference,
            order=order,
            review=review,
            policy=policy,
        )
        if kind != Kind.ORDER:
            self.climb(wallet, at, reference, provisional=False)
        return entry

    def take_back(self, wallet: Wallet, entry: GrowthEntry, base: int, *, reference: str) -> None:
        """Take back `base` > 0 of what an entry gave, at the coefficient of that entry (F11); never below nothing.

        It counts on the entry's own day, so that a window loses both together. A provisional upgrade that it undoes is
        taken back at once; any other tier is kept until its review (E10).
        """
        self._post(
            wallet,
            Kind.REVERSAL,
            entry.criterion,
            -base,
            entry.percent,
            entry.occurred_on,
            reference=reference,
            order=entry.order,
            review=entry.review,
            policy=self.policy_by_id.get(entry.policy_id or 0),
        )
        self._fall(wallet, reference)

    def close(self, wallet: Wallet, *, reference: str) -> None:
        """The member leaves: growth ends, nothing is reviewed any more (E59)."""
        if growth := wallet.member.standing.growth:
            self.post_time(wallet, Kind.CLOSE, -growth, self.today, reference=reference)
        self._desk.change(wallet.member.standing, due_at=None, tier_until=None, override_until=None)

    # Parts ----------------------------------------------------------------------------------------------------

    def _post(
        self,
        wallet: Wallet,
        kind: str,
        criterion: str,
        base: int,
        percent: int,
        day: dt.date,
        *,
        reference: str,
        **origin: Any,
    ) -> GrowthEntry:
        """Write one entry; time has its due first, so that what is added to growth is added to what is left of it."""
        self.keep_up(wallet)
        asked = base * percent
        return self._write(
            wallet, kind, criterion, base, percent, asked, self._counts(wallet, asked, day), day, reference, origin
        )

    def post_time(self, wallet: Wallet, kind: str, change: int, day: dt.date, *, reference: str) -> None:
        """Write an entry without a base: what time, a merge or leaving does, counted on a day."""
        self._write(wallet, kind, Criterion.TIME, 0, 100, change, change, day, reference, {})

    def _write(
        self,
        wallet: Wallet,
        kind: str,
        criterion: str,
        base: int,
        percent: int,
        asked: int,
        counted: int,
        day: dt.date,
        reference: str,
        origin: dict[str, Any],
    ) -> GrowthEntry:
        standing = wallet.member.standing
        delta = max(counted, -standing.growth)
        entry = GrowthEntry(
            member_id=standing.pk,
            seq=standing.version + 1,
            kind=kind,
            criterion=criterion,
            base=base,
            percent=percent,
            asked=asked,
            delta=delta,
            balance_after=standing.growth + delta,
            occurred_on=day,
            at=self._desk.at,
            reference=reference[:200],
            ladder=self.ladder.ladder if self.ladder else None,
            **origin,
        )
        self._desk.add(entry)
        values: dict[str, Any] = {"growth": entry.balance_after, "version": entry.seq}
        if delta > 0:
            values["grown_at"] = self._desk.at
        self._desk.change(standing, **values)
        self._schedule(standing)
        return entry

    def _counts(self, wallet: Wallet, asked: int, day: dt.date) -> int:
        """What an entry of some day counts now: nothing outside the window, what is left of it when growth fades."""
        reckoned_on = wallet.member.standing.reckoned_on
        if self.ladder is None or reckoned_on is None:
            return asked
        if self.ladder.ladder.decay == Ladder.Decay.WINDOW and day < max(reckoned_on, self._window_start):
            return 0
        if self.ladder.ladder.decay == Ladder.Decay.HALF_LIFE:
            left = ladders.faded(abs(asked), self.ladder.fading((reckoned_on - day).days))
            return left if asked > 0 else -left
        return asked

    def keep_up(self, wallet: Wallet) -> None:
        """Time has its due before growth changes: what halves is brought up to today, an empty window moves on (F5)."""
        standing, since = wallet.member.standing, wallet.member.standing.reckoned_on
        if self.ladder is None or since is None:
            return
        if self.ladder.ladder.decay == Ladder.Decay.WINDOW and not standing.growth and since < self._window_start:
            self._desk.change(standing, reckoned_on=self._window_start)
        if self.ladder.ladder.decay == Ladder.Decay.HALF_LIFE and since < self.today:
            change = self._left(standing) - standing.growth
            self._desk.change(standing, reckoned_on=self.today)
            if change:
                self.post_time(wallet, Kind.HALF_LIFE, change, self.today, reference=f"faded:{self.today}")

    def _left(self, standing: Standing) -> int:
        """What is left of growth today."""
        since = standing.reckoned_on
        if self.ladder is None or since is None or self.ladder.ladder.decay != Ladder.Decay.HALF_LIFE:
            return standing.growth
        return ladders.faded(standing.growth, self.ladder.fading((self.today - since).days))

    def _schedule(self, standing: Standing) -> None:
        if self.ladder is not None and (due_at := self.ladder.due_at(standing)) != standing.due_at:
            self._desk.change(standing, due_at=due_at)

    # Tiers ------------------------------------------------------------------------------------------------------

    def climb(self, wallet: Wallet, at: dt.datetime, reference: str, *, provisional: bool = True) -> None:
        """An upgrade takes effect at once, over several tiers if growth reaches so far: one change (E44).

        By an order of `at` it is provisional until the return window closes (E10, E11).
        """
        standing, ladder = wallet.member.standing, self.ladder
        if ladder is None or ladder.ladder.by_rank or standing.override_until is not None:
            return
        step = ladder.deserved_by(standing)
        if standing.tier is not None and step.rank <= standing.tier.rank:
            return
        if provisional:
            self.provide(standing, at + dt.timedelta(days=ladder.ladder.provisional_days), self.secure_tier(standing))
        self.change(wallet, step, ladder.valid_until(step, self.today), Reason.GROWTH, reference)

    def provide(self, standing: Standing, until: dt.datetime, fallback: Tier | None) -> None:
        """Make what comes now provisional until an instant, unless that has passed; `fallback` is sure."""
        if until > self._desk.at:
            if self.is_provisional(standing) and standing.provisional_until is not None:
                until = max(until, standing.provisional_until)
            self._desk.change(standing, provisional_until=until, provisional_tier=fallback)

    def secure_tier(self, standing: Standing) -> Tier | None:
        """The tier that no refund takes away before the review."""
        return standing.provisional_tier if self.is_provisional(standing) else standing.tier

    def _fall(self, wallet: Wallet, reference: str) -> None:
        standing, ladder = wallet.member.standing, self.ladder
        if ladder is None or standing.tier is None or standing.override_until or not self.is_provisional(standing):
            return
        fallback = ladder.nearest(standing.provisional_tier)
        step = max(ladder.deserved_by(standing), fallback, key=lambda step: step.rank)
        if step.rank < standing.tier.rank:
            self.change(wallet, step, ladder.valid_until(step, self.today), Reason.REFUND, reference)

    def is_provisional(self, standing: Standing) -> bool:
        """Whether the return window of the order that lifted a member is still open."""
        return standing.provisional_until is not None and standing.provisional_until > self._desk.at

    def change(self, wallet: Wallet, step: Step, until: dt.datetime | None, reason: str, reference: str) -> None:
        """Bring a member to a rung of the ladder in force, to be reviewed at `until`: history and fact."""
        standing, ladder = wallet.member.standing, self.ladder
        assert ladder is not None, "a tier changes on a ladder"
        before = standing.tier
        self._desk.change(standing, tier=step.tier, tier_since=self._desk.at, tier_until=until, in_grace=False)
        self._schedule(standing)
        self._desk.add(
            TierChange(
                member_id=standing.pk,
                before=before,
                after=step.tier,
                reason=reason,
                growth=standing.growth,
                at=self._desk.at,
                until=until,
                is_provisional=self.is_provisional(standing),
                ladder=ladder.ladder,
                reference=reference[:200],
            )
        )
        self._desk.publish(
            facts.TierChanged(
                key=wallet.member.external_id,
                before=before.code if before else None,
                after=step.tier.code,
                reason=reason,
                growth=standing.whole_growth,
                until=until.isoformat() if until else None,
            )
        )


def _has_ordered(wallet: Wallet, at: dt.datetime) -> bool:
    ordered_at = wallet.member.standing.ordered_at
    return ordered_at is not None and ordered_at <= at


def base_of(policy: GrowthPolicy, lines: Iterable[OrderLine]) -> int:
    """The growth, before the coefficient, that a policy gives for the cash kept of an order's lines (F1, E22, E24).

    Each sub-order (or the order as a whole) counts by itself: nothing below the least cash, then cash over the money
    unit, rounded down.
    """
    excluded = policy.excluded
    cash: dict[str, int] = {}
    for line in lines:
        if (line.is_virtual and policy.without_virtual) or line.category in excluded:
            continue
        part = line.store_code if policy.by_store else ""
        cash[part] = cash.get(part, 0) + line.cash - line.refunded_cash
    return sum(kept // policy.money_unit for kept in cash.values() if kept >= policy.min_order_cash)
