import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common import clock
from common.models.base import InsertOnlyModel

from .members import Member
from .risk_listings import RiskListing
from .risk_rules import RiskRuleVersion
from .risk_words import Action, Outcome


class RiskRefusal(InsertOnlyModel):
    """A rule or the deny-list met an attempt: what was refused, watched, or, in shadow, would have been refused."""

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    member = models.ForeignKey(
        Member, models.PROTECT, null=True, related_name="risk_refusals", db_index=False, verbose_name=_("member")
    )
    subject = models.CharField(_("external id"), max_length=100)
    action = models.CharField(_("what"), max_length=16, choices=Action)
    outcome = models.CharField(_("then"), max_length=8, choices=Outcome)
    is_shadow = models.BooleanField(_("in shadow"), default=False)
    version = models.ForeignKey(
        RiskRuleVersion,
        models.PROTECT,
        null=True,
        related_name="refusals",
        db_index=False,
        verbose_name=_("by the rule"),
    )
    listing = models.ForeignKey(
        RiskListing, models.PROTECT, null=True, related_name="refusals", verbose_name=_("by the list")
    )
    facts = models.JSONField(_("what was known"), default=dict)
    reference = models.CharField(_("of which"), max_length=210, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("refusal by risk")
        verbose_name_plural = _("refusals by risk")
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(version__isnull=False, listing=None) | Q(version=None, listing__isnull=False),
                name="risk_refusal_has_one_reason",
            )
        ]
        indexes = [
            models.Index(fields=["member", "-at"], name="risk_refusal_member"),
            models.Index(fields=["version", "-at"], name="risk_refusal_version"),
            models.Index(fields=["-at"], name="risk_refusal_at"),
        ]

    def __str__(self):
        return f"{self.get_action_display()}: {self.subject}"

    @property
    def refuses(self) -> bool:
        """Whether the attempt was really turned down."""
        return not self.is_shadow and self.outcome in (Outcome.REFUSE, Outcome.BLOCK)

    @property
    def reason(self) -> str:
        """What the member reads, in the language at hand."""
        if self.version is not None:
            return self.version.reason
        if self.listing is None or self.listing.ends_at is None:
            return gettext("This is blocked for you. You can ask us to look into it.")
        day = clock.local_date(self.listing.ends_at)
        return gettext("This is blocked for you until %s. You can ask us to look into it.") % day.isoformat()
