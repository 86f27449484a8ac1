from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Merchant


class Parameter(NamedTuple):
    """What a grant says beside "you have it": its name in the API, in words, its unit, and which of two is better."""

    name: str
    words: Any
    unit: str
    lower_is_better: bool = False

    def better(self, one: int | None, other: int | None) -> bool:
        """Whether `one` is better for the member than `other`; saying nothing is worst."""
        if one is None or other is None:
            return one is not None and other is None
        return one < other if self.lower_is_better else one > other


MONEY, PERCENT, POINTS = "money", "percent", "points"


class BenefitQuerySet(models.QuerySet):
    def hold(self):
        """Lock these benefits, so that nobody fills a pack while somebody grants it. Only in a transaction."""
        list(self.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk", flat=True))


class Benefit(models.Model):
    """A thing that members may be given: the catalogue of S1-07, S1-18, S1-19, S1-21 and S2-09…16.

    Who is given it, with which parameter and how often, is said by grants. Money in minor units. The columns below
    "settings" belong to one kind each; `PARAMETERS` says what a grant of a kind must say.
    """

    class Kind(models.TextChoices):
        FREE_SHIPPING = "free_shipping", _("Free shipping from an amount")
        MEMBER_PRICE = "member_price", _("Member prices")
        CATEGORY_DISCOUNT = "category_discount", _("Discount in a category")
        POINT_REBATE = "point_rebate", _("More points on purchases")
        COUPON_PACK = "coupon_pack", _("Coupon pack")
        SINGLE_FREE = "single_free", _("After-sales: one way free")
        DOUBLE_FREE = "double_free", _("After-sales: both ways free")
        FREE_RETURNS = "free_returns", _("Free returns from the door")
        REPLACEMENT = "replacement", _("Replacement instead of repair")
        INSTANT_REFUND = "instant_refund", _("Instant refund")
        VIP_LINE = "vip_line", _("VIP line")
        BIRTHDAY_PACK = "birthday_pack", _("Birthday pack")
        PRESALE_GIFT = "presale_gift", _("Gift before a sale")
        PARTNER_RIGHT = "partner_right", _("Partner's right")
        HEALTH = "health", _("Health VIP")
        CONSULTATION = "consultation", _("Medical consultation")
        TRAVEL = "travel", _("Travel")
        CAR_CARE = "car_care", _("Car care")
        PARCEL = "parcel", _("Sending parcels")
        LIFESTYLE = "lifestyle", _("Lifestyle privilege")
        CUSTOM = "custom", _("Something else")

    class Saves(models.TextChoices):
        MONEY = "money", _("Saves money")
        TROUBLE = "trouble", _("Saves trouble")

    class Mode(models.TextChoices):
        DAILY = "daily", _("Every day")
        PROMOTION = "promotion", _("For a promotion")

    class LeapDay(models.TextChoices):
        EARLIER = "earlier", _("28 February")
        LATER = "later", _("1 March")

    code = models.SlugField(_("code"), max_length=60, unique=True, help_text=_("The shop asks by this."))
    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=300, blank=True, help_text=_("As members read it."))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.CUSTOM)
    saves = models.CharField(
        _("class"),
        max_length=8,
        choices=Saves,
        default=Saves.MONEY,
        help_text=_("Where members feel it (S1-17): in the purse or in what they need not do."),
    )
    mode = models.CharField(_("mode"), max_length=10, choices=Mode, default=Mode.DAILY)
    icon = models.CharField(
        _("icon"), max_length=40, default="redeem", help_text=_("A Material Symbols name, for example redeem, call.")
    )
    colour = models.CharField(
        _("colour"),
        max_length=7,
        default="#2563eb",
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Give a colour like #c9a227."))],
    )
    issuer = models.ForeignKey(
        Merchant,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="benefits",
        verbose_name=_("issued by"),
        help_text=_("Who pays for it. Empty: the platform."),
    )
    accepted_by = models.ManyToManyField(
        Merchant,
        blank=True,
        related_name="accepted_benefits",
        verbose_name=_("accepted by"),
        help_text=_("Merchants at whose stores it can be used. Empty: everywhere."),
    )
    settlement_price = models.PositiveBigIntegerField(
        _("settlement price"),
        default=0,
        help_text=_("What the issuer pays for each use to the merchant where it was used."),
    )
    unit_cost = models.PositiveBigIntegerField(
        _("cost of one use"), default=0, help_text=_("What one use costs us, for the estimate (F20).")
    )
    expected_permille = models.PositiveIntegerField(
        _("expected uses a month by 1,000 members"), default=100, help_text=_("Of the members who may use it.")
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Switched off, nobody has it; what was used stays.")
    )
    starts_at = models.DateTimeField(_("starts at"), null=True, blank=True, help_text=_("Empty: it has begun."))
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True, help_text=_("Empty: it does not end."))

    # Settings of one kind each.
    category = models.CharField(
        _("category"), max_length=100, blank=True, help_text=_("The shop's code of the category that is cheaper.")
    )
    least_credit = models.PositiveIntegerField(
        _("least credit score"), null=True, blank=True, help_text=_("Empty: no credit score is asked for.")
    )
    goods_within_days = models.PositiveSmallIntegerField(
        _("goods back within (days)"),
        default=10,
        validators=[MinValueValidator(1)],
        help_text=_("Later, the money is recovered from the member's points, then as debt (F21)."),
    )
    days_before = models.PositiveSmallIntegerField(_("days before the birthday"), default=7)
    valid_days = models.PositiveSmallIntegerField(
        _("valid for (days)"), default=15, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )
    leap_day = models.CharField(
        _("29 February is kept on"),
        max_length=8,
        choices=LeapDay,
        default=LeapDay.EARLIER,
        help_text=_("In years without one."),
    )

    objects = BenefitQuerySet.as_manager()

    PARAMETERS = {
        Kind.FREE_SHIPPING: Parameter("threshold", _("free from an order of"), MONEY, lower_is_better=True),
        Kind.CATEGORY_DISCOUNT: Parameter("percent", _("discount"), PERCENT),
        Kind.POINT_REBATE: Parameter("percent", _("points on purchases"), PERCENT),
        Kind.COUPON_PACK: Parameter("face", _("coupons worth"), MONEY),
        Kind.INSTANT_REFUND: Parameter("limit", _("advances up to"), MONEY),
        Kind.BIRTHDAY_PACK: Parameter("points", _("points in the pack"), POINTS),
    }

    HANDED_OUT = (Kind.COUPON_PACK, Kind.PRESALE_GIFT, Kind.PARTNER_RIGHT)
    """What may have contents that are handed out once a period (PackItem)."""

    class Meta:
        verbose_name = _("benefit")
        verbose_name_plural = _("benefits")
        ordering = ["saves", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="benefit_ends_after_start",
                violation_error_message=_("It must end after it starts."),
            ),
            models.CheckConstraint(
                condition=Q(kind="category_discount") & ~Q(category="") | ~Q(kind="category_discount"),
                name="benefit_discount_names_category",
                violation_error_message=_("Say in which category there is a discount."),
            ),
            models.CheckConstraint(condition=Q(goods_within_days__gt=0), name="benefit_goods_back"),
            models.CheckConstraint(condition=Q(valid_days__gt=0), name="benefit_valid_days"),
        ]

    def __str__(self):
        return self.name

    @property
    def parameter(self) -> Parameter | None:
        """What a grant must say; None if having it is all."""
        return self.PARAMETERS.get(self.Kind(self.kind))

    def is_on(self, at: dt.datetime) -> bool:
        """Whether anybody can have it at an instant."""
        begun = self.starts_at is None or self.starts_at <= at
        return self.is_active and begun and (self.ends_at is None or at < self.ends_at)
