from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from members.models import Member

from .ladders import Ladder
from .tiers import Tier

HUNDREDTHS = 100


class Standing(models.Model):
    """Where a member stands: growth, coefficient, tier, and when time changes something next.

    Written only under the lock of the member's account (docs/locking.md). Growth is in hundredths and equals the growth
    ledger; `growth` of a member is shown and compared in whole units, rounded down.
    """

    member = models.OneToOneField(
        Member, models.PROTECT, primary_key=True, related_name="standing", verbose_name=_("member")
    )
    growth = models.BigIntegerField(_("growth (hundredths)"), default=0)
    version = models.BigIntegerField(_("growth entries"), default=0)
    grown_at = models.DateTimeField(_("grew last at"), null=True, blank=True)
    coefficient_percent = models.PositiveSmallIntegerField(_("growth coefficient (%)"), default=100)
    ordered_at = models.DateTimeField(_("first completed order"), null=True, blank=True)
    ladder = models.ForeignKey(
        Ladder, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, verbose_name=_("ladder")
    )
    tier = models.ForeignKey(
        Tier, models.PROTECT, null=True, blank=True, related_name="standings", verbose_name=_("tier")
    )
    tier_since = models.DateTimeField(_("tier since"), null=True, blank=True)
    tier_until = models.DateTimeField(_("reviewed at"), null=True, blank=True, help_text=_("Empty = never."))
    in_grace = models.BooleanField(_("in grace"), default=False)
    provisional_until = models.DateTimeField(_("upgrade provisional until"), null=True, blank=True)
    provisional_tier = models.ForeignKey(
        Tier,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("tier before the upgrade"),
    )
    override_until = models.DateTimeField(_("set by hand until"), null=True, blank=True)
    reckoned_on = models.DateField(_("decay booked up to"), null=True, blank=True)
    due_at = models.DateTimeField(_("time changes something at"), null=True, blank=True)
    warned_for = models.DateTimeField(_("warned of the review at"), null=True, blank=True)

    class Meta:
        verbose_name = _("standing")
        verbose_name_plural = _("standings")
        constraints = [
            models.CheckConstraint(condition=Q(growth__gte=0), name="standing_growth_not_negative"),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="standing_due", condition=Q(due_at__isnull=False)),
        ]

    def __str__(self):
        return f"{self.member}: {self.tier}"

    @property
    def whole_growth(self) -> int:
        """Growth as it is shown and compared: whole units, rounded down."""
        return self.growth // HUNDREDTHS


class TierChange(InsertOnlyModel):
    """A member came to another tier, or was confirmed in it by hand: when, why, and with how much growth."""

    class Reason(models.TextChoices):
        JOINED = "joined", _("Joined")
        GROWTH = "growth", _("Growth reached the threshold")
        REVIEW = "review", _("Tier review")
        SOFT_LANDING = "soft_landing", _("Review, one step down")
        REFUND = "refund", _("Refund during a provisional upgrade")
        RANKING = "ranking", _("Ranking")
        LADDER = "ladder", _("A new ladder came into force")
        OVERRIDE = "override", _("Set by hand")
        OVERRIDE_ENDED = "override_end", _("The time set by hand ended")
        MERGE = "merge", _("Members merged")

    member = models.ForeignKey(
        Member, models.PROTECT, related_name="tier_changes", db_index=False, verbose_name=_("member")
    )
    before = models.ForeignKey(
        Tier, models.PROTECT, null=True, related_name="+", db_index=False, verbose_name=_("from")
    )
    after = models.ForeignKey(Tier, models.PROTECT, null=True, related_name="+", db_index=False, verbose_name=_("to"))
    reason = models.CharField(_("reason"), max_length=12, choices=Reason)
    growth = models.BigIntegerField(_("growth (hundredths)"))
    at = models.DateTimeField(_("at"))
    until = models.DateTimeField(_("until"), null=True)
    is_provisional = models.BooleanField(_("provisional"), default=False)
    ladder = models.ForeignKey(
        Ladder, models.PROTECT, null=True, related_name="+", db_index=False, verbose_name=_("ladder")
    )
    reference = models.CharField(_("because of"), max_length=200, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=_("decided by"),
    )

    class Meta:
        verbose_name = _("tier change")
        verbose_name_plural = _("tier changes")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["member", "at"], name="tier_change_member"),
            models.Index(fields=["at"], name="tier_change_at"),
        ]

    def __str__(self):
        return f"{self.member}: {self.before} → {self.after}"
