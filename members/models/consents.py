from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .members import Member


class Consent(models.Model):
    """What a member agreed to, for one purpose and one recipient, from when to when; one row a consent, so the history stays.

    `recipient` is the code under which the world knows the merchant (a floor above); empty means the programme itself.
    PIPL 23 asks for a separate consent that names the recipient and the purpose; withdrawing is as easy as giving.
    """

    class Purpose(models.TextChoices):
        INSIGHT = "insight", _("Show my purchases and score band to the merchant")
        CONTACT = "contact", _("Send me messages of the merchant")
        LINK = "link", _("Link the merchant's own membership with mine")
        PERSONALISE = "personalise", _("Recommend by what I bought")

    member = models.ForeignKey(Member, models.PROTECT, related_name="consents", verbose_name=_("member"))
    purpose = models.CharField(_("purpose"), max_length=12, choices=Purpose)
    recipient = models.CharField(
        _("recipient"), max_length=60, blank=True, help_text=_("A merchant's code, or nobody.")
    )
    source = models.CharField(_("given at"), max_length=40, help_text=_("The channel where it was given: app, store …"))
    given_at = models.DateTimeField(_("given at"))
    ended_by = models.ForeignKey(
        Member,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("ended by merging with"),
        help_text=_("Empty when the member took it back; else it comes back when the two part."),
    )
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ["-given_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["member", "purpose", "recipient"], name="consent_open_once", condition=Q(withdrawn_at=None)
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | Q(withdrawn_at__gte=F("given_at")), name="consent_ends_after_start"
            ),
        ]
        indexes = [
            models.Index(fields=["recipient", "purpose", "member"], name="consent_open", condition=Q(withdrawn_at=None))
        ]

    def __str__(self):
        return f"{self.member}: {self.get_purpose_display()}"
