"""The ledger against a small model of it: whatever members and staff do in whatever order, both say the same.

The model is a page: wallets are lists of lots. The ledger is the real one, by the doors that the shop, the checkout, the
staff and the nightly jobs use.
"""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import dataclass, field
from itertools import count

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from loyalty.models import Wallet as WalletRow
from loyalty.selectors import balances
from loyalty.services import adjustments, expiring, holds, invariants, lapsing, maturing, transfers
from loyalty.services.holds import HoldClosed
from loyalty.services.ledger import InsufficientPoints
from loyalty.services.tenders import Payable
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, STAFF, a_rule, give, line, order, send, set_programme
from members.models import Member
from members.services import members

NAMES = ("alice", "bob", "charlie")
# Category of an order → its points are pending for, and expire at the end of the day after, so many days.
RULES = {"plain": (0, 30), "short": (0, 2), "late": (3, 9)}
FOUNDATION = (
    *(invariants.balances.BALANCES_ARE_ENTRIES, invariants.balances.BALANCES_ARE_LOTS),
    *(invariants.balances.HELD_IS_OPEN_HOLDS, invariants.balances.PROGRAMME_SUMS_TO_ZERO),
    *(invariants.entries.ENTRIES_ARE_GAPLESS, invariants.entries.RUNNING_BALANCES),
    *(invariants.lots.LOTS_ARE_GRANTED_LESS_DRAWN, invariants.lots.ENTRIES_ARE_GRANTED_LESS_DRAWN),
    *(invariants.lots.NOTHING_MOVES_AFTER_EXPIRY, invariants.entries.TRANSFERS_HAVE_BOTH_ENTRIES),
)


# The model ----------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Lot:
    seq: int
    left: int
    opens: dt.datetime
    ends: dt.datetime
    order: str = ""
    pending: bool = False
    expired: int = 0


def soonest(lots):
    return sorted(lots, key=lambda lot: (lot.ends, lot.seq))


@dataclass
class Wallet:
    numbers: count
    lots: list[Lot] = field(default_factory=list)
    holds: dict = field(default_factory=dict)  # uuid → (ends, parts)
    debt: int = 0
    heir: Wallet | None = None

    def free(self, now):
        return soonest(lot for lot in self.lots if lot.left and not lot.pending and lot.ends > now)

    def balance(self, now):
        return sum(lot.left for lot in self.free(now))

    def take(self, lots, points):
        parts = []
        for lot in lots:
            part = min(lot.left, points)
            lot.left, points = lot.left - part, points - part
            parts += [(lot, part)] if part else []
        return parts

    def arrive(self, lots, now):
        """Lots can be spent from now on: a debt is repaid at once."""
        for lot in soonest(lots):
            paid = min(self.debt, lot.left) if not lot.pending and lot.ends > now else 0
            lot.left, self.debt = lot.left - paid, self.debt - paid

    def grant(self, points, opens, ends, now, order=""):
        lot = Lot(next(self.numbers), points, opens, ends, order, pending=opens > now)
        self.lots.append(lot)
        self.arrive([lot], now)
        self.expire(now)

    def move(self, parts, to, now, keep_order):
        for lot, points in parts:
            to.grant(points, lot.opens, lot.ends, now, lot.order if keep_order else "")

    def expire(self, now):
        for lot in self.lots:
            if lot.ends <= now:
                lot.expired, lot.left = lot.expired + lot.left, 0

    def put_back(self, parts, now):
        for lot, points in parts:
            lot.left += points
        self.arrive([lot for lot, _points in parts], now)
        self.expire(now)

    def let_go(self, hold, now):
        _ends, parts = self.holds.pop(hold)
        self.put_back(parts, now)
        if self.heir:
            self.sweep(now)

    def sweep(self, now):
        parts = self.take(soonest(self.lots), 10**9)
        self.move(parts, self.heir, now, keep_order=True)
        debt, self.debt = self.debt, 0
        self.heir.debt += debt
        self.heir.arrive(self.heir.free(now), now)
        if self.heir.heir:
            self.heir.sweep(now)

    def settle(self, now):
        for hold in [hold for hold, (ends, _parts) in self.holds.items() if ends <= now]:
            self.let_go(hold, now)
        self.expire(now)
        ripe = [lot for lot in self.lots if lot.pending and lot.opens <= now]
        for lot in ripe:
            lot.pending = False
        self.arrive(ripe, now)

    def figures(self, now):
        then = copy.deepcopy(self)
        then.settle(now)
        pending = sum(lot.left for lot in then.lots if lot.pending)
        held = sum(points for _ends, parts in then.holds.values() for _lot, points in parts)
        return (then.balance(now), pending, held, then.debt)


# The machine --------------------------------------------------------------------------------------------------


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic._from_testcase = True
        self.atomic.__enter__()
        self.now, self.codes, self.merged = NOON, count(1), {}
        numbers = count(1)
        self.wallets = {name: Wallet(numbers) for name in NAMES}
        self.orders, self.tenders = {}, {}
        set_programme(transfers_allowed=True)
        for category, (late, days) in RULES.items():
            condition = ("line.category", "is", category)
            a_rule(category, available_after_days=late, expiry="days", expiry_count=days, conditions=[condition])
        self.rows = {}
        for name in NAMES:
            give(1, name, expires_at=NOON + 400 * DAY)
            self.wallets[name].grant(1, NOON, NOON + 400 * DAY, NOON)
            self.rows[name] = WalletRow.objects.select_related("member", "account").get(member__external_id=name)

    def teardown(self):
        try:
            assert_proven()
        finally:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    def resolved(self, name):
        while name in self.merged:
            name = self.merged[name]
        return name

    def wallet(self, name):
        return self.wallets[self.resolved(name)]

    def member(self, name):
        return Member.objects.get(pk=self.rows[self.resolved(name)].member_id)

    who = st.sampled_from(NAMES)
    some = st.integers(1, 60)

    @rule(days=st.integers(0, 2), hours=st.integers(1, 23))
    def time_passes(self, days, hours):
        self.now += dt.timedelta(days=days, hours=hours)

    @rule(name=who, points=some, category=st.sampled_from(sorted(RULES)))
    def an_order_earns(self, name, points, category):
        code, (late, days) = f"e-{next(self.codes)}", RULES[category]
        answer = send("order.completed", name, self.now, **order(code, line(1, points * 100, category=category)))
        assert answer["effects"]["points"]["earned"] == points
        ends = _end_of_day(self.now + days * DAY)
        self.wallet(name).grant(points, self.now + late * DAY, ends, self.now, code)
        self.orders[code] = (name, points)

    @rule(name=who, points=some)
    def an_order_is_paid_with_points(self, name, points):
        code, wallet = f"s-{next(self.codes)}", self.wallet(name)
        answer = send("order.completed", name, self.now, **order(code, line(1, 0, points=points)))
        wallet.settle(self.now)
        parts = wallet.take(wallet.free(self.now), points)
        assert answer["effects"]["points"]["spent"] == sum(points for _lot, points in parts)
        self.tenders[code] = (name, wallet, parts)

    @precondition(lambda self: self.tenders)
    @rule(data=st.data())
    def a_tender_comes_back(self, data):
        code = data.draw(st.sampled_from(sorted(self.tenders)))
        name, home, parts = self.tenders.pop(code)
        points = self._refund(code, name)
        wallet = self.wallet(name)
        wallet.settle(self.now)
        alive = [(lot, points) for lot, points in parts if lot.ends > self.now]
        assert points["restored"] == sum(points for _lot, points in alive)
        if wallet is home:
            wallet.put_back(alive, self.now)
        else:
            home.move(list(reversed(alive)), wallet, self.now, keep_order=False)

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def an_order_is_given_back(self, data):
        code = data.draw(st.sampled_from(sorted(self.orders)))
        name, points = self.orders.pop(code)
        answer = self._refund(code, name)
        wallet = self.wallet(name)
        wallet.settle(self.now)
        own = [lot for each in self.wallets.values() for lot in each.lots if lot.order == code]
        points -= sum(lot.expired for lot in own)
        first = sorted(soonest(own), key=lambda lot: not lot.pending)
        parts = wallet.take(first, points)
        parts += wallet.take(wallet.free(self.now), points - sum(part for _lot, part in parts))
        taken = sum(part for _lot, part in parts)
        wallet.debt += points - taken
        assert (answer["clawed_back"], answer["debt"]) == (taken, points - taken)

    def _refund(self, code, name):
        data = {"order": code, "refund": "r", "reason": "no_reason", "lines": [{"line": "1", "quantity": 1}]}
        return send("order.refunded", name, self.now, **data)["effects"]["points"]

    @rule(name=who, points=some, minutes=st.sampled_from([30, 60 * 24 * 3]))
    def points_are_held(self, name, points, minutes):
        wallet, ends = self.wallet(name), self.now + dt.timedelta(minutes=minutes)
        trial = copy.deepcopy(wallet)
        trial.settle(self.now)
        place = lambda: holds.place(  # noqa: E731
            name, points, order_code="", lines=[Payable("1", points, virtual=True)],
            expires_at=ends, at=self.now,
        )  # fmt: skip
        if trial.balance(self.now) < points:
            with pytest.raises(InsufficientPoints), transaction.atomic():
                place()
            return
        hold = place()
        wallet.settle(self.now)
        wallet.holds[hold.uuid] = (ends, wallet.take(wallet.free(self.now), points))

    def _a_hold(self, data):
        """An open hold and the wallet that has it."""
        found = [(hold, wallet) for wallet in self.wallets.values() for hold in wallet.holds]
        position = data.draw(st.integers(0, len(found) - 1))
        return found[position]

    @precondition(lambda self: any(wallet.holds for wallet in self.wallets.values()))
    @rule(data=st.data())
    def a_hold_is_captured(self, data):
        hold, wallet = self._a_hold(data)
        if wallet.holds[hold][0] <= self.now:
            with pytest.raises(HoldClosed), transaction.atomic():
                holds.capture(hold, self.now)
            return
        holds.capture(hold, self.now)
        wallet.settle(self.now)
        del wallet.holds[hold]

    @precondition(lambda self: any(wallet.holds for wallet in self.wallets.values()))
    @rule(data=st.data())
    def a_hold_is_released(self, data):
        hold, wallet = self._a_hold(data)
        holds.release(hold, self.now)
        wallet.let_go(hold, self.now)

    @rule(name=who, points=some, sign=st.sampled_from([1, -1]), days=st.integers(1, 20))
    def staff_adjust(self, name, points, sign, days):
        wallet, ends = self.wallet(name), self.now + days * DAY
        trial = copy.deepcopy(wallet)
        trial.settle(self.now)
        post = lambda: adjustments.post(  # noqa: E731
            self.rows[self.resolved(name)].account, sign * points, category="goodwill", reason="test", actor=STAFF,
            at=self.now, expires_at=ends,
        )  # fmt: skip
        if sign < 0 and trial.balance(self.now) < points:
            with pytest.raises(InsufficientPoints), transaction.atomic():
                post()
            return
        post()
        wallet.settle(self.now)
        if sign > 0:
            wallet.grant(points, self.now, ends, self.now)
        else:
            wallet.take(wallet.free(self.now), points)

    @rule(sender=who, receiver=who, points=some)
    def points_are_passed_on(self, sender, receiver, points):
        giver, taker = self.wallet(sender), self.wallet(receiver)
        trial = copy.deepcopy(giver)
        trial.settle(self.now)
        if giver is taker or trial.balance(self.now) < points:
            return
        transfers.send(self.member(sender), self.member(receiver), points, kind="transfer", at=self.now)
        giver.settle(self.now)
        taker.settle(self.now)
        giver.move(giver.take(giver.free(self.now), points), taker, self.now, keep_order=False)

    @rule(source=who, into=who)
    def members_are_merged(self, source, into):
        source, target = self.resolved(source), self.resolved(into)
        if source == target:
            return
        members.merge(source, target, self.now)
        transfers.merge(self.rows[source].member, self.rows[target].member, self.now)
        giver, taker = self.wallets[source], self.wallets[target]
        giver.settle(self.now)
        taker.settle(self.now)
        self.merged[source], giver.heir = target, taker
        giver.sweep(self.now)

    @rule(job=st.sampled_from(["lapse", "mature", "expire"]))
    def a_job_runs(self, job):
        {"lapse": lapsing.lapse, "mature": maturing.mature, "expire": expiring.expire}[job](self.now, self.now)
        self.now += dt.timedelta(seconds=1)
        then = self.now - dt.timedelta(seconds=1)
        for name in NAMES:
            wallet = self.wallets[name]
            lapses = any(ends <= then for ends, _parts in wallet.holds.values())
            ripens = any(lot.pending and lot.left and lot.opens <= then for lot in wallet.lots)
            if job == "expire":
                wallet.expire(then)
            elif lapses if job == "lapse" else ripens:
                wallet.settle(then)

    @invariant()
    def both_say_the_same(self):
        for name, wallet in self.wallets.items():
            account = self.rows[name].account
            account.refresh_from_db()
            now = balances.of(account, self.now)
            if wallet.heir is None:
                assert (now.available, now.pending, now.held, now.debt) == wallet.figures(self.now), name
                assert sum(points for _day, points in now.expiring) == now.available

    @invariant()
    def the_ledger_is_sound(self):
        assert_proven(FOUNDATION)


def _end_of_day(at: dt.datetime) -> dt.datetime:
    """Shanghai's midnight after an instant."""
    local = at + dt.timedelta(hours=8)
    return dt.datetime.combine(local.date() + DAY, dt.time.min, tzinfo=dt.UTC) - dt.timedelta(hours=8)


@pytest.mark.django_db
class TestLedger(LedgerMachine.TestCase):
    settings = settings(
        max_examples=25,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        # Making a long story short takes longer than the story is worth.
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
    )
