from django.db import models
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel

from .members import Member


class CreditScore(InsertOnlyModel):
    """An external credit score (Xiaobai type, domain.md S1-09) as of an instant; the newest counts."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="credit_scores", verbose_name=_("member"))
    score = models.PositiveIntegerField(_("score"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("credit score")
        verbose_name_plural = _("credit scores")
        ordering = ["-at", "-id"]
        constraints = [models.UniqueConstraint(fields=["member", "at"], name="credit_score_once")]

    def __str__(self):
        return f"{self.member}: {self.score}"
