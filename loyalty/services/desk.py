"""The desk: everything a chunk of events needs, read once; everything they do, written once.

Handlers check first and change the objects on the desk only when nothing can be refused any more, so one bad event
leaves no trace among its neighbours.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from common import clock, sql
from common.prepared import prepared
from common.problems import Problem
from common.services import outbox
from loyalty import facts
from loyalty.models import (
    Activity,
    Adjustment,
    ChangedDay,
    DeliveryRefusal,
    EarningRuleVersion,
    Expiry,
    GrowthEntry,
    HoldLine,
    Order,
    OrderLine,
    ParkedEvent,
    Quarantine,
    QuarantinedHold,
    Refund,
    RefundLine,
    Review,
    ReviewLike,
    Shortfall,
    Standing,
    TierChange,
    Transfer,
    Wallet,
)
from loyalty.selectors import programme as programmes
from loyalty.services import expiry, ladders, ledger, rules, settling, tiers, wallets
from loyalty.services.caps import Caps
from loyalty.services.earning import Award, Evaluation, Missed
from loyalty.services.growth import GrowthBook
from loyalty.services.ladders import CompiledLadder
from loyalty.services.ledger import Book, Contra, Kind
from loyalty.services.orderfile import OrderFile
from loyalty.services.returns import Returns
from members.models import Member

# What refers to other rows comes after them.
_BEFORE_LEDGER = (
    *(Order, OrderLine, ParkedEvent, Refund, RefundLine),
    *(Review, ReviewLike, Activity, DeliveryRefusal, Quarantine),
)
_AFTER_LEDGER = (HoldLine, QuarantinedHold, Shortfall, Adjustment, Transfer, GrowthEntry, TierChange)


class UnknownMember(Problem):
    """There is no such member and the programme does not register unknown ones."""

    code = "unknown_member"
    status = 422
    title = _("There is no such member.")


class ClosedMember(Problem):
    """The member has left the programme."""

    code = "member_closed"
    status = 409
    title = _("The member has left the programme.")


@dataclass(slots=True)
class Paid:
    """What an evaluation did: points earned, how many of them are pending, points fined, and what was capped."""

    earned: int = 0
    pending: int = 0
    fined: int = 0
    capped: list[dict] = field(default_factory=list)


class Desk:
    """One transaction's view of the members at hand. Use inside a transaction; `close` writes everything."""

    def __init__(
        self, subjects: Sequence[str], at: dt.datetime, *, times: Sequence[dt.datetime] = (), register: bool = True
    ):
        """`register`: whether somebody unknown is registered, if the programme does so."""
        self.at = at
        self.programme = programmes.current()
        self.rules = rules.load(self.programme)
        self.wallets = wallets.lock(
            sorted(set(subjects)), at, register=register and self.programme.register_unknown_members
        )
        self._let_time_pass(dict(zip(reversed(subjects), reversed(times), strict=True)) if times else {})
        self.growth = GrowthBook(self, ladders.load(self.programme))
        self.book = Book((wallet.account for wallet in self.wallets.values()), at)
        self.caps = Caps(self.book, [at, *times])
        self.returns = Returns(self.book)
        self.orders: dict[str, OrderFile] = {}
        self.shelf: dict[str, Any] = {}
        self._new: dict[type[models.Model], list[models.Model]] = defaultdict(list)
        self._changed: dict[type[models.Model], dict[int, tuple[models.Model, set[str]]]] = defaultdict(dict)
        self._facts: list[Any] = []
        self._changed_days: set[tuple[int, dt.date]] = set()

    def wallet(self, subject: str) -> Wallet:
        """The locked wallet of a member. Raises UnknownMember, ClosedMember."""
        wallet = self.wallets.get(subject)
        if wallet is None:
            raise UnknownMember(_("No member %(subject)s is known.") % {"subject": subject})
        if wallet.member.status == Member.Status.CLOSED:
            raise ClosedMember
        return wallet

    def _let_time_pass(self, first: dict[str, dt.datetime]) -> None:
        """Reviews that were due before a member's first event here come before it, even if the nightly job is late."""
        self._read_standings()
        ladder = ladders.load(self.programme).ladders.at(self.at)
        if ladder is None:
            return
        due = [
            wallet.member_id
            for subject, wallet in self.wallets.items()
            if wallet.member.status == Member.Status.ACTIVE
            and _is_due(wallet.member.standing, ladder, min(first.get(subject, self.at), self.at))
        ]
        if due:
            tiers.catch_up(due, self.at)
            self._read_standings()

    def _read_standings(self) -> None:
        """Read after the lock: a row that was joined to a locked one is as old as our question (docs/locking.md).

        Wallets of one member, met under two names after a merge, share one standing; who has none yet gets one.
        """
        members = {wallet.member_id for wallet in self.wallets.values()}
        standings = {standing.pk: standing for standing in _standings(*members)}
        if missing := [Standing(member_id=member_id) for member_id in sorted(members - standings.keys())]:
            standings |= {standing.pk: standing for standing in Standing.objects.bulk_create(missing)}
        for wallet in self.wallets.values():
            wallet.member.standing = standings[wallet.member_id]

    def reach(self, times: Sequence[tuple[str, dt.datetime]]) -> int:
        """How many of some events, as (subject, time), come before the first one that another review has to precede."""
        first: dict[int, dt.datetime] = {}
        for position, (subject, time) in enumerate(times):
            wallet = self.wallets.get(subject)
            if wallet is None or (due_at := wallet.member.standing.due_at) is None:
                continue
            if first.setdefault(wallet.member_id, time) < due_at <= min(time, self.at):
                return position
        return len(times)

    def lock(self, account_ids: Collection[int]) -> None:
        """Take further accounts into the book: those of members who were merged into one at this desk."""
        self.book.include(ledger.lock(account_ids))

    # Writing ------------------------------------------------------------------------------------------------

    def add(self, row: models.Model) -> None:
        """A new row, written when the desk closes."""
        self._new[type(row)].append(row)

    def change(self, row: models.Model, **values: Any) -> None:
        """Change fields of a row; written when the desk closes, together with a row that is new itself."""
        for name, value in values.items():
            setattr(row, name, value)
        if row.pk is not None:
            _row, fields = self._changed[type(row)].setdefault(row.pk, (row, set()))
            fields.update(values)

    def publish(self, *facts: Any) -> None:
        """Facts, published in this transaction."""
        self._facts.extend(facts)

    def mark(self, wallet: Wallet, day: dt.date) -> None:
        """Something that scores count changed on a local day of the member."""
        self._changed_days.add((wallet.member_id, day))

    # Earning ------------------------------------------------------------------------------------------------

    def pay(
        self,
        wallet: Wallet,
        evaluation: Evaluation,
        *,
        earned_at: dt.datetime,
        source: str,
        reference: str,
        lines: dict[str, OrderLine] | None = None,
        review: Review | None = None,
    ) -> Paid:
        """Write an evaluation into the ledger: a lot for each share of each award, a shortfall for what was capped."""
        paid = Paid(capped=[_capped(missed) for missed in evaluation.missed])
        for award in evaluation.awards:
            if award.version.formula == EarningRuleVersion.Formula.PENALTY:
                paid.fined += self._fine(wallet, award, reference)
                continue
            # A shop's clock may run ahead of ours; that alone makes no points pending.
            available_at = min(earned_at, self.at) + dt.timedelta(days=award.version.available_after_days)
            origin: dict[str, Any] = {
                "source": source,
                "reference": reference,
                "expires_at": self.expires_at(award.version, earned_at),
                "earned_at": earned_at,
                "available_at": available_at,
                "rule_version": award.version,
                "review": review,
            }
            origin |= self._sliding(award.version) | self._fund(wallet, award, reference)
            for position, share in enumerate(award.shares):
                if share:
                    line = lines.get(award.items[position].number) if lines and award.items else None
                    self.book.grant(wallet.account_id, share, order_line=line, **origin)
            paid.earned += award.points
            paid.pending += award.points if available_at > self.at else 0
        for missed in evaluation.missed:
            self.fall_short(wallet, missed, reference)
        if paid.earned:
            self.publish(facts.PointsEarned(wallet.member.external_id, paid.earned, paid.pending, reference))
        return paid

    def _fine(self, wallet: Wallet, award: Award, reference: str) -> int:
        """Take a penalty as far as the balance goes: never a debt, never cash (domain.md E21)."""
        self.book.settle(wallet.account_id)
        points = min(award.points, self.book.accounts[wallet.account_id].available)
        if points:
            self.book.take(wallet.account_id, points, kind=Kind.ADJUST, contra=Contra.ADJUSTED, reference=reference)
        if points < award.points:
            self.fall_short(
                wallet, Missed(award.version, award.points, points, Shortfall.Reason.POINTS_SHORT), reference
            )
        return points

    def fall_short(self, wallet: Wallet, missed: Missed, reference: str) -> None:
        """Remember points that were not given, and why."""
        self.add(
            Shortfall(
                account_id=wallet.account_id,
                rule_version=missed.version,
                reference=reference,
                computed=missed.computed,
                granted=missed.granted,
                reason=missed.reason,
                at=self.at,
            )
        )

    def _fund(self, wallet: Wallet, award: Award, reference: str) -> dict[str, Any]:
        """Take a funded award from the funder's purse; the platform's own points are issued."""
        campaign = award.version.campaign
        if campaign is None or campaign.funder_id is None:
            return {}
        self.book.take(
            campaign.funder_id,
            award.points,
            kind=Kind.TRANSFER,
            contra=Contra.HOLDER,
            contra_account_id=wallet.account_id,
            reference=reference,
        )
        self.caps.paid(campaign.funder_id, award.points)
        return {"funder_id": campaign.funder_id, "contra": Contra.HOLDER, "contra_account_id": campaign.funder_id}

    def _sliding(self, version: EarningRuleVersion) -> dict[str, int]:
        policy = version if version.expiry else self.programme
        return {"sliding_days": policy.expiry_count} if policy.expiry == Expiry.SLIDING else {}

    def slides(self) -> bool:
        """Whether any points may live longer because a member is active."""
        return self.programme.expiry == Expiry.SLIDING or self.rules.slides

    def expires_at(self, version: EarningRuleVersion | None, earned_at: dt.datetime) -> dt.datetime:
        """When points earned at an instant expire: as the rule version says, else as the programme says."""
        policy = version if version is not None and version.expiry else self.programme
        campaign = version.campaign if version is not None else None
        return expiry.expires_at(
            policy.expiry,
            policy.expiry_count,
            policy.expiry_date,
            earned_at,
            campaign_ends_at=campaign.ends_at if campaign else None,
            tz=clock.zone(),
        )

    def close(self) -> None:
        """Write everything that was done at this desk, in a fixed number of statements."""
        self._insert(_BEFORE_LEDGER)
        for changed in self._changed.values():
            rows = list(changed.values())
            fields = sorted(set().union(*(names for _row, names in rows)))
            sql.update_rows([row for row, _names in rows], fields)
        self.returns.close()
        self.book.close()
        self.caps.close()
        self._insert(_AFTER_LEDGER)
        sql.insert([ChangedDay(member_id=member_id, day=day) for member_id, day in sorted(self._changed_days)])
        told = [*settling.passed(self.book), *self._facts]
        if told:
            outbox.publish(told, self.at)

    def _insert(self, kinds: Sequence[type[models.Model]]) -> None:
        for kind in kinds:
            sql.insert(self._new[kind])


@prepared
def _standings(*members: int) -> models.QuerySet[Standing]:
    return Standing.objects.select_related("tier", "provisional_tier").filter(member__pk__in=members).order_by()


def _is_due(standing: Standing, ladder: CompiledLadder, at: dt.datetime) -> bool:
    return standing.ladder_id != ladder.ladder.pk or (standing.due_at is not None and standing.due_at <= at)


def _capped(missed: Missed) -> dict:
    return {
        "rule": missed.version.rule.code,
        "version": missed.version.number,
        "computed": missed.computed,
        "granted": missed.granted,
        "reason": str(missed.reason),
    }
