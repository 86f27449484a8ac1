"""Many at once on a real PostgreSQL: nothing is spent twice, nothing is counted twice, nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from common.models import InboxEvent
from common.services import inbox, outbox
from loyalty.models import Account, Campaign, Entry, Lot, Order, Shortfall, Wallet
from loyalty.services import expiring, holds, lapsing, ledger, orders, transfers
from loyalty.services.holds import HoldClosed
from loyalty.services.ledger import InsufficientPoints
from loyalty.services.tenders import Payable
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import (
    DAY,
    NOON,
    a_campaign,
    a_rule,
    balance,
    event,
    give,
    line,
    order,
    send,
    send_all,
    set_programme,
)
from members.models import Member
from members.services import members

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

PATIENCE = 240  # seconds until a test gives up on a thread or process; a busy machine may need most of them


def at_once(*deeds):
    """Do all deeds at the same time, each on a connection of its own; return their answers (or what they raised)."""
    start = threading.Barrier(len(deeds))
    answers: list[Any] = [None] * len(deeds)

    def run(position, deed):
        start.wait()
        try:
            answers[position] = deed()
        except Exception as error:  # what was raised is the answer
            answers[position] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def wait_until_somebody_waits():
    """Come back when another connection to this database waits for a lock."""
    waiting = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_locks WHERE database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database()))"
    )
    deadline = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while True:
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
            assert time.monotonic() < deadline
            time.sleep(0.05)


def member(name):
    return Member.objects.get(external_id=name)


def hold(name, points, **values):
    with transaction.atomic():
        return holds.place(name, points, order_code="", lines=[Payable("1", points, virtual=True)], at=NOON, **values)


def kinds(answers):
    return Counter(type(answer).__name__ for answer in answers)


def test_64_threads_never_overspend_one_balance():
    give(10_000)
    answers = at_once(*[lambda: hold("alice", 1000)] * 64)
    assert kinds(answers) == {"Hold": 10, "InsufficientPoints": 54}
    assert (balance().available, balance().held) == (0, 10_000)
    assert_proven()


def test_16_orders_paid_with_points_at_once_take_no_more_than_there_is():
    give(2500)
    answers = at_once(
        *[lambda n=n: send("order.completed", **order(f"o-{n}", line(1, 0, points=1000))) for n in range(16)]
    )
    assert sorted(answer["effects"]["points"]["spent"] for answer in answers) == [0] * 13 + [500, 1000, 1000]
    assert balance().available == 0
    assert_proven()


def test_the_same_order_sent_eight_times_at_once_counts_once():
    a_rule("base")
    told = event("order.completed", **order())
    answers = at_once(*[lambda: inbox.receive([told], NOON)[0]] * 8)
    assert Counter(answer["status"] for answer in answers) == {"applied": 1, "duplicate": 7}
    assert {answer["effects"]["points"]["earned"] for answer in answers} == {100}
    assert balance().available == 100
    assert_proven()


def test_the_same_order_told_by_eight_different_events_counts_once():
    a_rule("base")
    answers = at_once(*[lambda: send("order.completed", **order())] * 8)
    assert Counter(answer["status"] for answer in answers) == {"applied": 1, "ignored": 7}
    assert balance().available == 100


def test_a_new_member_met_by_eight_events_at_once_is_one_member():
    a_rule("base")
    answers = at_once(*[lambda n=n: send("order.completed", **order(f"o-{n}")) for n in range(8)])
    assert Counter(answer["status"] for answer in answers) == {"applied": 8}
    assert (Member.objects.count(), Wallet.objects.count(), balance().available) == (1, 1, 800)


def test_earning_and_spending_at_once_add_up():
    a_rule("base")
    give(4000)
    earns = [lambda n=n: send("order.completed", **order(f"e-{n}")) for n in range(8)]
    spends = [lambda n=n: send("order.completed", **order(f"s-{n}", line(1, 0, points=500))) for n in range(8)]
    at_once(*earns, *spends)
    assert balance().available == 4000 + 800 - 4000
    assert_proven()


def test_a_refund_told_eight_times_at_once_counts_once():
    a_rule("base")
    send("order.completed", **order())
    refund = {"order": "o-1", "refund": "r", "reason": "defect", "lines": [{"line": "1", "quantity": 1}]}
    answers = at_once(*[lambda: send("order.refunded", **refund)] * 8)
    assert Counter(answer["status"] for answer in answers) == {"applied": 1, "ignored": 7}
    assert balance().available == 0
    assert_proven()


def test_a_refund_and_its_order_at_once_end_the_same_whoever_is_first():
    a_rule("base")
    refund = {"order": "o-1", "refund": "r", "reason": "defect", "lines": [{"line": "1", "quantity": 1}]}
    for number in range(6):
        refund["order"] = f"o-{number}"
        at_once(
            lambda n=number: send("order.completed", **order(f"o-{n}")),
            lambda told=dict(refund): send("order.refunded", **told),
        )
    assert balance().available == 0
    assert list(Order.objects.values_list("points_due", flat=True)) == [0] * 6
    assert_proven()


def test_a_hold_is_captured_or_lapses_and_never_both():
    for round_ in range(5):
        give(100)
        placed = hold("alice", 100, expires_at=NOON + DAY)
        captured, _lapsed = at_once(
            lambda uuid=placed.uuid: _captured(uuid, NOON + DAY),
            lambda r=round_: lapsing.lapse(NOON + DAY + r * DAY, NOON + DAY),
        )
        assert isinstance(captured, HoldClosed)
        placed.refresh_from_db()
        assert placed.status == "lapsed"
        early = hold("alice", 100, expires_at=NOON + DAY)
        captured, released = at_once(
            lambda uuid=early.uuid: _captured(uuid, NOON), lambda uuid=early.uuid: _released(uuid, NOON)
        )
        assert [isinstance(answer, HoldClosed) for answer in (captured, released)].count(True) == 1
        with transaction.atomic():
            give(-balance().available) if balance().available else None
    assert_proven()


def _captured(uuid, at):
    with transaction.atomic():
        return holds.capture(uuid, at)


def _released(uuid, at):
    with transaction.atomic():
        return holds.release(uuid, at)


def test_points_are_spent_or_expire_at_the_same_instant_and_never_both():
    for number in range(5):
        give(100, f"m-{number}", expires_at=NOON + DAY)
    before = NOON + DAY - DAY / 10**6
    spends = [
        lambda n=n: send("order.completed", f"m-{n}", before, **order(f"o-{n}", line(1, 0, points=100)))
        for n in range(5)
    ]
    at_once(*spends, lambda: expiring.expire(NOON + DAY, NOON + DAY))
    for number in range(5):
        moved = Entry.objects.filter(account__wallet__member__external_id=f"m-{number}", delta=-100)
        assert [entry.kind in ("redeem", "expire") for entry in moved] == [True]
    assert_proven()


def test_transfers_in_both_directions_at_once_do_not_deadlock():
    set_programme(transfers_allowed=True)
    give(1000, "alice")
    give(1000, "bob")
    there, back = (member("alice"), member("bob")), (member("bob"), member("alice"))
    answers = at_once(*[lambda pair=pair: _sent(*pair) for pair in (there, back) * 8])
    assert kinds(answers) == {"Transfer": 16}
    assert (balance("alice").available, balance("bob").available) == (1000, 1000)
    assert_proven()


def _sent(sender, receiver):
    with transaction.atomic():
        return transfers.send(sender, receiver, 50, kind="transfer", at=NOON)


def test_a_member_is_merged_while_spending_and_no_point_is_lost():
    a_rule("base")
    give(1000, "alice")
    give(500, "bob")
    spends = [lambda n=n: send("order.completed", "alice", **order(f"s-{n}", line(1, 0, points=50))) for n in range(8)]
    earns = [lambda n=n: send("order.completed", "alice", **order(f"e-{n}")) for n in range(8)]

    def merge():
        members.merge("alice", "bob", NOON)
        while outbox.dispatch(NOON, 100) or outbox.deliver(NOON, 100):
            pass

    answers = at_once(merge, *spends, *earns)
    assert not any(isinstance(answer, Exception) for answer in answers)
    assert {answer["status"] for answer in answers[1:]} == {"applied"}
    spent = sum(answer["effects"]["points"].get("spent", 0) for answer in answers[1:])
    assert Account.objects.get(wallet__member__external_id="alice").available == 0
    assert balance("bob").available == 1000 + 500 + 800 - spent
    assert_proven()


def test_16_threads_do_not_overspend_a_campaign():
    a_rule("double", campaign=a_campaign(budget=550))
    answers = at_once(*[lambda n=n: send("order.completed", f"m-{n}", **order(f"o-{n}")) for n in range(16)])
    assert sorted(answer["effects"]["points"]["earned"] for answer in answers) == [0] * 10 + [50] + [100] * 5
    assert Campaign.objects.get().spent == 550
    assert Shortfall.objects.filter(reason="campaign_budget").count() == 11
    assert_proven()


def test_16_threads_do_not_overdraw_a_funders_purse():
    purse = Account.objects.create(kind=Account.Kind.PURSE)
    with ledger.open_book([purse.pk], NOON) as book:
        book.grant(purse.pk, 550, source=Lot.Source.ADJUSTMENT, reference="bought", expires_at=NOON + 90 * DAY)
    a_rule("funded", campaign=a_campaign(funder=purse))
    answers = at_once(*[lambda n=n: send("order.completed", f"m-{n}", **order(f"o-{n}")) for n in range(16)])
    assert sorted(answer["effects"]["points"]["earned"] for answer in answers) == [0] * 10 + [50] + [100] * 5
    purse.refresh_from_db()
    assert purse.available == 0
    assert_proven()


def test_a_cap_holds_for_orders_at_once():
    a_rule("base", cap_month=250)
    answers = at_once(*[lambda n=n: send("order.completed", **order(f"o-{n}")) for n in range(8)])
    assert sorted(answer["effects"]["points"]["earned"] for answer in answers) == [0] * 5 + [50, 100, 100]
    assert_proven()


def test_one_poisoned_event_in_a_batch_of_1000_harms_no_other(monkeypatch):
    a_rule("base")
    batch = [event("order.completed", f"m-{n % 50}", **order(f"o-{n}")) for n in range(1000)]
    whole = orders._record

    def explode(desk, wallet, file, said, status):
        if said.data.order == "o-777":
            raise RuntimeError("poison")
        return whole(desk, wallet, file, said, status)

    monkeypatch.setattr(orders, "_record", explode)
    answers = send_all(batch, NOON)
    assert Counter(answer["status"] for answer in answers) == {"applied": 999, "rejected": 1}
    assert answers[777]["problem"]["code"] == "internal_error"
    assert sum(Lot.objects.values_list("earned", flat=True)) == 99_900
    monkeypatch.undo()
    assert inbox.receive([batch[777]], NOON)[0]["status"] == "applied"
    assert_proven()


def test_two_batches_of_500_with_the_same_members_in_opposite_order():
    a_rule("base")
    names = [f"m-{n}" for n in range(500)]
    there = [event("order.completed", name, **order(f"a-{name}")) for name in names]
    back = [event("order.completed", name, **order(f"b-{name}")) for name in reversed(names)]
    answers = at_once(lambda: inbox.receive(there, NOON), lambda: inbox.receive(back, NOON))
    assert Counter(answer["status"] for batch in answers for answer in batch) == {"applied": 1000}
    assert set(Account.objects.values_list("available", flat=True)) == {200}
    assert InboxEvent.objects.count() == 1000
    assert_proven()


def test_two_batches_pay_with_points_of_the_same_members_in_opposite_order():
    names = [f"m-{n}" for n in range(50)]
    for name in names:
        give(150, name)
    there = [event("order.completed", name, **order(f"a-{name}", line(1, 0, points=100))) for name in names]
    back = [event("order.completed", name, **order(f"b-{name}", line(1, 0, points=100))) for name in reversed(names)]
    answers = at_once(lambda: inbox.receive(there, NOON), lambda: inbox.receive(back, NOON))
    assert sum(answer["effects"]["points"]["spent"] for batch in answers for answer in batch) == 150 * 50
    assert_proven()


def test_who_waits_too_long_for_a_lock_is_told_so_and_changes_nothing():
    give(1000)
    wallet = Wallet.objects.get(member__external_id="alice")
    locked, answered = threading.Event(), threading.Event()

    def sit_on_it():
        with transaction.atomic():
            ledger.lock([wallet.account_id])
            locked.set()
            assert answered.wait(PATIENCE)

    def impatient():
        assert locked.wait(PATIENCE)
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '100ms'")
                return holds.place("alice", 10, order_code="", lines=[Payable("1", 10, virtual=True)], at=NOON)
        finally:
            answered.set()

    _sat, answer = at_once(sit_on_it, impatient)
    assert isinstance(answer, OperationalError)
    assert balance().held == 0


def test_a_hold_for_more_than_there_is_says_how_many_are_missing():
    give(10)
    with pytest.raises(InsufficientPoints) as refusal:
        hold("alice", 11)
    assert refusal.value.extra["missing"] == 1
