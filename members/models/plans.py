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
    """A member's term of a plan: [starts_at, ends_at). A refund or a payment during the trial ends it early.

    A merge ends it, too: it goes on as another term of who remains, and is what was bought from then on (domain.md E58).
    """

    member = models.ForeignKey(Member, models.PROTECT, related_name="subscriptions", verbose_name=_("member"))
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="subscriptions", verbose_name=_("plan"))
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    origin = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="parts",
        verbose_name=_("goes on with"),
        help_text=_("The term that it goes on with since members were merged, or parted; the first one of several."),
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

    @property
    def began_at(self) -> dt.datetime:
        """When its first day began: of a term that goes on with another since a merge, mostly the other's start (E58)."""
        origin = self.origin
        return origin.starts_at if origin is not None and origin.ends_at > origin.starts_at else self.starts_at

    def run(self, at: dt.datetime) -> dt.timedelta:
        """For how long it has run by an instant."""
        return max(min(at, self.ends_at) - self.starts_at, dt.timedelta())

    def days_left(self, at: dt.datetime) -> int:
        """Whole local days that are left of the term; the rest of a day that has begun comes besides (`plans.end_of`)."""
        if self.ends_at <= at:
            return 0
        moment = dt.timedelta(microseconds=1)
        last, before = clock.local_date(self.ends_at - moment), clock.local_date(max(at, self.starts_at) - moment)
        return max((last - before).days, 0)
