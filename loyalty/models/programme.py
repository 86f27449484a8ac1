import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords


class Expiry(models.TextChoices):
    """When points expire, always at the end of a local day of the programme (domain.md F7)."""

    END_OF_NEXT_YEAR = "end_of_next_year", _("End of next year")
    DAYS = "days", _("A number of days after earning")
    END_OF_MONTH = "end_of_month", _("End of a month, a number of months on")
    END_OF_QUARTER = "end_of_quarter", _("End of a quarter, a number of quarters on")
    FIXED_DATE = "fixed_date", _("A fixed date")
    CAMPAIGN = "campaign", _("The end of the campaign")
    SLIDING = "sliding", _("A number of days after the last activity")


class Programme(models.Model):
    """The rules of the house: one row. Defaults are JD's published ones (domain.md section 7).

    Currency and time zone are settings of the installation (PROGRAMME_CURRENCY, PROGRAMME_TIME_ZONE).
    """

    name = models.CharField(_("name"), max_length=100, default="Loyalty")
    unit_name = models.CharField(_("name of the points"), max_length=40, default="points")
    point_value_points = models.PositiveIntegerField(
        _("points"), default=1, validators=[MinValueValidator(1)], help_text=_("So many points …")
    )
    point_value_money = models.PositiveIntegerField(
        _("minor units of money"),
        default=1,
        validators=[MinValueValidator(1)],
        help_text=_("… are worth so many minor units of money (fen, cents). JD: 1 point = 1 fen."),
    )
    tender_step = models.PositiveIntegerField(
        _("step at checkout"),
        default=1000,
        validators=[MinValueValidator(1)],
        help_text=_("Points are used in multiples of this (F9)."),
    )
    tender_cap_percent = models.PositiveSmallIntegerField(
        _("share of an order that points may pay (%)"), default=50, validators=[MaxValueValidator(100)]
    )
    hold_minutes = models.PositiveIntegerField(
        _("a hold lapses after (minutes)"), default=30, validators=[MinValueValidator(1)]
    )
    register_unknown_members = models.BooleanField(
        _("register unknown members"),
        default=True,
        help_text=_("An event for a member we do not know registers the member."),
    )
    expiry = models.CharField(_("points expire"), max_length=20, choices=Expiry, default=Expiry.END_OF_NEXT_YEAR)
    expiry_count = models.PositiveIntegerField(
        _("days, months or quarters"), default=0, help_text=_("Used by the expiry policies that count.")
    )
    expiry_date = models.DateField(_("fixed expiry date"), null=True, blank=True)
    reminder_days = models.JSONField(
        _("remind of expiry (days before)"), default=list, blank=True, help_text=_("For example 30, 7, 1.")
    )
    rescue_days = models.PositiveSmallIntegerField(
        _("rescue window (days)"),
        default=0,
        help_text=_("Expired points can be given back by staff for so many days; 0 = never."),
    )
    refund_grace_days = models.PositiveSmallIntegerField(
        _("grace for refunds (days)"),
        default=0,
        help_text=_(
            "Tendered points that expired before the refund come back for so many days; 0 = they are lost, as at JD."
        ),
    )
    clawback_other_lots = models.BooleanField(_("claw back from other points too"), default=True)
    clawback_cash = models.BooleanField(_("then deduct from the cash refund"), default=True)
    clawback_debt = models.BooleanField(
        _("then keep the rest as debt"), default=True, help_text=_("Otherwise it is written off.")
    )
    charge_freight = models.BooleanField(
        _("charge waived freight after all"),
        default=True,
        help_text=_(
            "If goods that are sent back without a fault of the seller leave less than shipping was free from, its freight is "
            "deducted from the refund (E16). The checkout quote says so."
        ),
    )
    transfers_allowed = models.BooleanField(_("members may transfer points"), default=False)
    gifts_allowed = models.BooleanField(_("members may gift points"), default=False)
    review_min_unit_price = models.PositiveIntegerField(
        _("least discounted price of a reviewed unit"),
        default=2000,
        help_text=_("In minor units; S2-56: 20 yuan."),
    )
    review_window_days = models.PositiveSmallIntegerField(_("review within (days)"), default=90)
    review_repeat_days = models.PositiveSmallIntegerField(_("same product again after (days)"), default=15)
    like_check_days = models.JSONField(
        _("count likes after (days)"),
        default=list,
        blank=True,
        help_text=_("For example 7 and 30: likes pay only after a hold (F13)."),
    )
    like_min_account_days = models.PositiveSmallIntegerField(_("a like counts from members of (days)"), default=7)

    review_needs_approval = models.BooleanField(
        _("tier reviews wait for approval"),
        default=False,
        help_text=_("Reviews that are due are carried out only up to the day that somebody has approved."),
    )
    reviews_approved_until = models.DateTimeField(
        _("tier reviews approved until"), null=True, blank=True, editable=False
    )
    rules_revision = models.UUIDField(
        default=uuid.uuid4, editable=False, help_text=_("Changes whenever a rule, campaign or event type does.")
    )

    history = HistoricalRecords(excluded_fields=["rules_revision"])

    class Meta:
        verbose_name = _("programme settings")
        verbose_name_plural = _("programme settings")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="programme_is_one"),
            models.CheckConstraint(
                condition=Q(point_value_points__gte=1, point_value_money__gte=1, tender_step__gte=1),
                name="programme_positive",
            ),
            models.CheckConstraint(condition=Q(tender_cap_percent__lte=100), name="programme_cap_within_100"),
        ]

    def __str__(self):
        return self.name
