"""Runs of nightly jobs. Which jobs can be started by hand is said by the floors above (`register`)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Protocol

from django.contrib import admin, messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.models import JobRun, Staff
from common.problems import Problem
from common.services import audit

from . import confirm, tags, words
from .base import ReadOnlyAdmin, actor, refuse


class Start(Protocol):
    """Goes on with the job's run of `as_of`, or makes one."""

    def __call__(self, as_of: dt.datetime, at: dt.datetime, *, requested_by: Staff | None = None) -> JobRun: ...


_NUMBER = re.compile(r"\d+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A row's id or uuid, which says nothing to people."""

_jobs: dict[str, Start] = {}
_titles: dict[str, Any] = {}


def register(job: str, title: Any, start: Start | None = None) -> None:
    """Call the job by a name that people know; with `start`, operators can go on with its runs."""
    _titles[job] = title
    if start is not None:
        _jobs[job] = start


def title(job: str) -> str:
    """What people call the job; of one that runs for one thing (`give-gifts-double-joy`) also for which, by its code."""
    if job in _titles:
        return str(_titles[job])
    kind = max((name for name in _titles if job.startswith((f"{name}-", f"{name}:"))), key=len, default="")
    which = job[len(kind) + 1 :]
    return f"{_titles[kind]}: {which}" if kind and not _NUMBER.fullmatch(which) else str(_titles.get(kind, job))


def say(counts: dict) -> str:
    """What a run did, in one line; the names of counts are translated where the catalogue knows them."""
    parts = (
        f"{_count(name)} {words.number(value) if isinstance(value, int) else value}" for name, value in counts.items()
    )
    return "; ".join(parts) or "–"


def _count(name: str) -> str:
    """What was counted (`at-risk: joined`), behind the code of what it was counted for."""
    which, colon, what = name.replace("_", " ").rpartition(": ")
    return which + colon + gettext(what)


class JobFilter(admin.SimpleListFilter):
    """Jobs by the names that people know."""

    title = _("job")
    parameter_name = "job"

    def lookups(self, request, model_admin):
        jobs = JobRun.objects.order_by().values_list("job", flat=True).distinct()
        return sorted(((job, title(job)) for job in jobs), key=lambda pair: pair[1])

    def queryset(self, request, queryset):
        return queryset.filter(job=self.value()) if self.value() else queryset


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    """What the night did, as a progress bar and in numbers."""

    empty = _("No job has run yet. The schedule starts them at night.")
    list_display = ["job_title", "as_of", "status_label", "progress", "duration", "did", "requested"]
    list_filter = [JobFilter, "status"]
    date_hierarchy = "as_of"
    list_select_related = ["requested_by"]
    fields = [
        "job_title",
        "as_of",
        "status_label",
        "progress",
        "started_at",
        "finished_at",
        "duration",
        "requested",
        "numbers",
        "error_text",
    ]
    readonly_fields = ["job_title", "status_label", "progress", "duration", "did", "requested", "numbers", "error_text"]
    actions_detail = ["run_again"]

    def get_queryset(self, request):
        done = Count("chunks", filter=Q(chunks__done_at__isnull=False))
        return super().get_queryset(request).annotate(chunk_count=Count("chunks"), done_count=done)

    def has_run_again_permission(self, request: HttpRequest, object_id=None) -> bool:
        """Whoever may run jobs, for a job that can be run by hand and is not done."""
        if not request.user.has_perm("common.run_jobrun"):
            return False
        run = JobRun.objects.filter(pk=object_id).only("job", "status").first() if object_id else None
        return run is not None and run.job in _jobs and run.status != JobRun.Status.DONE

    @action(description=_("Go on with this run"), icon="play_arrow", permissions=["run_again"])
    def run_again(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Go on where the run stopped; what is done stays done."""
        run = get_object_or_404(JobRun, pk=object_id)
        at = timezone.now()
        if request.method != "POST":
            says = [gettext("The job goes on where it stopped; what is done stays done.")]
            return confirm.page(
                self, request, run, title=gettext("Go on with this run?"), says=says, submit=gettext("Go on")
            )
        audit.record(actor(request), "common.jobs.run_again", run, gettext("Run again: %s") % run, at)
        try:
            _jobs[run.job](run.as_of, at, requested_by=request.user)
            messages.success(request, gettext("The run is done."))
        except Problem as problem:
            refuse(request, problem)
        return redirect("admin:common_jobrun_change", object_id)

    @admin.display(description=_("job"), ordering="job")
    def job_title(self, run):
        return title(run.job)

    @tags.tagged(_("status"), {"running": tags.NEWS, "done": tags.GOOD, "failed": tags.BAD})
    def status_label(self, run):
        return run.status, run.get_status_display()

    @admin.display(description=_("progress"))
    def progress(self, run):
        if not run.chunk_count:
            return gettext("nothing to do") if run.status == JobRun.Status.DONE else "–"
        percent = run.done_count * 100 // run.chunk_count
        return format_html(
            '<div class="lp-bar" role="progressbar" aria-valuenow="{0}" aria-valuemin="0" aria-valuemax="100"'
            ' aria-label="{1}"><i style="width:{0}%"></i></div><small>{2} / {3}</small>',
            percent,
            gettext("progress"),
            words.number(run.done_count),
            words.number(run.chunk_count),
        )

    @admin.display(description=_("duration"))
    def duration(self, run):
        if run.finished_at is None:
            return "–"
        seconds = (run.finished_at - run.started_at).total_seconds()
        return gettext("%.1f s") % seconds if seconds < 120 else gettext("%d min") % (seconds // 60)

    @admin.display(description=_("what it did"))
    def did(self, run):
        return say(run.counts)

    @admin.display(description=_("requested by"))
    def requested(self, run):
        return run.requested_by or gettext("the schedule")

    @admin.display(description=_("what it did"))
    def numbers(self, run):
        return words.pairs({_count(name): value for name, value in run.counts.items()})

    @admin.display(description=_("error"))
    def error_text(self, run):
        return format_html('<pre class="lp-json">{}</pre>', run.error) if run.error else "–"
