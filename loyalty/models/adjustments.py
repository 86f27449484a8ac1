import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel

from .accounts import Account


class Adjustment(InsertOnlyModel):
    """Points given or taken by a person, with a reason. A wrong one is repaired by a further one that names it."""

    class Category(models.TextChoices):
        GOODWILL = "goodwill", _("Goodwill")
        CORRECTION = "correction", _("Correction of an error")
        RESCUE = "rescue", _("Rescue of expired points")
        WRITE_OFF = "write_off", _("Write-off of debt")
        REVERSAL = "reversal", _("Reversal of an adjustment")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    account = models.ForeignKey(Account, models.PROTECT, related_name="adjustments", verbose_name=_("account"))
    points = models.BigIntegerField(_("points"), help_text=_("Negative takes points away."))
    category = models.CharField(_("category"), max_length=12, choices=Category)
    reason = models.CharField(_("reason"), max_length=500)
    expires_at = models.DateTimeField(_("the points expire at"), null=True, blank=True)
    reverses = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reversed_by", verbose_name=_("reverses")
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("staff member"),
    )
    actor_label = models.CharField(_("by"), max_length=150)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("adjustment")
        verbose_name_plural = _("adjustments")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(points=0), name="adjustment_moves_something"),
            models.CheckConstraint(condition=~Q(reason=""), name="adjustment_has_reason"),
        ]

    def __str__(self):
        return f"{self.points:+d} ({self.get_category_display()})"
