from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from .accounts import Account


class Campaign(models.Model):
    """A time window with a budget of points and somebody who pays for them. Rules belong to it or to none."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ACTIVE = "active", _("Active")
        STOPPED = "stopped", _("Stopped")
        UNDONE = "undone", _("Undone")

    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=100)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    budget = models.BigIntegerField(_("budget (points)"), null=True, blank=True, help_text=_("Empty means no limit."))
    spent = models.BigIntegerField(_("spent (points)"), default=0, editable=False)
    funder = models.ForeignKey(
        Account,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="campaigns",
        limit_choices_to={"kind": "purse"},
        verbose_name=_("funder"),
        help_text=_("Whose purse pays; empty means the platform."),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("created by"),
    )
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("activated by"),
    )

    history = HistoricalRecords(excluded_fields=["spent"])

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="campaign_ends_after_start"),
            models.CheckConstraint(
                condition=Q(spent__gte=0) & (Q(budget__isnull=True) | Q(spent__lte=F("budget"))),
                name="campaign_within_budget",
            ),
        ]

    def __str__(self):
        return self.name
