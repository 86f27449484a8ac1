from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.models.stands_fast import StandsFast

from .accounts import Account
from .campaigns import Campaign
from .programme import Expiry


class EarningRule(models.Model):
    """A way to earn (or, with a penalty, to lose) points. What it says lies in its versions."""

    class Goal(models.TextChoices):
        """The behaviour it guides (domain.md S2-22)."""

        ACTIVITY = "activity", _("Keep daily activity")
        CONSUMPTION = "consumption", _("Raise consumption")
        CONTENT = "content", _("Complete product data")
        MOBILE = "mobile", _("Train the mobile habit")
        TRAFFIC = "traffic", _("Send traffic to other lines")
        CONDUCT = "conduct", _("Keep good conduct")

    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=100)
    description = models.TextField(_("description"), blank=True)
    goal = models.CharField(_("goal"), max_length=12, choices=Goal, default=Goal.CONSUMPTION)

    class Meta:
        verbose_name = _("earning rule")
        verbose_name_plural = _("earning rules")
        ordering = ["code"]

    def __str__(self):
        return self.name


class EarningRuleVersion(models.Model):
    """What a rule says between two instants. A draft can be edited; once active it never changes.

    Every lot names the version that made it, so a refund next month re-tests what was promised.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ACTIVE = "active", _("Active")

    class Formula(models.TextChoices):
        PER_MONEY = "per_money", _("Points per amount of cash")
        FIXED = "fixed", _("A fixed number of points")
        MULTIPLIER = "multiplier", _("Multiply the points per cash")
        LIKES = "likes", _("Grow with likes (photo reviews)")
        PENALTY = "penalty", _("Take a fixed number of points")

    class Basis(models.TextChoices):
        ORDER = "order", _("The order as a whole")
        LINE = "line", _("Each line by itself")

    class Stacking(models.TextChoices):
        SUM = "sum", _("Adds to the others")
        MAX = "max", _("Only the best of this kind pays")
        STOP = "stop", _("Pays, and no rule below it does")

    rule = models.ForeignKey(EarningRule, models.PROTECT, related_name="versions", verbose_name=_("rule"))
    number = models.PositiveIntegerField(_("version"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    event_type = models.CharField(_("event"), max_length=100, default="order.completed")
    effective_from = models.DateTimeField(_("in force from"))
    effective_until = models.DateTimeField(_("in force until"), null=True, blank=True)
    priority = models.SmallIntegerField(_("priority"), default=0, help_text=_("Higher is looked at first."))
    stacking = models.CharField(_("with other rules"), max_length=4, choices=Stacking, default=Stacking.SUM)

    formula = models.CharField(_("formula"), max_length=12, choices=Formula, default=Formula.PER_MONEY)
    basis = models.CharField(_("counted on"), max_length=5, choices=Basis, default=Basis.ORDER)
    points = models.PositiveIntegerField(
        _("points"), default=1, help_text=_("So many points … (not used by multipliers)")
    )
    money_unit = models.PositiveIntegerField(
        _("per minor units of cash"),
        default=100,
        validators=[MinValueValidator(1)],
        help_text=_("100 = one yuan."),
    )
    money_step = models.PositiveIntegerField(
        _("cash is taken down to multiples of"),
        default=1,
        validators=[MinValueValidator(1)],
        help_text=_("1000 = whole tens of yuan."),
    )
    min_cash = models.PositiveIntegerField(
        _("least cash"),
        default=0,
        help_text=_("In minor units, of the lines the rule counts; tested again after a refund (E4)."),
    )
    multiplier_percent = models.PositiveIntegerField(
        _("multiplier (%)"), default=100, help_text=_("200 = double points, 1000 = tenfold.")
    )
    likes_factor = models.PositiveSmallIntegerField(
        _("growth with likes"), default=20, help_text=_("The a of R0 + ⌊a·log2(1+n)⌋ (F13).")
    )
    likes_max = models.PositiveIntegerField(_("most points with likes"), default=200)

    cap_item = models.PositiveIntegerField(_("cap per product"), null=True, blank=True)
    cap_order = models.PositiveIntegerField(_("cap per order"), null=True, blank=True)
    cap_day = models.PositiveIntegerField(_("cap per day"), null=True, blank=True)
    cap_month = models.PositiveIntegerField(_("cap per month"), null=True, blank=True)
    cap_quarter = models.PositiveIntegerField(_("cap per quarter"), null=True, blank=True)
    cap_year = models.PositiveIntegerField(_("cap per year"), null=True, blank=True)
    cap_member = models.PositiveIntegerField(_("cap per member"), null=True, blank=True)

    available_after_days = models.PositiveSmallIntegerField(
        _("pending for (days)"), default=0, help_text=_("Points can be spent only after so many days.")
    )
    expiry = models.CharField(
        _("points expire"),
        max_length=20,
        choices=Expiry,
        blank=True,
        help_text=_("Empty: as the programme says."),
    )
    expiry_count = models.PositiveIntegerField(_("days, months or quarters"), default=0)
    expiry_date = models.DateField(_("fixed expiry date"), null=True, blank=True)
    campaign = models.ForeignKey(
        Campaign,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="rule_versions",
        verbose_name=_("campaign"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("created by"),
    )
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True, editable=False)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("activated by"),
    )

    class Meta:
        verbose_name = _("earning rule version")
        verbose_name_plural = _("earning rule versions")
        ordering = ["rule", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="rule_version_once"),
            models.CheckConstraint(condition=Q(money_unit__gte=1, money_step__gte=1), name="rule_units_positive"),
            models.CheckConstraint(
                condition=Q(effective_until__isnull=True) | Q(effective_until__gt=F("effective_from")),
                name="rule_version_ends_after_start",
            ),
            StandsFast(name="rule_version_stands_fast", but=["effective_until"]),
        ]

    def __str__(self):
        return f"{self.rule} v{self.number}"


class RuleCondition(models.Model):
    """One condition of a version; all of them must hold. `value` is one value, or several separated by commas."""

    class Attribute(models.TextChoices):
        LINE_CATEGORY = "line.category", _("Line: category")
        LINE_STORE = "line.store", _("Line: store")
        LINE_SKU = "line.sku", _("Line: SKU")
        LINE_VIRTUAL = "line.virtual", _("Line: is virtual")
        LINE_UNIT_PRICE = "line.unit_price", _("Line: cash per unit")
        LINE_NEW_CATEGORY = "line.new_category", _("Line: member's first order in the category")
        LINE_CUSTOM = "line.custom", _("Line: custom attribute")
        ORDER_CASH = "order.cash", _("Order: cash")
        ORDER_CHANNEL = "order.channel", _("Channel")
        ORDER_FIRST = "order.first", _("Order: is the member's first")
        ORDER_CUSTOM = "order.custom", _("Order or event: custom attribute")
        TIME_WEEKDAY = "time.weekday", _("Day of the week (1 = Monday … 7)")
        TIME_OF_DAY = "time.of_day", _("Time of day (HH:MM)")
        TIME_DAY = "time.day", _("Day of the month")
        MEMBER_TIER = "member.tier", _("Member: tier")
        MEMBER_PLAN = "member.plan", _("Member: paid plan")
        MEMBER_SEGMENT = "member.segment", _("Member: segment")
        MEMBER_KIND = "member.kind", _("Member: kind")
        MEMBER_CUSTOM = "member.custom", _("Member: custom attribute")
        ACTIVITY_STREAK = "activity.streak", _("Activity: days in a row")
        ACTIVITY_MANUAL = "activity.manual", _("Activity: done by hand")
        REVIEW_PHOTOS = "review.photos", _("Review: number of photos")
        REFUSALS_MONTH = "refusals.month", _("Refused deliveries this month")
        REFUSALS_YEAR = "refusals.year", _("Refused deliveries this year")

    class Operator(models.TextChoices):
        IS = "is", _("is one of")
        IS_NOT = "is_not", _("is none of")
        AT_LEAST = "at_least", _("is at least")
        LESS_THAN = "less_than", _("is less than")
        BETWEEN = "between", _("lies between (both included)")
        MULTIPLE_OF = "multiple_of", _("is a multiple of")

    version = models.ForeignKey(
        EarningRuleVersion, models.CASCADE, related_name="conditions", verbose_name=_("version")
    )
    attribute = models.CharField(_("what"), max_length=30, choices=Attribute)
    key = models.CharField(_("name of the custom attribute"), max_length=60, blank=True)
    operator = models.CharField(_("how"), max_length=12, choices=Operator, default=Operator.IS)
    value = models.CharField(_("value"), max_length=500)

    class Meta:
        verbose_name = _("condition")
        verbose_name_plural = _("conditions")
        ordering = ["id"]
        constraints = [StandsFast(name="rule_condition_stands_fast", of="version")]

    def __str__(self):
        return f"{self.get_attribute_display()} {self.get_operator_display()} {self.value}"


class CapCounter(models.Model):
    """How much of a rule's cap an account has used in one window: a local day, month, quarter or year, or for ever."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False, verbose_name=_("account"))
    rule = models.ForeignKey(EarningRule, models.PROTECT, related_name="+", db_index=False, verbose_name=_("rule"))
    window = models.CharField(_("window"), max_length=10, help_text=_("2026-03-01, 2026-03, 2026-Q1, 2026 or ever."))
    used = models.BigIntegerField(_("used"), default=0)

    class Meta:
        verbose_name = _("used cap")
        verbose_name_plural = _("used caps")
        constraints = [
            models.UniqueConstraint(fields=["account", "rule", "window"], name="cap_counter_once"),
            models.CheckConstraint(condition=Q(used__gte=0), name="cap_counter_not_negative"),
        ]

    def __str__(self):
        return f"{self.rule_id} {self.window}: {self.used}"
