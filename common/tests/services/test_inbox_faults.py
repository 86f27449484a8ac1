"""The inbox when something dies in the middle of a batch (real PostgreSQL, real processes)."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from common.services import event_types, inbox
from common.tests.conftest import AT, event, process

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

BATCH = [event(f"e-{i}") for i in range(1000)]


def test_a_database_that_breaks_the_connection_in_the_middle_loses_and_doubles_nothing(monkeypatch, deeds):
    broken = [True]

    def process_and_break(events, at):
        outcomes = process(events, at)
        if events[-1].id == "e-999" and broken and broken.pop():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return outcomes

    deed = inbox.EventType("test.deed", event_types._types["test.deed"].decode, process_and_break)
    monkeypatch.setitem(event_types._types, "test.deed", deed)
    results = inbox.receive(BATCH, AT)
    assert broken == []
    assert {result["status"] for result in results} == {"applied"}
    assert deeds() == 1000


def test_a_database_that_stays_away_is_said_and_the_batch_can_be_sent_again(monkeypatch, deeds):
    def receive_half(events, at):
        if events[-1].id == "e-999":
            monkeypatch.setattr(connection, "is_usable", lambda: False)
            raise OperationalError("the server is gone")
        return process(events, at)

    decode = event_types._types["test.deed"].decode
    with monkeypatch.context() as patch:
        patch.setitem(event_types._types, "test.deed", inbox.EventType("test.deed", decode, receive_half))
        with pytest.raises(OperationalError):
            inbox.receive(BATCH, AT)
    assert deeds() == 500
    results = inbox.receive(BATCH, AT)
    assert [result["status"] for result in results] == ["duplicate"] * 500 + ["applied"] * 500
    assert deeds() == 1000


def hang_in_the_second_chunk(events: list, at) -> list:
    """What the process that will be killed does."""
    outcomes = process(events, at)
    if events[-1].id == "e-999":
        sys.stdout.write("in the middle\n")
        sys.stdout.flush()
        signal.pause()
    return outcomes


def test_a_process_killed_in_the_middle_of_a_batch_loses_and_doubles_nothing(deeds):
    script = """
        import django
        django.setup()
        from common import decoding
        from common.services import inbox
        from common.tests.conftest import AT, Deed
        from common.tests.services import test_inbox_faults as faults
        decode = lambda data: decoding.convert(data, Deed)
        inbox.register(inbox.EventType("test.deed", decode, faults.hang_in_the_second_chunk))
        inbox.receive(faults.BATCH, AT)
    """
    config = connection.settings_dict
    url = f"postgres://{config['USER']}:{config['PASSWORD']}@{config['HOST']}:{config['PORT']}/{config['NAME']}"
    web = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        env=os.environ | {"DATABASE_URL": url},
        cwd=settings.BASE_DIR,
    )
    assert web.stdout is not None
    assert b"in the middle" in web.stdout.readline()
    web.send_signal(signal.SIGKILL)
    web.wait()
    assert deeds() == 500
    results = inbox.receive(BATCH, AT)
    assert [result["status"] for result in results] == ["duplicate"] * 500 + ["applied"] * 500
    assert deeds() == 1000
