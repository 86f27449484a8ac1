"""Jobs that are killed, run twice at once, and race with members: nothing is lost, nothing is done twice."""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from common.models import Fact, JobRun
from common.services import outbox
from loyalty import facts
from loyalty.models import Account, Draw, Entry, Hold
from loyalty.selectors import spans
from loyalty.services import expiring, holds, invariants, lapsing, ledger, proof
from loyalty.tests import cast
from loyalty.tests.cast import DAY, NOON

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

MIDNIGHT = dt.datetime(2026, 2, 28, 16, 0, tzinfo=dt.UTC)

# A worker of its own: it expires two accounts a chunk, says so, and falls asleep before it can commit the second one.
_WORKER = """
import datetime as dt, time
import django
django.setup()
from loyalty.selectors import spans
from loyalty.services import expiring
spans.of.__defaults__ = (2,)
whole, calls = expiring._execute, []
def execute_and_fall_asleep(cursor, accounts, params):
    counts = whole(cursor, accounts, params)
    calls.append(accounts)
    print("in chunk", len(calls), flush=True)
    if len(calls) == 2:
        time.sleep(60)
    return counts
expiring._execute = execute_and_fall_asleep
expiring.expire(dt.datetime.fromisoformat("%s"), dt.datetime.fromisoformat("%s"))
"""


def grant_to(names, points=30, *, expires_at=MIDNIGHT):
    accounts = [cast.account(name) for name in names]
    for account in accounts:
        cast.grant(account, points, expires_at=expires_at)
    outbox.publish([facts.PointsEarned(name, points, 0, "test") for name in names], NOON)
    return accounts


def together(*jobs):
    """Run each job in a thread of its own, all at the same instant; return what they answered or raised."""
    barrier = threading.Barrier(len(jobs))
    answers: list[Any] = [None] * len(jobs)

    def work(place, job):
        try:
            barrier.wait()
            answers[place] = job()
        except Exception as raised:
            answers[place] = raised
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def red():
    findings = {invariant.name: proof.check(invariant) for invariant in invariants.ALL}
    return {name: found.sample for name, found in findings.items() if found.offenders}


def database_url():
    known = connection.settings_dict
    password = f":{known['PASSWORD']}" if known["PASSWORD"] else ""
    return f"postgres://{known['USER']}{password}@{known['HOST']}:{known['PORT'] or 5432}/{known['NAME']}"


def test_a_worker_killed_in_the_middle_of_a_chunk_loses_and_doubles_nothing():
    accounts = grant_to([f"m-{number}" for number in range(6)])
    script = _WORKER % (MIDNIGHT.isoformat(), NOON.isoformat())
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "config.settings"),
        "PYTHONPATH": os.pathsep.join([str(settings.BASE_DIR), *sys.path]),
    }
    with subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True) as worker:
        for line in worker.stdout:
            if line == "in chunk 2\n":
                break
        worker.send_signal(signal.SIGKILL)
    assert worker.returncode == -signal.SIGKILL
    assert [cast.balances(account)[0] for account in accounts] == [0, 0, 30, 30, 30, 30]

    run = expiring.expire(MIDNIGHT, NOON)

    assert run.status == JobRun.Status.DONE
    assert run.counts == {"lots": 6, "accounts": 6, "points": 180}
    assert [cast.balances(account)[0] for account in accounts] == [0] * 6
    assert Entry.objects.filter(kind=Entry.Kind.EXPIRE).count() == 6
    assert Fact.objects.filter(topic="points.expired").count() == 6
    assert red() == {}


def test_two_workers_at_once_share_the_chunks(monkeypatch):
    monkeypatch.setattr(spans.of, "__defaults__", (3,))
    grant_to([f"m-{number}" for number in range(40)])

    runs = together(*[lambda: expiring.expire(MIDNIGHT, NOON)] * 2)

    assert [run.status for run in runs] == [JobRun.Status.DONE] * 2
    assert JobRun.objects.get(job="expire-points").counts == {"lots": 40, "accounts": 40, "points": 1200}
    assert Draw.objects.count() == 40
    assert red() == {}


def test_two_runs_for_different_nights_at_once_expire_each_lot_once():
    grant_to([f"m-{number}" for number in range(40)])

    together(lambda: expiring.expire(MIDNIGHT, NOON), lambda: expiring.expire(MIDNIGHT + DAY, NOON))

    assert Draw.objects.count() == 40
    assert Fact.objects.filter(topic="points.expired").count() == 40
    assert red() == {}


def test_a_lot_is_spent_or_expires_but_never_both():
    accounts = grant_to([f"m-{number}" for number in range(30)])

    def spend_all():
        spent = 0
        for account in accounts:
            with ledger.open_book([account.pk], MIDNIGHT - dt.timedelta(seconds=1)) as book:
                if book.accounts[account.pk].available:
                    book.take(
                        account.pk, 30, kind=Entry.Kind.REDEEM, contra=Entry.Contra.REDEEMED, reference="order:race"
                    )
                    spent += 1
        return spent

    spent, run = together(spend_all, lambda: expiring.expire(MIDNIGHT, NOON))

    assert spent + run.counts.get("lots", 0) == 30
    assert Draw.objects.count() == 30
    assert not Account.objects.filter(available__gt=0).exists()
    outbox.publish([facts.PointsSpent("m-0", 30 * spent, "order:race")] if spent else [], NOON)
    assert red() == {}


def test_a_hold_is_captured_or_lapses_but_never_both():
    accounts = grant_to([f"m-{number}" for number in range(20)], expires_at=NOON + 99 * DAY)
    open_holds = [cast.hold(account, 10, expires_at=NOON + DAY) for account in accounts]

    def capture_all():
        refused = 0
        for hold in open_holds:
            try:
                with transaction.atomic():
                    holds.capture(hold.uuid, NOON)
            except holds.HoldClosed:
                refused += 1
        return refused

    refused, run = together(capture_all, lambda: lapsing.lapse(NOON + DAY, NOON + DAY))

    assert run.status == JobRun.Status.DONE
    assert Hold.objects.filter(status=Hold.Status.LAPSED).count() == refused
    assert Hold.objects.filter(status=Hold.Status.CAPTURED).count() == 20 - refused
    assert {cast.balances(account) for account in accounts} <= {(20, 0, 0, 0), (30, 0, 0, 0)}
    assert red() == {}
