"""Everything on one machine with one command: the site, a worker and the schedule, started and stopped together."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from types import FrameType

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_WITHIN_SECONDS = 20


class Stop(Exception):
    """Somebody asked us to stop (Ctrl-C, SIGTERM, a closed terminal)."""


class Command(BaseCommand):
    """Runs the children, each with a process group of its own, and ends them all when one ends or we are asked to stop."""

    help = "Run the site, a worker and the schedule together; Ctrl-C stops them all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--threads", type=int, default=8, help="Requests served at once.")

    def handle(self, *args, host: str, port: int, threads: int, **options) -> None:
        settings.VAR_DIR.mkdir(exist_ok=True)
        children: dict[str, subprocess.Popen] = {}
        try:
            for number in STOP_SIGNALS:
                signal.signal(number, _stop)
            children["site"] = _start(_site(host, port, threads))
            children["worker"] = _start(_worker())
            self._announce(host, port)
            ended = _first_to_end(children)
            raise CommandError(f"The {ended} ended by itself (see above), so everything was stopped.")
        except Stop:
            self.stdout.write("\nStopping …")
        finally:
            _end(children)
        self.stdout.write("Stopped.")

    def _announce(self, host: str, port: int) -> None:
        base = f"http://{host}:{port}"
        for name, path in (("Operators", "/admin/"), ("Merchants", "/merchant/"), ("API", "/api/docs/")):
            self.stdout.write(f"  {name:<10} {base}{path}")
        self.stdout.write("Ctrl-C stops everything.")
        self.stdout.flush()


def _stop(number: int, frame: FrameType | None) -> None:
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Stop


def _site(host: str, port: int, threads: int) -> list[str]:
    command = ["gunicorn", "config.wsgi", "--bind", f"{host}:{port}", "--worker-class", "gthread", "--workers", "1"]
    return [*command, "--threads", str(threads), "--no-control-socket", "--log-level", "warning"]


def _worker() -> list[str]:
    command = ["celery", "-A", "config", "worker", "--beat", "--pool", "threads", "--concurrency", "2"]
    return [*command, "--schedule", str(settings.VAR_DIR / "beat-schedule"), "--loglevel", "WARNING"]


def _start(command: list[str]) -> subprocess.Popen:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "config.settings")}
    return subprocess.Popen([sys.executable, "-m", *command], cwd=settings.BASE_DIR, env=environment, process_group=0)


def _first_to_end(children: dict[str, subprocess.Popen]) -> str:
    while True:
        for name, child in children.items():
            if child.poll() is not None:
                return name
        time.sleep(0.2)


def _end(children: dict[str, subprocess.Popen]) -> None:
    """Asks all children to finish what they are doing; what is left of them and of theirs after the time is killed."""
    for child in children.values():
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + STOP_WITHIN_SECONDS
    for child in children.values():
        with suppress(subprocess.TimeoutExpired):
            child.wait(max(0.1, deadline - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
