"""Load: a web server of our own, and clients that keep it busy."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

Operation = Callable[[int], None]


@contextmanager
def web_server(database_url: str, workers: int) -> Iterator[int]:
    """The site under gunicorn on a free port of the loopback, as production runs it; yields the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
        "THROTTLE_SERVER": "100000000/min",
    }
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    command += ["--worker-class", "gthread", "--workers", str(workers), "--threads", "2", "--keep-alive", "60"]
    server = subprocess.Popen(command, env=environment)
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    for _attempt in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the web server did not come up")


def http_client(port: int, key: str) -> Callable[..., Any]:
    """A client with one connection: (method, path, body) → the answer's JSON. Raises on any other status than 2xx."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Authorization": f"Key {key}", "Content-Type": "application/json"}

    def call(method: str, path: str, body: Any = None) -> Any:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        if not 200 <= answer.status < 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text)

    return call


def bare(port: int, operations: int, clients: int) -> float:
    """Seconds for as many requests that only ask whether the server is there: no key, no checks, `SELECT 1`."""

    def make() -> Operation:
        call = http_client(port, "none")
        return lambda number: call("GET", "/healthz")

    return drive(make, operations, clients, warm_up=10 * clients)


def sql_client(database_url: str, statement: str) -> Callable[[dict], Any]:
    """A client with one connection that runs one prepared statement a transaction."""
    connection = psycopg.connect(database_url, autocommit=True, prepare_threshold=1)
    return lambda params: connection.execute(statement, params).fetchall()


def drive(make: Callable[[], Operation], count: int, clients: int, *, warm_up: int) -> float:
    """Seconds that `clients` threads take for operations 0 … count − 1 together; each makes its own connection.

    Operations count … count + warm_up − 1 come first and are not timed: connections, caches and plans are then there.
    """
    barrier = threading.Barrier(clients + 1)
    failures: list[BaseException] = []

    def work(first: int) -> None:
        try:
            operation = make()
            for number in range(count + first, count + warm_up, clients):
                operation(number)
            barrier.wait()
            for number in range(first, count, clients):
                operation(number)
        except BaseException as failure:
            failures.append(failure)
            barrier.abort()

    threads = [threading.Thread(target=work, args=[first]) for first in range(clients)]
    for thread in threads:
        thread.start()
    try:
        barrier.wait()
        started = time.perf_counter()
    except threading.BrokenBarrierError:
        started = 0.0
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - started
    if failures:
        raise failures[0]
    return elapsed
