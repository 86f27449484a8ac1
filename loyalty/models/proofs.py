from django.db import models
from django.utils.translation import gettext_lazy as _

from common.models import JobRun
from common.models.base import InsertOnlyModel


class Proof(InsertOnlyModel):
    """The answer of one invariant in one run of the proof: how many offenders, and the first of them."""

    run = models.ForeignKey(JobRun, models.PROTECT, related_name="proofs", verbose_name=_("run"))
    invariant = models.CharField(_("invariant"), max_length=60)
    offenders = models.PositiveBigIntegerField(_("offenders"))
    sample = models.JSONField(_("first offenders"), default=list)
    duration_ms = models.PositiveIntegerField(_("duration (ms)"))

    class Meta:
        verbose_name = _("proof")
        verbose_name_plural = _("proofs")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["run", "invariant"], name="proof_once")]

    def __str__(self):
        return f"{self.invariant}: {self.offenders}"
