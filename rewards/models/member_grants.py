from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from members.models import Member

from .allowances import Allowance
from .benefits import Benefit


class MemberGrantQuerySet(models.QuerySet):
    def in_force(self, at):
        """What members have been given, at an instant."""
        taken = Q(revoked_at__isnull=True) | Q(revoked_at__gt=at)
        return self.filter(taken, starts_at__lte=at, ends_at__gt=at)


class MemberGrant(Allowance):
    """A benefit that was given to one member for [starts_at, ends_at): by hand with a reason, or in a birthday pack."""

    class Source(models.TextChoices):
        HAND = "hand", _("By hand")
        BIRTHDAY = "birthday", _("In a birthday pack")

    member = models.ForeignKey(Member, models.PROTECT, related_name="benefit_grants", verbose_name=_("member"))
    benefit = models.ForeignKey(Benefit, models.PROTECT, related_name="member_grants", verbose_name=_("benefit"))
    source = models.CharField(_("given how"), max_length=8, choices=Source, default=Source.HAND)
    reference = models.CharField(_("because of"), max_length=100, help_text=_("Gives once for one cause."))
    reason = models.CharField(_("reason"), max_length=500)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    given_at = models.DateTimeField(_("given at"))
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("given by")
    )
    revoked_at = models.DateTimeField(_("taken back at"), null=True, blank=True)

    objects = MemberGrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("benefit given to a member")
        verbose_name_plural = _("benefits given to members")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["member", "benefit", "reference"], name="member_grant_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="member_grant_ends_after_start"),
            models.CheckConstraint(condition=~Q(reason=""), name="member_grant_has_reason"),
            models.CheckConstraint(condition=Q(quota__isnull=True) | Q(quota__gt=0), name="member_grant_quota"),
        ]

    def __str__(self):
        return f"{self.member}: {self.benefit}"
