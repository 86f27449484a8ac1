import datetime as dt

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from members.models import Member

from .lifecycle import Lifecycle


class MemberStats(models.Model):
    """What the last night found out about an active member: the five criteria, RFM and the life cycle (domain.md F14, F24).

    Written by services/member_stats.py only. Money in minor units. `…_12m` covers the twelve months up to the day
    before `measured_at`; an order of which nothing was kept does not count, except that nobody is new twice:
    `first_order_on` is the first order ever completed. Orders of members merged into this one are this one's (E58).
    """

    member = models.OneToOneField(
        Member, models.PROTECT, primary_key=True, related_name="stats", verbose_name=_("member")
    )
    measured_at = models.DateTimeField(_("as of"))

    first_order_on = models.DateField(_("first order"), null=True)
    last_order_on = models.DateField(_("last order"), null=True)
    orders_12m = models.PositiveIntegerField(_("orders in 12 months"), default=0)
    order_days_12m = models.PositiveIntegerField(_("order days in 12 months"), default=0)
    net_cash_12m = models.BigIntegerField(_("spend in 12 months"), default=0)
    lines_12m = models.PositiveIntegerField(_("order lines in 12 months"), default=0)
    causeless_12m = models.PositiveIntegerField(_("lines returned without cause in 12 months"), default=0)
    reviews_12m = models.PositiveIntegerField(_("reviews in 12 months"), default=0)
    photo_reviews_12m = models.PositiveIntegerField(_("photo reviews in 12 months"), default=0)
    login_days_12m = models.PositiveIntegerField(_("log-in days in 12 months"), default=0)
    median_gap_half_days = models.PositiveIntegerField(
        _("median gap between order days (half days)"),
        default=0,
        help_text=_("In half days, because the median of an even number may lie between two days; 0 = no gap yet."),
    )
    channels = models.PositiveSmallIntegerField(_("channels used"), default=0)
    categories = models.PositiveIntegerField(_("categories bought"), default=0)

    r = models.PositiveSmallIntegerField(_("recency"), null=True, help_text=_("5 = ordered most recently."))
    f = models.PositiveSmallIntegerField(_("frequency"), null=True, help_text=_("5 = ordered on most days."))
    m = models.PositiveSmallIntegerField(_("money"), null=True, help_text=_("5 = spent most."))
    rfm = models.GeneratedField(
        expression=F("r") * 100 + F("f") * 10 + F("m"),
        output_field=models.PositiveSmallIntegerField(_("RFM"), null=True),
        db_persist=True,
        verbose_name=_("RFM"),
    )

    lifecycle = models.CharField(_("life cycle"), max_length=10, choices=Lifecycle)
    lifecycle_since = models.DateTimeField(_("since"))
    lifecycle_before = models.CharField(_("before"), max_length=10, choices=Lifecycle, blank=True)

    class Meta:
        verbose_name = _("member in figures")
        verbose_name_plural = _("members in figures")
        ordering = ["-member_id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(r__isnull=True, f__isnull=True, m__isnull=True)
                | Q(r__range=(1, 5), f__range=(1, 5), m__range=(1, 5), last_order_on__isnull=False),
                name="stats_quintiles",
            ),
        ]
        indexes = [
            models.Index(fields=["lifecycle"], name="stats_lifecycle"),
            models.Index(fields=["r", "f"], name="stats_rf"),
        ]

    def __str__(self):
        return f"{self.member_id} {self.rfm or '–'} {self.lifecycle}"


class Quintiles(models.Model):
    """Where the five classes of R, F and M were cut on one night, over all members who ever ordered (domain.md F14).

    Each list holds four values, ascending: a member stands in class 1 + the number of values that his own lies above,
    so equal values share a class. Recency in days of the calendar, frequency in order days, money in minor units.
    """

    as_of = models.DateTimeField(_("as of"), unique=True)
    members = models.PositiveBigIntegerField(_("members"))
    recency = models.JSONField(_("recency"))
    frequency = models.JSONField(_("frequency"))
    money = models.JSONField(_("money"))

    class Meta:
        verbose_name = _("quintiles")
        verbose_name_plural = _("quintiles")
        ordering = ["-as_of"]

    def __str__(self):
        return f"{self.as_of:%Y-%m-%d}"

    @property
    def days(self) -> list[dt.date]:
        """The cuts of recency as days."""
        return [dt.date.fromisoformat(day) for day in self.recency]
