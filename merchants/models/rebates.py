from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from members.models import Member

from .merchants import Merchant


class RebateScheme(models.Model):
    """Points back for what a business member spent at the merchant in a period (domain.md S2-44).

    The highest step that the period's net spend reaches counts for the whole amount (retroactive). It begins with a whole
    period, and ends with one: [starts_on, ends_on).
    """

    class Period(models.TextChoices):
        MONTH = "month", _("Month")
        QUARTER = "quarter", _("Quarter")
        YEAR = "year", _("Year")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        RUNNING = "running", _("Running")
        STOPPED = "stopped", _("Stopped")

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="rebate_schemes", verbose_name=_("merchant"))
    name = models.CharField(_("name"), max_length=100)
    period = models.CharField(_("period"), max_length=7, choices=Period, default=Period.QUARTER)
    status = models.CharField(_("status"), max_length=7, choices=Status, default=Status.DRAFT)
    starts_on = models.DateField(_("from"), null=True, blank=True)
    ends_on = models.DateField(_("until before"), null=True, blank=True)
    settled_until = models.DateField(_("settled until before"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("rebate scheme")
        verbose_name_plural = _("rebate schemes")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["merchant", "name"], name="rebate_scheme_name_once"),
            models.CheckConstraint(
                condition=Q(status="draft", starts_on=None, ends_on=None)
                | Q(status="running", starts_on__isnull=False, ends_on=None)
                | Q(status="stopped", starts_on__isnull=False, ends_on__gte=F("starts_on")),
                name="rebate_scheme_dates",
            ),
        ]

    def __str__(self):
        return self.name


class RebateStep(models.Model):
    """From so much net spend (minor units) on: so many percent of the whole."""

    scheme = models.ForeignKey(RebateScheme, models.CASCADE, related_name="steps", verbose_name=_("rebate scheme"))
    from_spend = models.PositiveBigIntegerField(_("from spend"), validators=[MinValueValidator(1)])
    percent = models.PositiveSmallIntegerField(_("percent"), validators=[MinValueValidator(1), MaxValueValidator(50)])

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["from_spend"]
        constraints = [
            models.UniqueConstraint(fields=["scheme", "from_spend"], name="rebate_step_once"),
            models.CheckConstraint(
                condition=Q(from_spend__gte=1, percent__gte=1, percent__lte=50), name="rebate_step_within"
            ),
        ]

    def __str__(self):
        return f"{self.percent} %"


class Rebate(models.Model):
    """What one scheme gives one member for one period.

    `earned` = floor(spend × percent / 100, in points). `correction` is what earlier periods would now give more or less
    than they gave (late refunds, late orders). `points` = what is left to pay of both, never below 0.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        PAID = "paid", _("Paid")
        NOTHING = "nothing", _("Nothing to pay")

    class Reason(models.TextChoices):
        PURSE_SHORT = "purse_short", _("The purse has too few points")
        PURSE_CLOSED = "purse_closed", _("The purse is closed")
        MEMBER_LEFT = "member_left", _("The member has left the programme")

    scheme = models.ForeignKey(
        RebateScheme, models.PROTECT, related_name="rebates", db_index=False, verbose_name=_("rebate scheme")
    )
    member = models.ForeignKey(Member, models.PROTECT, related_name="rebates", verbose_name=_("member"))
    starts_on = models.DateField(_("period from"))
    ends_on = models.DateField(_("period until before"))
    spend = models.BigIntegerField(_("net spend"))
    percent = models.PositiveSmallIntegerField(_("percent"))
    earned = models.BigIntegerField(_("points of the period"))
    correction = models.BigIntegerField(_("correction of earlier periods"), default=0)
    points = models.BigIntegerField(_("points"))
    status = models.CharField(_("status"), max_length=7, choices=Status)
    reason = models.CharField(_("open because"), max_length=12, choices=Reason, blank=True)
    settled_at = models.DateTimeField(_("settled at"))
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)

    class Meta:
        verbose_name = _("rebate")
        verbose_name_plural = _("rebates")
        ordering = ["-starts_on", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["scheme", "member", "starts_on"], name="rebate_once"),
            models.CheckConstraint(condition=Q(points__gte=0, earned__gte=0), name="rebate_not_negative"),
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="rebate_period"),
            models.CheckConstraint(
                condition=Q(status="open", points__gt=0, paid_at=None)
                | Q(status="paid", points__gt=0, paid_at__isnull=False)
                | Q(status="nothing", points=0, paid_at=None),
                name="rebate_state",
            ),
        ]
        indexes = [models.Index(fields=["scheme", "member"], name="rebate_open", condition=Q(status="open"))]

    def __str__(self):
        return f"{self.scheme}: {self.member} {self.starts_on:%Y-%m}"
