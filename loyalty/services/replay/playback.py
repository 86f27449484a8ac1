"""A recorded stream of events on its way through the platform, with the events' own time as the clock.

It can be stopped at any instant, kill -9 included, and gone on with: a JobRun remembers how many events were sent, and
an event that was sent before the stop but not yet counted is a duplicate to the inbox.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from common import clock
from common.models import JobRun
from common.services import inbox
from loyalty.services.replay import envelopes, nights

Batch = tuple[dt.date, list[dict]]


class Playback:
    """`job` names the stream: the same name goes on where it was. `watch` is called after each batch and each night.

    `prepare` may still change the events of a batch just before they are sent, but must do the same after a stop.
    """

    def __init__(
        self,
        job: str,
        as_of: dt.datetime,
        at: dt.datetime,
        *,
        size: int = 500,
        with_nights: bool = True,
        prepare: Callable[[list[dict], dt.datetime], list[dict]] = lambda events, at: events,
        watch: Callable[[Playback], None] = lambda playback: None,
    ):
        self.run, _created = JobRun.objects.get_or_create(job=job, defaults={"as_of": as_of, "started_at": at})
        self.counts = Counter({name: n for name, n in self.run.counts.items() if name != "night"})
        self.night = _date(self.run.counts.get("night"))
        self.resumed_at = self.counts["events"]
        self.refusals: list[dict] = []
        self.seconds: dict[str, float] = defaultdict(float)
        self._at, self._started = at, time.monotonic()
        self._size, self._with_nights, self._prepare, self._watch = size, with_nights, prepare, watch

    @property
    def is_done(self) -> bool:
        return self.run.status == JobRun.Status.DONE

    @property
    def sent(self) -> int:
        """Events sent since this start."""
        return self.counts["events"] - self.resumed_at

    def play(self, events: Iterable[dict], until: dt.date | None = None) -> None:
        """Send what was not sent yet, up to and including the local day `until`, and live through the nights.

        The nights go on to `until` when the events end before it, else to the night after the last event.
        """
        exhausted = True
        rest = islice(events, self.counts["events"], None)
        for day, batch in batches(rest, self._size, by_day=self._with_nights, until=until):
            if until is not None and day > until:
                exhausted = False
                break
            self._pass_nights(day)
            self._send(batch)
        if self.night is not None:
            self._pass_nights(self._morning_after(self.night, until))
            if self._with_nights:
                nights.look(self.night)
            self._finish(exhausted)

    def _send(self, batch: list[dict]) -> None:
        started = time.perf_counter()
        at = envelopes.time_of(batch[-1])
        results = inbox.receive(self._prepare(batch, at), at)
        self.counts["events"] += len(batch)
        self.counts.update(result["status"] for result in results)
        self.refusals += [result for result in results if result["status"] == "rejected"][: 10 - len(self.refusals)]
        self._save()
        self.seconds["events"] += time.perf_counter() - started
        self._watch(self)

    def _pass_nights(self, day: dt.date) -> None:
        """Live on until the local day `day` has begun."""
        started = time.perf_counter()
        if self.night is None or not self._with_nights:
            self.night = day
        for night in nights.pass_until(self.night, day):
            self.night = night
            self._watch(self)
        if self.run.counts.get("night") != str(self.night):
            self._save()
        self.seconds["nights"] += time.perf_counter() - started

    def _morning_after(self, night: dt.date, until: dt.date | None) -> dt.date:
        """The day on which the story ends: the one after `until`, else after the last event's day."""
        if until is None and self.is_done:
            return night
        return (until or night) + dt.timedelta(days=1)

    def _save(self) -> None:
        self.run.counts = {**self.counts, "night": str(self.night)}
        self.run.save(update_fields=["counts"])

    def _finish(self, exhausted: bool) -> None:
        elapsed = dt.timedelta(seconds=time.monotonic() - self._started)
        self.run.status = JobRun.Status.DONE if exhausted else JobRun.Status.RUNNING
        self.run.finished_at = self._at + elapsed if exhausted else None
        self.run.save(update_fields=["status", "finished_at"])


def batches(events: Iterable[dict], size: int, *, by_day: bool = True, until: dt.date | None = None) -> Iterator[Batch]:
    """Consecutive events, at most `size` together, with the local day of the first: of one day, if they are kept apart by
    days, else at least not from both sides of the end of the day `until`."""
    day, batch = dt.date.min, []
    for event in events:
        event_day = clock.local_date(envelopes.time_of(event))
        is_apart = event_day != day if by_day else until is not None and day <= until < event_day
        if batch and (is_apart or len(batch) == size):
            yield day, batch
            batch = []
        if not batch:
            day = event_day
        batch.append(event)
    if batch:
        yield day, batch


def _date(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None
