"""Processes die and databases restart in the middle of the work: nothing is lost and nothing is doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from django.conf import settings
from django.db import Error, connection, transaction

from common.models import InboxEvent
from common.services import inbox
from loyalty.models import Account, Lot, Order
from loyalty.services import holds
from loyalty.services.tenders import Payable
from loyalty.tests.proven import assert_proven
from loyalty.tests.services.test_races import wait_until_somebody_waits
from loyalty.tests.stage import NOON, a_rule, balance, event, give, line, order

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

BATCHES, SIZE, MEMBERS = 8, 100, 40

SHOP = """
    import django
    django.setup()
    from common.services import inbox
    from loyalty.tests.services import test_kills
    for number in range(test_kills.BATCHES):
        inbox.receive(test_kills.batch(number), test_kills.NOON)
        print(number, flush=True)
"""


def batch(number):
    """Orders of some members, half of them paid with points; the same whoever asks."""
    codes = range(number * SIZE, (number + 1) * SIZE)
    return [
        event("order.completed", f"m-{n % MEMBERS}", id=f"k-{n}", **order(f"o-{n}", line(1, 10000, points=5 * (n % 2))))
        for n in codes
    ]


def shop():
    """A process that sends all batches."""
    config = connection.settings_dict
    url = f"postgres://{config['USER']}:{config['PASSWORD']}@{config['HOST']}:{config['PORT']}/{config['NAME']}"
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SHOP)],
        stdout=subprocess.PIPE,
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"]},
        cwd=settings.BASE_DIR,
    )


def assert_each_order_counted_once():
    orders = BATCHES * SIZE
    assert InboxEvent.objects.count() == orders
    assert Order.objects.filter(status="completed").count() == orders
    assert sum(Lot.objects.values_list("earned", flat=True)) == 100 * orders
    taken = sum(Order.objects.values_list("points_taken", flat=True))
    assert sum(Account.objects.values_list("available", flat=True)) == 100 * orders - taken
    assert_proven()


def test_a_shop_killed_in_the_middle_of_its_batches_sends_them_again():
    a_rule("base")
    for patience in (0.05, 0.12, 0.2):
        killed = shop()
        assert killed.stdout.readline() == b"0\n"
        time.sleep(patience)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert InboxEvent.objects.count() % SIZE == 0
        assert_proven()
    assert shop().wait() == 0
    assert_each_order_counted_once()


def test_a_batch_killed_before_it_commits_leaves_no_trace():
    a_rule("base")
    with transaction.atomic():
        # The killed process cannot commit before this transaction ends: it waits for the same inbox row.
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE common_inboxevent IN SHARE MODE")
        killed = shop()
        wait_until_somebody_waits()
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    _until_gone()
    assert (InboxEvent.objects.count(), Order.objects.count(), Lot.objects.count()) == (0, 0, 0)
    assert shop().wait() == 0
    assert_each_order_counted_once()


def _until_gone():
    """The server notices a dead client when it next talks to it."""
    while _ask("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"):
        time.sleep(0.1)


def _ask(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def test_a_database_that_restarts_under_load_loses_and_doubles_nothing():
    a_rule("base")
    stop = threading.Event()

    def send(numbers):
        for number in numbers:
            while True:
                try:
                    answers = inbox.receive(batch(number), NOON)
                except Error:
                    connection.close()
                    continue
                if all(answer["status"] in ("applied", "duplicate") for answer in answers):
                    break
        connection.close()

    def restart():
        # What a restart does to every client: its connection ends in the middle of whatever it does.
        while not stop.wait(0.15):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.5"
                )
        connection.close()

    shops = [threading.Thread(target=send, args=(range(first, BATCHES, 2),)) for first in (0, 1)]
    restarts = threading.Thread(target=restart)
    for thread in shops:
        thread.start()
    time.sleep(0.1)
    connection.close()
    restarts.start()
    started = time.monotonic()
    while any(thread.is_alive() for thread in shops) and time.monotonic() - started < 6:
        time.sleep(0.05)
    stop.set()
    for thread in (restarts, *shops):
        thread.join()
    assert_each_order_counted_once()


def test_a_checkout_that_dies_before_it_commits_holds_nothing():
    give(1000)

    def hold_and_die():
        with transaction.atomic(), connection.cursor() as cursor:
            holds.place("alice", 500, order_code="o-1", lines=[Payable("1", 500, virtual=True)], at=NOON)
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(Error):
        hold_and_die()
    connection.close()
    assert (balance().available, balance().held) == (1000, 0)
