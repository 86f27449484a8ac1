"""How far a playback is: a bar with rate and time to go on a terminal, plain lines elsewhere."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

from django.core.management.base import OutputWrapper

from loyalty.services.replay.playback import Playback

WIDTH = 30
PLAIN_EVERY = 10.0
TERMINAL_EVERY = 0.2


class Bar:
    """Shows a playback on `stream`; `share` says how much of the input has been read, 0 to 1."""

    def __init__(self, stream: OutputWrapper, share: Callable[[], float]):
        self._stream, self._share = stream, share
        self._is_terminal = stream.isatty()
        self._started = self._shown = time.monotonic()
        self._first_share = -1.0

    def show(self, playback: Playback) -> None:
        """Show where it is, not more often than an eye or a log wants to see it."""
        now = time.monotonic()
        if now - self._shown >= (TERMINAL_EVERY if self._is_terminal else PLAIN_EVERY):
            self._shown = now
            self._write(self._line(playback, now))

    def close(self) -> None:
        """Leave the terminal's cursor on a line of its own."""
        if self._is_terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _line(self, playback: Playback, now: float) -> str:
        share = min(self._share(), 1.0)
        if self._first_share < 0:
            self._first_share, self._started = share, now
        seconds = playback.seconds["events"]
        rate = f"{playback.sent / seconds:,.0f}/s" if seconds else "–"
        text = f"{share:4.0%} {playback.night} {playback.counts['events']:,} events, {rate}, {self._left(share, now)} to go"
        if not self._is_terminal:
            return text
        full = round(WIDTH * share)
        return f"[{'█' * full}{'·' * (WIDTH - full)}] {text}"

    def _left(self, share: float, now: float) -> str:
        done = share - self._first_share
        if done <= 0:
            return "–"
        return str(dt.timedelta(seconds=round((now - self._started) * (1 - share) / done)))

    def _write(self, line: str) -> None:
        self._stream.write(f"\r\x1b[K{line}" if self._is_terminal else f"{line}\n")
        self._stream.flush()
