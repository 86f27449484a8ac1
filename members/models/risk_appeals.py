import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .members import Member
from .risk_refusals import RiskRefusal


class RiskAppeal(models.Model):
    """A member contests a refusal (PIPL 24): a person decides, another one than who put the rule or block in force."""

    class Status(models.TextChoices):
        OPEN = "open", _("Waits for a decision")
        UPHELD = "upheld", _("The member was right")
        DISMISSED = "dismissed", _("The refusal stands")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    refusal = models.OneToOneField(RiskRefusal, models.PROTECT, related_name="appeal", verbose_name=_("refusal"))
    member = models.ForeignKey(Member, models.PROTECT, related_name="risk_appeals", verbose_name=_("member"))
    text = models.TextField(_("what the member says"), max_length=2000)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.OPEN)
    filed_at = models.DateTimeField(_("filed at"))
    filed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("filed by"),
        help_text=_("Empty: by the member."),
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    note = models.CharField(_("why so"), max_length=500, blank=True, help_text=_("The member reads this."))

    class Meta:
        verbose_name = _("appeal against a refusal")
        verbose_name_plural = _("appeals against refusals")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="open", decided_at=None, decided_by=None)
                | ~Q(status="open") & Q(decided_at__isnull=False, decided_by__isnull=False),
                name="risk_appeal_decided_by_a_person",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | Q(filed_by=None) | ~Q(decided_by=F("filed_by")),
                name="risk_appeal_second_person",
            ),
        ]

    def __str__(self):
        return f"{self.member}: {self.refusal.get_action_display()}"
