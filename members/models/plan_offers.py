from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from simple_history.models import HistoricalRecords

from .plans import Plan


class PlanOffer(models.Model):
    """A term of a plan that can be bought: how long, for how much, by whom, and what happens to the money (domain.md F23).

    Money in minor units. A draft is edited; on sale it never changes, except that it is retired; what was sold keeps its
    terms. A joint card carries partners' rights besides (C20): they stand on the floor of rewards, and point here.
    """

    class Refunds(models.TextChoices):
        UNUSED = "unused", _("In full, if nothing was used")
        PRORATA = "prorata", _("The share of the days that are left")
        BENEFIT = "benefit", _("The fee less what was saved with it")
        LEAST = "least", _("The smaller: days that are left, or fee less savings")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ACTIVE = "active", _("On sale")
        RETIRED = "retired", _("No longer sold")

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="offers", verbose_name=_("plan"))
    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=100)
    term_days = models.PositiveSmallIntegerField(_("term (days)"), default=365, validators=[MinValueValidator(1)])
    fee = models.PositiveBigIntegerField(_("fee"))
    trial_days = models.PositiveSmallIntegerField(
        _("free trial (days)"), default=0, help_text=_("Once in a lifetime; it ends when the member pays.")
    )
    refunds = models.CharField(_("refund"), max_length=8, choices=Refunds, default=Refunds.UNUSED)
    refund_days = models.PositiveSmallIntegerField(
        _("refund within (days)"), default=7, help_text=_("Of 24 hours each, for “in full, if nothing was used”.")
    )
    ahead_days = models.PositiveSmallIntegerField(
        _("at most ahead (days)"), default=1095, help_text=_("Terms are stacked no further into the future than this.")
    )
    most_a_year = models.PositiveSmallIntegerField(
        _("at most a calendar year"),
        null=True,
        blank=True,
        help_text=_("For one member, whatever the channel. Empty: no limit."),
    )
    least_credit = models.PositiveIntegerField(
        _("least credit score"),
        null=True,
        blank=True,
        help_text=_("Of buyers, and of who renews. Empty: nobody is asked."),
    )
    least_score = models.PositiveIntegerField(
        _("least value score"),
        null=True,
        blank=True,
        help_text=_("The settled one, exactly this is enough. Empty: nobody is asked."),
    )
    needs_real_name = models.BooleanField(_("only with a verified real name"), default=False)
    renews = models.BooleanField(_("can renew by itself"), default=True)
    notice_days = models.PositiveSmallIntegerField(
        _("notice before renewal (days)"),
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
        help_text=_("The law asks for five."),
    )
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.DRAFT, editable=False)
    starts_at = models.DateTimeField(_("on sale from"))
    ends_at = models.DateTimeField(_("on sale until"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("created by"),
    )
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("activated by"),
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("offer of a plan")
        verbose_name_plural = _("offers of plans")
        ordering = ["plan", "fee"]
        constraints = [
            models.CheckConstraint(condition=Q(term_days__gt=0), name="plan_offer_has_term"),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")), name="plan_offer_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(activated_by=None) | ~Q(activated_by=F("created_by")), name="plan_offer_second_person"
            ),
        ]

    def __str__(self):
        return self.name


class PlanDiscount(models.Model):
    """A reason to pay less for an offer; of several the largest counts (price = list − max, F23)."""

    class Kind(models.TextChoices):
        SCORE = "score", _("A value score above")
        CHANNEL = "channel", _("Bought through a channel")
        PERIOD = "period", _("Everybody, for a time")

    offer = models.ForeignKey(
        PlanOffer, models.CASCADE, related_name="discounts", verbose_name=pgettext_lazy("plan", "offer")
    )
    kind = models.CharField(_("for"), max_length=8, choices=Kind, default=Kind.SCORE)
    above = models.PositiveIntegerField(
        _("score above"), null=True, blank=True, help_text=_("Strictly: 4,500 itself pays in full.")
    )
    channel = models.ForeignKey(
        "members.SalesChannel", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("channel")
    )
    amount = models.PositiveBigIntegerField(_("less by"))
    starts_at = models.DateTimeField(_("from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("discount")
        verbose_name_plural = _("discounts")
        ordering = ["-amount", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="score", above__isnull=False, channel=None)
                | Q(kind="channel", above=None, channel__isnull=False)
                | Q(kind="period", above=None, channel=None),
                name="plan_discount_says_for_whom",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="plan_discount_of_something"),
        ]

    def __str__(self):
        return f"{self.get_kind_display()}: −{self.amount}"
