import datetime as dt

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common import clock

from .members import Member


class Plan(models.Model):
    """A paid membership, PLUS for example: orthogonal to the tier that is earned (domain.md S2-18). Offers sell it."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)

    class Meta:
        verbose_name = _("paid plan")
        verbose_name_plural = _("paid plans")
        ordering = ["code"]

    def __str__(self):
        return self.name


class Subscription(models.Model):
    """A member's term of a plan: [starts_at, ends_at). A refund or a payment during the trial ends it early."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="subscriptions", verbose_name=_("member"))
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="subscriptions", verbose_name=_("plan"))
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    came_from = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("came from"),
        help_text=_("The term that it goes on with, since the members were merged."),
    )

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gte=F("starts_at")), name="subscription_ends_after_start"),
            models.UniqueConstraint(
                fields=["member", "plan", "starts_at"],
                name="subscription_once",
                condition=Q(ends_at__gt=F("starts_at")),
            ),
        ]
        indexes = [models.Index(fields=["ends_at", "plan"], name="subscription_ending")]

    def __str__(self):
        return f"{self.plan}: {self.starts_at:%Y-%m-%d} – {self.ends_at:%Y-%m-%d}"

    def days_left(self, at: dt.datetime) -> int:
        """Whole local days that are left of the term; the rest of a day that has begun comes besides (`plans.end_of`)."""
        if self.ends_at <= at:
            return 0
        moment = dt.timedelta(microseconds=1)
        last, before = clock.local_date(self.ends_at - moment), clock.local_date(max(at, self.starts_at) - moment)
        return max((last - before).days, 0)
