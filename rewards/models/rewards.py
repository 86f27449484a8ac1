from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from loyalty.models import Segment, Tier
from members.models import Plan
from merchants.models import Merchant

from .coupons import CHECKS, CouponTerms
from .partners import Partner

if TYPE_CHECKING:
    from .prices import RewardPrice


class Reward(CouponTerms):
    """Something points are exchanged for (domain.md S1-46, S2-28…33). Money is in minor units.

    It costs `points`, and `cash` besides if it is a mixed tender; RewardPrice may ask less of some members. Members see it
    in its visibility window and may take it in its availability window, both half-open. `stock` limits how many are
    handed out (empty: endless); `reserved` and `sold` count those that came from it and are moved by conditional updates
    only (services/stocks.py). Of a coupon, CouponTerms says what it takes off.
    """

    class Kind(models.TextChoices):
        COUPON = "coupon", _("Coupon")
        GIFT = "gift", _("Gift that is sent")
        PARTNER = "partner", _("Partner's right or voucher")
        PLAN = "plan", _("Term of a paid plan")
        DONATION = "donation", _("Donation")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ACTIVE = "active", _("Active")
        RETIRED = "retired", _("Retired")

    class Codes(models.TextChoices):
        NONE = "none", _("No code")
        OWN = "own", _("Our own, made when it is handed out")
        PARTNER = "partner", _("The partner's, imported from a file")

    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=100)
    description = models.TextField(_("description"), max_length=1000, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.COUPON)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT, editable=False)
    symbol = models.CharField(
        _("symbol"),
        max_length=40,
        default="redeem",
        validators=[RegexValidator(r"^[a-z0-9_]+$", _("A Material Symbols name, for example local_cafe."))],
        help_text=_("A Material Symbols name, for example confirmation_number, coffee, movie, volunteer_activism."),
    )
    colour = models.CharField(
        _("colour"),
        max_length=7,
        default="#2563eb",
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Give a colour like #c9a227."))],
    )
    picture = models.URLField(
        _("picture"), max_length=500, blank=True, help_text=_("For the app. Without one it shows the symbol.")
    )

    # Price and cost ------------------------------------------------------------------------------------------
    points = models.PositiveBigIntegerField(_("points"), validators=[MinValueValidator(1)])
    cash = models.PositiveBigIntegerField(_("cash part"), default=0)
    unit_cost = models.PositiveBigIntegerField(
        _("cost of one"), default=0, help_text=_("What one costs us; to a partner the contract price of a code.")
    )
    perceived_value = models.PositiveBigIntegerField(
        _("perceived value"), default=0, help_text=_("What one is worth to a member, at the price in the shop.")
    )
    merchant = models.ForeignKey(
        Merchant,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="rewards",
        verbose_name=_("sponsor"),
        help_text=_("A merchant that bears a share of the cost; empty means the platform bears all."),
    )
    merchant_percent = models.PositiveSmallIntegerField(
        _("sponsor's share of the cost (%)"), default=0, validators=[MaxValueValidator(100)]
    )

    # Who and when ---------------------------------------------------------------------------------------------
    visible_from = models.DateTimeField(_("visible from"), null=True, blank=True)
    visible_until = models.DateTimeField(_("visible until"), null=True, blank=True)
    available_from = models.DateTimeField(_("available from"), null=True, blank=True)
    available_until = models.DateTimeField(_("available until"), null=True, blank=True)
    least_tier = models.ForeignKey(
        Tier,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="rewards",
        verbose_name=_("for this tier and above"),
        help_text=_("A coupon without one asks for bronze (S2-49); choose the lowest tier to open it to everybody."),
    )
    segment = models.ForeignKey(
        Segment, models.PROTECT, null=True, blank=True, related_name="rewards", verbose_name=_("only for the segment")
    )
    category = models.CharField(
        _("category"),
        max_length=100,
        blank=True,
        help_text=_(
            "The shop's code. Members who buy in it are recommended the reward first. Empty: those who buy what a coupon is for."
        ),
    )
    stock = models.PositiveBigIntegerField(
        _("stock"),
        null=True,
        blank=True,
        help_text=_("How many there are in all, handed out ones too; empty: endless."),
    )
    reserved = models.PositiveBigIntegerField(_("reserved"), default=0, editable=False)
    sold = models.PositiveBigIntegerField(_("sold from the stock"), default=0, editable=False)
    limit_day = models.PositiveIntegerField(_("a member and day"), null=True, blank=True)
    limit_month = models.PositiveIntegerField(_("a member and month"), null=True, blank=True)
    limit_ever = models.PositiveIntegerField(_("a member, ever"), null=True, blank=True)

    # What is handed out -----------------------------------------------------------------------------------------
    codes = models.CharField(_("code"), max_length=10, choices=Codes, default=Codes.NONE)
    partner = models.ForeignKey(
        Partner, models.PROTECT, null=True, blank=True, related_name="rewards", verbose_name=_("partner")
    )
    plan = models.ForeignKey(
        Plan, models.PROTECT, null=True, blank=True, related_name="rewards", verbose_name=_("paid plan")
    )
    validity_days = models.PositiveIntegerField(
        _("good for (days)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("A code is good until the end of so many days; a plan runs so long. Empty: no end of ours."),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("last changed by"),
    )
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("activated by"),
    )

    history = HistoricalRecords(excluded_fields=["reserved", "sold"])
    special_prices: list[RewardPrice]  # read by selectors/catalogue.py: whole

    class Meta:
        verbose_name = _("reward")
        verbose_name_plural = _("rewards")
        ordering = ["points", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(points__gt=0), name="reward_costs_points"),
            models.CheckConstraint(
                condition=Q(stock__isnull=True) | Q(stock__gte=F("sold") + F("reserved")), name="reward_within_stock"
            ),
            models.CheckConstraint(
                condition=Q(visible_from__isnull=True)
                | Q(visible_until__isnull=True)
                | Q(visible_until__gt=F("visible_from")),
                name="reward_visible_window",
            ),
            models.CheckConstraint(
                condition=Q(available_from__isnull=True)
                | Q(available_until__isnull=True)
                | Q(available_until__gt=F("available_from")),
                name="reward_available_window",
            ),
            models.CheckConstraint(
                condition=Q(merchant_percent__lte=100)
                & (Q(merchant__isnull=False) | Q(merchant__isnull=True, merchant_percent=0)),
                name="reward_share_has_sponsor",
            ),
            models.CheckConstraint(
                condition=Q(codes="none", kind__in=["gift", "plan", "donation"])
                | Q(codes="own", kind="coupon")
                | Q(codes="partner", kind__in=["coupon", "partner"], partner__isnull=False),
                name="reward_code_fits_kind",
            ),
            models.CheckConstraint(
                condition=(Q(kind="plan", plan__isnull=False, validity_days__isnull=False))
                | (~Q(kind="plan") & Q(plan__isnull=True)),
                name="reward_plan_is_named",
            ),
            *CHECKS,
        ]

    def __str__(self):
        return self.name

    @property
    def left(self) -> int | None:
        """How many can still be handed out from the stock; None = endless."""
        return None if self.stock is None else self.stock - self.sold - self.reserved

    @property
    def merchant_cost(self) -> int:
        """The sponsor's share of one, in minor units, rounded down: the platform bears the odd cent."""
        return self.unit_cost * self.merchant_percent // 100

    @property
    def platform_cost(self) -> int:
        """What one costs the platform, in minor units."""
        return self.unit_cost - self.merchant_cost

    def is_visible(self, at: dt.datetime) -> bool:
        """Whether members see it at an instant."""
        return self.status == self.Status.ACTIVE and _within(self.visible_from, self.visible_until, at)


def visible(at: dt.datetime) -> Q:
    """The rewards that members see at an instant."""
    begun = Q(visible_from__isnull=True) | Q(visible_from__lte=at)
    not_over = Q(visible_until__isnull=True) | Q(visible_until__gt=at)
    return Q(status=Reward.Status.ACTIVE) & begun & not_over


def _within(first: dt.datetime | None, end: dt.datetime | None, at: dt.datetime) -> bool:
    return (first is None or first <= at) and (end is None or at < end)
