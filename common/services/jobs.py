"""Nightly work: a job for one instant, cut into ranges of keys, resumable and safe to run twice."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import transaction

from common.models import JobChunk, JobRun, Staff
from common.services import faults

logger = logging.getLogger(__name__)

R = TypeVar("R")
Spans = Callable[[], Iterable[tuple[int, int]]]
Work = Callable[[int, int], dict[str, int]]


def run(
    job: str,
    as_of: datetime,
    *,
    spans: Spans,
    work: Work,
    at: datetime,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Do the job for the instant `as_of`, or go on with it; return its row when every chunk is done.

    `spans()` gives the ranges (first id, last id), once for the whole run. `work(first, last)` does one range inside
    the chunk's transaction and returns what it did in numbers; the sums stand in `counts`. Several workers may call
    this at once with the same arguments: each chunk is done by one of them. An exception of `work` rolls its chunk
    back, marks the run failed and is raised; calling again goes on from there.
    """
    started = time.monotonic()
    run = _begin(job, as_of, spans, at, requested_by)
    total = run.chunks.count()
    while run.status != JobRun.Status.DONE:
        try:
            worked = _do_next(run, work, at, wait=False) or _do_next(run, work, at, wait=True)
        except Exception:
            _fail(run, at + timedelta(seconds=time.monotonic() - started))
            raise
        waiting = run.chunks.filter(done_at=None)
        if progress and worked:
            progress(total - waiting.count(), total)
        if not worked and not waiting.exists():
            _finish(run, at + timedelta(seconds=time.monotonic() - started))
    return run


def each(rows: Iterable[R], work: Callable[[R], object]) -> int:
    """Work for every row; one that fails does not keep the others waiting. How many there were; the last failure is raised."""
    count, failure = 0, None
    for row in rows:
        count += 1
        try:
            work(row)
        except Exception as error:
            logger.exception("%s failed", row)
            failure = error
    if failure is not None:
        raise failure
    return count


def _begin(job: str, as_of: datetime, spans: Spans, at: datetime, requested_by: Staff | None) -> JobRun:
    """The run's row with its chunks, planned by whoever comes first."""
    with transaction.atomic():
        run, _ = JobRun.objects.get_or_create(
            job=job, as_of=as_of, defaults={"started_at": at, "requested_by": requested_by}
        )
        run = JobRun.objects.select_for_update().get(pk=run.pk)
        if run.status == JobRun.Status.DONE:
            return run
        if not run.chunks.exists():
            JobChunk.objects.bulk_create(
                [JobChunk(run=run, first_id=first, last_id=last) for first, last in spans()], batch_size=1000
            )
        if run.status == JobRun.Status.FAILED:
            run.status, run.error, run.finished_at = JobRun.Status.RUNNING, "", None
            run.save(update_fields=["status", "error", "finished_at"])
        return run


def _do_next(run: JobRun, work: Work, at: datetime, *, wait: bool) -> bool:
    """Do one open chunk; False if there is none. With `wait`, one that another worker holds is waited for:

    should that worker die, its chunk comes free and is done here.
    """
    with transaction.atomic(durable=True):
        chunk = run.chunks.select_for_update(skip_locked=not wait).filter(done_at=None).order_by("first_id").first()
        if chunk is None:
            return False
        chunk.counts = work(chunk.first_id, chunk.last_id) or {}
        chunk.done_at = at
        chunk.save(update_fields=["counts", "done_at"])
        return True


def _finish(run: JobRun, at: datetime) -> None:
    counts: Counter[str] = Counter()
    for chunk_counts in run.chunks.values_list("counts", flat=True):
        counts.update(chunk_counts)
    run.status, run.counts, run.error, run.finished_at = JobRun.Status.DONE, dict(counts), "", at
    run.save(update_fields=["status", "counts", "error", "finished_at"])


def _fail(run: JobRun, at: datetime) -> None:
    run.status, run.error, run.finished_at = JobRun.Status.FAILED, faults.trace(), at
    run.save(update_fields=["status", "error", "finished_at"])
