from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class JobRun(models.Model):
    """One run of a nightly job for one instant. (job, as_of) is its identity: a second run goes on with the first."""

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    job = models.CharField(_("job"), max_length=60)
    as_of = models.DateTimeField(_("as of"), help_text=_("The instant the job works for; not when it ran."))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.RUNNING)
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    counts = models.JSONField(_("counts"), default=dict, help_text=_("What it did, in words and numbers."))
    error = models.TextField(_("error"), blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("requested by"),
        help_text=_("Empty when the schedule asked for it."),
    )

    class Meta:
        verbose_name = _("job run")
        verbose_name_plural = _("job runs")
        ordering = ["-started_at"]
        constraints = [models.UniqueConstraint(fields=["job", "as_of"], name="job_run_once")]

    def __str__(self):
        return f"{self.job} {self.as_of:%Y-%m-%d %H:%M}"


class JobChunk(models.Model):
    """One range of keys of a run; done_at is set in the transaction that does its work."""

    run = models.ForeignKey(JobRun, models.CASCADE, related_name="chunks", verbose_name=_("run"))
    first_id = models.BigIntegerField(_("first id"))
    last_id = models.BigIntegerField(_("last id"))
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)
    counts = models.JSONField(_("counts"), default=dict)

    class Meta:
        verbose_name = _("job chunk")
        verbose_name_plural = _("job chunks")
        ordering = ["first_id"]
        constraints = [models.UniqueConstraint(fields=["run", "first_id"], name="job_chunk_once")]
        indexes = [models.Index(fields=["run", "first_id"], name="job_chunk_open", condition=Q(done_at=None))]

    def __str__(self):
        return f"{self.run} {self.first_id}–{self.last_id}"
