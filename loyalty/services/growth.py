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
from loyalty.models import GrowthEntry, GrowthPolicy, Ladder, Order, OrderLine, Review, Standing, TierChange, Wallet
from loyalty.services import ladders
from loyalty.services.ladders import CompiledLadder, Standards, Step

if TYPE_CHECKING:
    from loyalty.services.desk import Desk

Kind, Criterion, Reason = GrowthEntry.Kind, GrowthEntry.Criterion, TierChange.Reason

# Which of the five criteria a source serves (domain.md S2-05); the fifth, quality, is the coefficient.
CRITERIA = {
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
        self._today = clock.local_date(desk.at)

    def policy(self, at: dt.datetime) -> GrowthPolicy | None:
        """The growth policy for an event that happened at an instant."""
        return self._policies.at(at)

    def look(self, wallet: Wallet) -> Look:
        """Where the member stands now, for `effects`."""
        standing = wallet.member.standing
        return Look(standing.whole_growth, standing.tier.code if standing.tier else None)

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
        if not base or (kind != Kind.ORDER and policy.activity_needs_order and not wallet.member.standing.ordered_at):
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
            policy=entry.policy,
        )
        self._fall(wallet, reference)

    def merge(self, source: Wallet, target: Wallet, *, reference: str) -> None:
        """Bring a merged member's growth to the other one; the higher of the two tiers is kept (E58)."""
        standing, other = source.member.standing, target.member.standing
        self._move(source, target, standing.growth, reference=reference)
        if standing.ordered_at and not other.ordered_at:
            self._desk.change(other, ordered_at=standing.ordered_at)
        self._inherit(standing, target, reference)
        self._desk.change(standing, due_at=None, tier_until=None, override_until=None)

    def unmerge(self, source: Wallet, target: Wallet, growth: int, *, reference: str) -> None:
        """Bring back what is left of the growth that a merge had brought; the tier follows from it."""
        self._move(target, source, min(growth, target.member.standing.growth), reference=reference)
        standing = source.member.standing
        if self.ladder is not None and standing.tier is not None:
            step = self.ladder.deserved(standing.growth, ordered=standing.ordered_at is not None)
            self._change(source, step, Reason.MERGE, reference)

    def _move(self, giver: Wallet, taker: Wallet, growth: int, *, reference: str) -> None:
        if growth:
            self._post_time(giver, Kind.MERGE, -growth, reference=reference)
            self._post_time(taker, Kind.MERGE, growth, reference=reference)

    def close(self, wallet: Wallet, *, reference: str) -> None:
        """The member leaves: growth ends, nothing is reviewed any more (E59)."""
        if growth := wallet.member.standing.growth:
            self._post_time(wallet, Kind.CLOSE, -growth, reference=reference)
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
        self._fade(wallet)
        asked = base * percent
        return self._write(
            wallet, kind, criterion, base, percent, asked, self._counts(wallet, asked, day), day, reference, origin
        )

    def _post_time(self, wallet: Wallet, kind: str, change: int, *, reference: str) -> None:
        self._write(wallet, kind, Criterion.TIME, 0, 100, change, change, self._today, reference, {})

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
        if self.ladder.ladder.decay == Ladder.Decay.WINDOW and day < reckoned_on:
            return 0
        if self.ladder.ladder.decay == Ladder.Decay.HALF_LIFE:
            left = ladders.faded(abs(asked), self.ladder.fading((reckoned_on - day).days))
            return left if asked > 0 else -left
        return asked

    def _fade(self, wallet: Wallet) -> None:
        """Growth that halves is brought up to today before anything is added (F5)."""
        standing = wallet.member.standing
        if self.ladder is None or self.ladder.ladder.decay != Ladder.Decay.HALF_LIFE or standing.reckoned_on is None:
            return
        days = (self._today - standing.reckoned_on).days
        if days <= 0:
            return
        left = ladders.faded(standing.growth, self.ladder.fading(days))
        self._desk.change(standing, reckoned_on=self._today)
        if left < standing.growth:
            self._post_time(wallet, Kind.HALF_LIFE, left - standing.growth, reference=f"faded:{self._today}")

    def _schedule(self, standing: Standing) -> None:
        if self.ladder is not None:
            due_at = self.ladder.due_at(self._today, standing.growth, standing.tier_until, standing.override_until)
            if due_at != standing.due_at:
                self._desk.change(standing, due_at=due_at)

    # Tiers ------------------------------------------------------------------------------------------------------

    def climb(self, wallet: Wallet, at: dt.datetime, reference: str, *, provisional: bool = True) -> None:
        """An upgrade takes effect at once, over several tiers if growth reaches so far: one change (E44).

        By an order of `at` it is provisional until the return window closes (E10, E11).
        """
        standing, ladder = wallet.member.standing, self.ladder
        if ladder is None or ladder.ladder.by_rank or standing.override_until is not None:
            return
        step = ladder.deserved(standing.growth, ordered=standing.ordered_at is not None)
        if standing.tier is not None and step.rank <= standing.tier.rank:
            return
        provisional_until = at + dt.timedelta(days=ladder.ladder.provisional_days) if provisional else self._desk.at
        if provisional_until > self._desk.at:
            fallback = standing.provisional_tier if self._is_provisional(standing) else standing.tier
            self._desk.change(standing, provisional_until=provisional_until, provisional_tier=fallback)
        self._change(wallet, step, Reason.GROWTH, reference)

    def _fall(self, wallet: Wallet, reference: str) -> None:
        standing, ladder = wallet.member.standing, self.ladder
        if ladder is None or standing.tier is None or standing.override_until or not self._is_provisional(standing):
            return
        deserved = ladder.deserved(standing.growth, ordered=standing.ordered_at is not None)
        fallback = ladder.by_tier.get(standing.provisional_tier_id or 0, ladder.steps[0])
        step = max(deserved, fallback, key=lambda step: step.rank)
        if step.rank < standing.tier.rank:
            self._change(wallet, step, Reason.REFUND, reference)

    def _inherit(self, source: Standing, taker: Wallet, reference: str) -> None:
        standing, ladder = taker.member.standing, self.ladder
        if ladder is None:
            return
        step = ladder.deserved(standing.growth, ordered=standing.ordered_at is not None)
        brought = ladder.by_tier.get(source.tier_id or 0)
        if brought is not None and not ladder.ladder.by_rank:
            step = max(step, brought, key=lambda step: step.rank)
        if standing.override_until is None and (standing.tier is None or step.rank > standing.tier.rank):
            self._change(taker, step, Reason.MERGE, reference)

    def _is_provisional(self, standing: Standing) -> bool:
        return standing.provisional_until is not None and standing.provisional_until > self._desk.at

    def _change(self, wallet: Wallet, step: Step, reason: str, reference: str) -> None:
        standing, ladder = wallet.member.standing, self.ladder
        assert ladder is not None, "a tier changes on a ladder"
        before, until = standing.tier, ladder.valid_until(step, self._today)
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
                is_provisional=self._is_provisional(standing),
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
