"""The embedded broker: kombu's file system transport, made atomic, so that a demo needs no server.

The stock transport lets a reader see a half-written message, which ends the worker (kombu#1551). Here a message gets its
name when it is complete, and bindings are written one at a time and read only when nobody writes them. A killed worker
still loses what it holds: the outbox and the jobs do not depend on messages arriving
(docs/decisions/0003-outbox-drained-by-beat.md).
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time_ns

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """Messages are files that appear whole."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for folder in (self.data_folder_in, self.data_folder_out, self.control_folder):
            Path(folder).mkdir(parents=True, exist_ok=True)

    def _put(self, queue, payload, **kwargs):
        path = Path(self.data_folder_out, f"{time_ns()}_{uuid.uuid4()}.{queue}.msg")
        draft = path.with_suffix(".draft")
        draft.write_text(dumps(payload))
        os.replace(draft, path)

    def _queue_bind(self, *args):
        with self._bindings(fcntl.LOCK_EX):
            super()._queue_bind(*args)

    def get_table(self, exchange):
        with self._bindings(fcntl.LOCK_SH):
            return super().get_table(exchange)

    @contextmanager
    def _bindings(self, mode: int) -> Iterator[None]:
        """The stock transport empties a binding file before it locks it: readers and writers wait here instead."""
        with open(self.control_folder / "lock", "w") as lock:
            fcntl.flock(lock, mode)
            yield


class Transport(filesystem.Transport):
    """kombu finds it by the broker address safefs://."""

    Channel = Channel


TRANSPORT_ALIASES["safefs"] = "config.safefs:Transport"
