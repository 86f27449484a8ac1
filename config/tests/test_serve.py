"""The one-command mode: what it starts, it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.timeout(900)
# Ceilings, not waits: on a busy machine two processes take long to import everything.
START_WITHIN_SECONDS = 240
STOP_WITHIN_SECONDS = 120


class Served:
    """`manage.py serve` in a session of its own, on a fresh database."""

    def __init__(self, folder: Path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        environment = os.environ | {
            "DATABASE_URL": f"sqlite:///{folder / 'serve.sqlite3'}",
            "CELERY_BROKER_URL": "safefs://",
            "VAR_DIR": str(folder),
        }
        self.log = folder / "log"
        command = [sys.executable, "manage.py", "serve", "--port", str(self.port)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=settings.BASE_DIR, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + START_WITHIN_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                    assert answer.status == 200
                    return
            except OSError:
                time.sleep(0.2)
        pytest.fail(f"not healthy in time: {self.log.read_text()}")

    def wait_for_worker(self) -> int:
        """The worker's process id, once it listens to the broker."""
        deadline = time.monotonic() + START_WITHIN_SECONDS
        while time.monotonic() < deadline:
            for pid in self.processes():
                if b"celery" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
            time.sleep(0.2)
        pytest.fail(f"no worker: {self.log.read_text()}")

    def processes(self) -> list[int]:
        """Process ids still alive in the session."""
        found = subprocess.run(["ps", "-eo", "pid=,sess=,stat="], capture_output=True, text=True, check=True)
        rows = [row.split() for row in found.stdout.splitlines()]
        return [int(pid) for pid, session, stat in rows if int(session) == self.process.pid and stat[0] != "Z"]

    def wait_until_all_gone(self) -> None:
        """What was told to stop may need a moment more than the one who told it."""
        self.process.wait(timeout=STOP_WITHIN_SECONDS)
        deadline = time.monotonic() + 30
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert self.processes() == [], self.log.read_text()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    for pid in served.processes():
        os.kill(pid, signal.SIGKILL)
    served.process.wait()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_and_leaves_no_orphan(served: Served, how: signal.Signals):
    served.wait_until_healthy()
    served.wait_for_worker()
    served.process.send_signal(how)
    served.wait_until_all_gone()
    assert served.process.returncode == 0
    assert "Stopped." in served.log.read_text()


def test_what_a_child_leaves_behind_is_killed(served: Served):
    served.wait_until_healthy()
    site = next(pid for pid in served.processes() if b"gunicorn" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(site, signal.SIGKILL)
    served.wait_until_all_gone()
    assert "The site ended by itself" in served.log.read_text()


def test_when_the_worker_dies_the_site_is_stopped_and_the_reason_is_told(served: Served):
    served.wait_until_healthy()
    os.kill(served.wait_for_worker(), signal.SIGKILL)
    served.wait_until_all_gone()
    assert served.process.returncode != 0
    assert "The worker ended by itself" in served.log.read_text()
