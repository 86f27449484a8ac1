from itertools import pairwise

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.models.stands_fast import StandsFast

from .editions import Edition
from .event_types import CustomEventType


class Dimension(models.TextChoices):
    """What the value score looks at (domain.md S1-09)."""

    CONSUMPTION = "consumption", _("Consumption")
    ACTIVITY = "activity", _("Activity")
    ACCOUNT = "account", _("Account")
    REPUTATION = "reputation", _("Reputation")
    CREDIT = "credit", _("Credit")


class ScorePolicy(Edition):
    """How the value score is counted (domain.md F6): sources fill dimensions, curves and caps shape them, weights add them.

    JD's weights and caps are not published: whatever stands here is the operator's own.
    """

    settled_on = models.PositiveSmallIntegerField(
        _("settled on day"),
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(28)],
        help_text=_("Of each month, for the twelve calendar months before it. JD: the 2nd; Taobao: the 8th."),
    )

    PARTS = ("dimensions", "points", "sources")

    class Meta(Edition.Meta):
        verbose_name = _("score policy")
        verbose_name_plural = _("score policies")

    def faults(self) -> list[str]:
        """What makes this no policy: nothing to count, sources without a dimension, a curve that falls, idle limits."""
        dimensions = {row.code: row.get_code_display() for row in self.dimensions.all()}
        sources = list(self.sources.select_related("event_type"))
        found = [] if sources else [gettext("Say what is counted: add a source.")]
        for source in sources:
            names = {"source": source.title, "dimension": source.get_dimension_display()}
            if source.dimension not in dimensions:
                found.append(gettext("“%(source)s” counts for %(dimension)s, which has no weight here.") % names)
            found += source.idle_limits()
        curves: dict[str, list[CurvePoint]] = {}
        for point in self.points.order_by("x"):
            curves.setdefault(point.dimension, []).append(point)
        for code, points in curves.items():
            if any(right.y < left.y for left, right in pairwise(points)):
                found.append(gettext("The curve of %s must not fall.") % Dimension(code).label)
            if code not in dimensions:
                found.append(gettext("%s has a curve but no weight here.") % Dimension(code).label)
        return found


class ScoreDimension(models.Model):
    """One dimension's part in a policy: s = min(cap, curve(x)); the score adds weight/100 × s (F6)."""

    policy = models.ForeignKey(
        ScorePolicy, models.CASCADE, related_name="dimensions", db_index=False, verbose_name=_("score policy")
    )
    code = models.CharField(_("dimension"), max_length=12, choices=Dimension)
    weight_percent = models.PositiveSmallIntegerField(
        _("weight (%)"), default=100, help_text=_("100 = each unit of the dimension is one of the score.")
    )
    cap = models.PositiveIntegerField(_("at most"), help_text=_("Of the dimension, before the weight."))

    class Meta:
        verbose_name = _("dimension")
        verbose_name_plural = _("dimensions")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "code"], name="score_dimension_once"),
            StandsFast(name="score_dimension_stands_fast", of="policy"),
        ]

    def __str__(self):
        return str(self.get_code_display())


class CurvePoint(models.Model):
    """A corner of a dimension's curve: x counted becomes y. Straight lines in between, level before and after.

    A dimension without corners takes x as it is.
    """

    policy = models.ForeignKey(
        ScorePolicy, models.CASCADE, related_name="points", db_index=False, verbose_name=_("score policy")
    )
    dimension = models.CharField(_("dimension"), max_length=12, choices=Dimension)
    x = models.IntegerField(_("counted"))
    y = models.IntegerField(_("becomes"))

    class Meta:
        verbose_name = _("corner of a curve")
        verbose_name_plural = _("corners of curves")
        ordering = ["dimension", "x"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "dimension", "x"], name="score_curve_point_once"),
            StandsFast(name="score_curve_point_stands_fast", of="policy"),
        ]

    def __str__(self):
        return f"{self.get_dimension_display()}: {self.x} → {self.y}"


class ScoreSource(models.Model):
    """One thing that is counted: so much a unit, within limits (domain.md F6, 2.9). Whole numbers; may be negative.

    What a source gives in one calendar month is the least of what its limits leave (docs/decisions/0012). Limits bound
    the size of negative values just so. The member's state and the credit score know no limits and no window.
    """

    class Kind(models.TextChoices):
        CASH = "cash", _("Money paid in an order")
        ORDER = "order", _("Completed order")
        SHOPPING_DAY = "shopping_day", _("Shopping day")
        NEW_CATEGORY = "new_category", _("First purchase in a category")
        REVIEW = "review", _("Review")
        PHOTO_REVIEW = "photo_review", _("Photo review")
        LOGIN = "login", _("Day with a log-in")
        CHECK_IN = "check_in", _("Day with a check-in")
        SHARE = "share", _("Day with a share")
        RETURN = "return", _("Refund without a cause")
        REFUSAL = "refusal", _("Refused delivery")
        EVENT = "event", _("Event of your own")
        REAL_NAME = "real_name", _("Real name verified")
        PHONE = "phone", _("Phone verified")
        BIRTHDAY = "birthday", _("Birthday given")
        YEAR = "year", _("Full year as a member")
        CREDIT = "credit", _("Credit score")

    STATE = frozenset({Kind.REAL_NAME, Kind.PHONE, Kind.BIRTHDAY, Kind.YEAR, Kind.CREDIT})
    BY_CATEGORY = frozenset({Kind.CASH, Kind.NEW_CATEGORY, Kind.REVIEW, Kind.PHOTO_REVIEW})
    BY_STORE = frozenset({Kind.CASH, Kind.REVIEW, Kind.PHOTO_REVIEW})

    policy = models.ForeignKey(
        ScorePolicy, models.CASCADE, related_name="sources", db_index=False, verbose_name=_("score policy")
    )
    dimension = models.CharField(_("dimension"), max_length=12, choices=Dimension)
    kind = models.CharField(_("what is counted"), max_length=12, choices=Kind)
    event_type = models.ForeignKey(
        CustomEventType,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("event type"),
        help_text=_("For an event of your own."),
    )
    value = models.IntegerField(_("value"), help_text=_("For one unit; negative takes away."))
    money_unit = models.PositiveIntegerField(
        _("unit of money"),
        default=100,
        validators=[MinValueValidator(1)],
        help_text=_("Money only: so many minor units are one unit; rounded down for each order."),
    )
    cap_order = models.PositiveIntegerField(_("limit an order"), null=True, blank=True)
    cap_day = models.PositiveIntegerField(_("limit a day"), null=True, blank=True)
    cap_month = models.PositiveIntegerField(_("limit a month"), null=True, blank=True)
    cap_category = models.PositiveIntegerField(_("limit a category and month"), null=True, blank=True)
    cap_store = models.PositiveIntegerField(_("limit a store and month"), null=True, blank=True)

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "kind", "event_type"], name="score_source_once"),
            models.UniqueConstraint(
                fields=["policy", "kind"], name="score_source_kind_once", condition=Q(event_type__isnull=True)
            ),
            models.CheckConstraint(
                condition=Q(kind="event", event_type__isnull=False) | (~Q(kind="event") & Q(event_type__isnull=True)),
                name="score_source_event_names_type",
            ),
            models.CheckConstraint(condition=~Q(value=0), name="score_source_counts"),
            models.CheckConstraint(condition=Q(money_unit__gt=0), name="score_source_money_unit"),
            StandsFast(name="score_source_stands_fast", of="policy"),
        ]

    def __str__(self):
        return self.title

    @property
    def title(self) -> str:
        """What is counted, in words."""
        return str(self.event_type) if self.event_type else str(self.get_kind_display())

    @property
    def is_state(self) -> bool:
        """Whether it is read off the member as she is, instead of being summed over the window."""
        return self.kind in self.STATE

    def idle_limits(self) -> list[str]:
        """Limits that cannot limit this source."""
        idle = {
            "cap_order": self.kind != self.Kind.CASH,
            "cap_day": self.is_state,
            "cap_month": self.is_state,
            "cap_category": self.kind not in self.BY_CATEGORY,
            "cap_store": self.kind not in self.BY_STORE,
        }
        return [
            gettext("“%(source)s” knows no “%(limit)s”.")
            % {"source": self.title, "limit": getattr(ScoreSource._meta.get_field(name), "verbose_name", name)}
            for name, is_idle in idle.items()
            if is_idle and getattr(self, name) is not None
        ]

    def clean(self):
        super().clean()
        if (self.kind == self.Kind.EVENT) != (self.event_type_id is not None):
            raise ValidationError({"event_type": gettext("An event of your own names its type; nothing else does.")})
        if idle := self.idle_limits():
            raise ValidationError(idle)
