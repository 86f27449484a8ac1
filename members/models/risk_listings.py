import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .members import Member
from .risk_rules import RiskRuleVersion


class RiskListingQuerySet(models.QuerySet):
    def in_force(self, at):
        """Those that have begun by `at` and have not ended; at its end a listing no longer counts."""
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=at), starts_at__lte=at)


class RiskListing(models.Model):
    """Somebody or something on the deny-list or the allow-list, for some actions and a time.

    Deny beats everything, allow beats the rules. A lifted one ends at that instant; rows stay as the history.
    """

    class Kind(models.TextChoices):
        DENY = "deny", _("Denied")
        ALLOW = "allow", _("Allowed, whatever the rules say")

    class By(models.TextChoices):
        MEMBER = "member", _("Member")
        DEVICE = "device", _("Device")
        ADDRESS = "address", _("Network address")
        PHONE = "phone", _("Phone number")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    kind = models.CharField(_("list"), max_length=5, choices=Kind, default=Kind.DENY)
    by = models.CharField(_("known by"), max_length=7, choices=By, default=By.MEMBER)
    subject = models.CharField(_("who or what"), max_length=100, help_text=_("A member's external id, or a digest."))
    member = models.ForeignKey(
        Member, models.PROTECT, null=True, blank=True, related_name="risk_listings", verbose_name=_("member")
    )
    actions = models.JSONField(_("for"), default=list, blank=True, help_text=_("Nothing chosen: everything."))
    reason = models.CharField(_("why"), max_length=300, help_text=_("The member may ask: write what can be said."))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), null=True, blank=True, help_text=_("Empty: until somebody lifts it."))
    version = models.ForeignKey(
        RiskRuleVersion, models.PROTECT, null=True, blank=True, related_name="blocks", verbose_name=_("by the rule")
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("entered by")
    )
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("lifted by")
    )

    objects = RiskListingQuerySet.as_manager()

    class Meta:
        verbose_name = _("entry of the deny-list or allow-list")
        verbose_name_plural = _("deny-list and allow-list")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gte=F("starts_at")), name="risk_listing_ends_after_start"
            ),
            models.CheckConstraint(
                condition=~Q(by="member") | Q(member__isnull=False), name="risk_listing_names_member"
            ),
        ]
        indexes = [models.Index(fields=["by", "subject"], name="risk_listing_subject")]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.shown}"

    @property
    def shown(self) -> str:
        """Who or what, as a person reads it; of a digest, its beginning."""
        return str(self.member) if self.member_id else f"{self.get_by_display()} {self.subject[:8]}…"

    def is_in_force(self, at) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)

    def covers(self, action: str) -> bool:
        return not self.actions or action in self.actions
