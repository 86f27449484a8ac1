import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .holds import Hold


class Quarantine(models.Model):
    """A case: points that are set aside while somebody looks into how they came about (domain.md E20).

    Nobody can spend them, and their time stands still. One person, or a rule, opens it with the evidence; it ends with
    the points released, or, by a second person, taken back.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("Being looked into")
        RELEASED = "released", _("Released")
        REVERSED = "reversed", _("Taken back")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    title = models.CharField(_("case"), max_length=100)
    evidence = models.TextField(_("evidence"), max_length=4000)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.OPEN)
    opened_at = models.DateTimeField(_("opened at"))
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("opened by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    note = models.CharField(_("why so"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("quarantine")
        verbose_name_plural = _("quarantines")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="open", decided_at=None) | (~Q(status="open") & Q(decided_at__isnull=False)),
                name="quarantine_decided_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="reversed")
                | Q(decided_by__isnull=False) & (Q(opened_by=None) | ~Q(decided_by=F("opened_by"))),
                name="quarantine_second_person",
            ),
        ]

    def __str__(self):
        return self.title


class QuarantinedHold(models.Model):
    """The points of one account in a case; the hold's draws name the lots. Checkouts cannot touch such a hold."""

    quarantine = models.ForeignKey(Quarantine, models.PROTECT, related_name="holds", verbose_name=_("case"))
    hold = models.OneToOneField(Hold, models.PROTECT, related_name="quarantined", verbose_name=_("hold"))

    class Meta:
        verbose_name = _("quarantined points")
        verbose_name_plural = _("quarantined points")

    def __str__(self):
        return f"{self.quarantine}: {self.hold_id}"
