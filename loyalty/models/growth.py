from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from members.models import Member

from .editions import Edition
from .ladders import Ladder
from .orders import Order
from .reviews import Review


class GrowthPolicy(Edition):
    """What growth is given for (domain.md F1). Whole growth; money in minor units. Defaults are JD's published ones."""

    class Scope(models.TextChoices):
        ALL = "all", _("All growth")
        SHOPPING = "shopping", _("Growth from orders only (JD)")

    scope = models.CharField(
        _("the coefficient multiplies"), max_length=10, choices=Scope, default=Scope.ALL, help_text=_("F1, D9.")
    )
    money_unit = models.PositiveIntegerField(
        _("1 growth per minor units of cash"),
        default=100,
        validators=[MinValueValidator(1)],
        help_text=_("100 = one yuan; rounded down for each sub-order."),
    )
    min_order_cash = models.PositiveIntegerField(_("least cash of an order"), default=2000)
    by_store = models.BooleanField(
        _("judge each store's part by itself"), default=True, help_text=_("Sub-orders, as at JD (C11).")
    )
    without_virtual = models.BooleanField(_("virtual goods give none"), default=True)
    excluded_categories = models.CharField(
        _("categories that give none"), max_length=1000, blank=True, help_text=_("Separated by commas.")
    )
    login = models.PositiveIntegerField(_("a day with a log-in"), default=5)
    review = models.PositiveIntegerField(_("a review"), default=20)
    photo_review = models.PositiveIntegerField(_("a photo review, in addition"), default=20)
    photo_first = models.PositiveIntegerField(_("only the first so many of a product"), default=5)
    days_bonus = models.PositiveIntegerField(_("bonus for shopping days"), default=100)
    days_needed = models.PositiveSmallIntegerField(
        _("shopping days in a month"), default=3, validators=[MinValueValidator(1), MaxValueValidator(28)]
    )
    days_paid_on = models.PositiveSmallIntegerField(
        _("bonus is paid on day"), default=10, validators=[MinValueValidator(1), MaxValueValidator(28)]
    )
    activity_needs_order = models.BooleanField(
        _("log-ins, reviews and shopping days count from the first completed order"), default=True
    )

    class Meta(Edition.Meta):
        verbose_name = _("growth policy")
        verbose_name_plural = _("growth policies")

    @property
    def excluded(self) -> frozenset[str]:
        """The categories whose lines give no growth."""
        return frozenset(filter(None, (name.strip() for name in self.excluded_categories.split(","))))


class GrowthEntry(InsertOnlyModel):
    """One movement of a member's growth, in hundredths: written once, `seq` gapless per member.

    What is given or taken back: `base` whole growth × `percent` (the coefficient in force, the rational percent/100)
    = `asked`, exactly. What time does has no base. `delta` is what `asked` did: less if growth would have fallen below
    nothing, or if time had already taken it (F5, E12).
    """

    class Kind(models.TextChoices):
        ORDER = "order", _("Order")
        LOGIN = "login", _("Log-in")
        DAYS = "days", _("Shopping days")
        REVIEW = "review", _("Review")
        PHOTO = "photo", _("Photo review")
        REVERSAL = "reversal", _("Taken back")
        DEDUCTION = "deduction", _("Deducted at the review")
        WINDOW = "window", _("Left the window")
        RESET = "reset", _("End of the period")
        HALF_LIFE = "half_life", _("Faded")
        LADDER = "ladder", _("Reckoned anew by a new ladder")
        MERGE = "merge", _("Members merged")
        CLOSE = "close", _("Member left")

    class Criterion(models.TextChoices):
        """What it says of a member (domain.md S2-03, S2-05)."""

        CONSUMPTION = "consumption", _("Consumption")
        FREQUENCY = "frequency", _("Purchase frequency")
        CONTENT = "content", _("Helps to build the product")
        LOYALTY = "loyalty", _("Loyalty")
        TIME = "time", _("Time and upkeep")

    member = models.ForeignKey(
        Member, models.PROTECT, related_name="growth_entries", db_index=False, verbose_name=_("member")
    )
    seq = models.BigIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    criterion = models.CharField(_("criterion"), max_length=12, choices=Criterion)
    base = models.BigIntegerField(_("growth before the coefficient"))
    percent = models.PositiveSmallIntegerField(_("coefficient (%)"), default=100)
    asked = models.BigIntegerField(_("due (hundredths)"))
    delta = models.BigIntegerField(_("change (hundredths)"))
    balance_after = models.BigIntegerField(_("growth after (hundredths)"))
    occurred_on = models.DateField(_("day"))
    at = models.DateTimeField(_("booked at"))
    reference = models.CharField(_("because of"), max_length=200)
    order = models.ForeignKey(
        Order, models.PROTECT, null=True, related_name="growth_entries", db_index=False, verbose_name=_("order")
    )
    review = models.ForeignKey(
        Review, models.PROTECT, null=True, related_name="growth_entries", db_index=False, verbose_name=_("review")
    )
    policy = models.ForeignKey(
        GrowthPolicy, models.PROTECT, null=True, related_name="+", db_index=False, verbose_name=_("growth policy")
    )
    ladder = models.ForeignKey(
        Ladder, models.PROTECT, null=True, related_name="+", db_index=False, verbose_name=_("ladder")
    )

    class Meta:
        verbose_name = _("growth entry")
        verbose_name_plural = _("growth entries")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["member", "seq"], name="growth_entry_seq"),
            models.CheckConstraint(condition=Q(balance_after__gte=0), name="growth_not_negative"),
            models.CheckConstraint(
                condition=~Q(asked=0) & (Q(asked__gt=0, delta__gte=0) | Q(asked__lt=0, delta__lte=0)),
                name="growth_entry_direction",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "occurred_on"], name="growth_member_day"),
            models.Index(fields=["order"], name="growth_order", condition=Q(order__isnull=False)),
            models.Index(fields=["review"], name="growth_review", condition=Q(review__isnull=False)),
        ]

    def __str__(self):
        return f"{self.member}/{self.seq} {self.get_kind_display()}"
