from itertools import pairwise

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.models.stands_fast import StandsFast

from .editions import Edition
from .tiers import Tier


class Ladder(Edition):
    """How growth leads to tiers, and how the membership stays a pyramid (domain.md F3–F5, S2-35…37).

    Two choices: `decay` says what time does to growth, `line` says how the lines between tiers are drawn.
    """

    class Decay(models.TextChoices):
        NONE = "none", _("Never: growth adds up for ever")
        DEDUCTION = "deduction", _("A fixed deduction at the tier anniversary (JD)")
        WINDOW = "window", _("A rolling window of whole months")
        RESET = "reset", _("Back to nothing at the end of a period, with carry-over")
        HALF_LIFE = "half_life", _("Exponential: growth halves in a number of days")

    class Line(models.TextChoices):
        THRESHOLD = "threshold", _("Fixed thresholds")
        TOP = "top", _("The best so many members")
        SHARE = "share", _("The best share of members")

    class Applies(models.TextChoices):
        AT_REVIEW = "at_review", _("Members rise at once and fall at their next review")
        AT_ONCE = "at_once", _("Members rise and fall at once")

    decay = models.CharField(_("what time does to growth"), max_length=10, choices=Decay, default=Decay.DEDUCTION)
    line = models.CharField(_("how the lines are drawn"), max_length=10, choices=Line, default=Line.THRESHOLD)
    applies = models.CharField(_("when published"), max_length=10, choices=Applies, default=Applies.AT_REVIEW)
    window_months = models.PositiveSmallIntegerField(
        _("window (months)"), default=12, validators=[MinValueValidator(1)], help_text=_("Whole calendar months.")
    )
    period_months = models.PositiveSmallIntegerField(
        _("period (months)"),
        default=12,
        choices=[(1, _("a month")), (3, _("a quarter")), (6, _("half a year")), (12, _("a year"))],
    )
    carry_percent = models.PositiveSmallIntegerField(
        _("carry-over (%)"),
        default=50,
        validators=[MaxValueValidator(100)],
        help_text=_("What exceeds the tier's threshold is carried over, up to this share of the threshold."),
    )
    half_life_days = models.PositiveSmallIntegerField(
        _("half-life (days)"),
        default=253,
        validators=[MinValueValidator(1)],
        help_text=_("253 days keep as much as a rolling year (F5)."),
    )
    hysteresis_percent = models.PositiveSmallIntegerField(
        _("hysteresis (%)"),
        default=10,
        validators=[MaxValueValidator(100)],
        help_text=_("By rank: a member falls only beyond so many per cent more places."),
    )
    grace_days = models.PositiveSmallIntegerField(
        _("grace (days)"), default=0, help_text=_("A tier that is lost at the review is kept for so many days more.")
    )
    soft_landing = models.BooleanField(
        _("soft landing"), default=False, help_text=_("A member falls one tier at a time.")
    )
    never_downgrade = models.BooleanField(_("never downgrade"), default=False)
    provisional_days = models.PositiveSmallIntegerField(
        _("return window (days)"),
        default=7,
        help_text=_("An upgrade by an order is provisional so long: a refund takes it back at once (E10, E11)."),
    )
    warn_days = models.PositiveSmallIntegerField(
        _("warn before a downgrade (days)"), default=30, help_text=_("0 = members are not warned.")
    )

    PARTS = ("rungs",)

    class Meta(Edition.Meta):
        verbose_name = _("ladder")
        verbose_name_plural = _("ladders")

    @property
    def by_rank(self) -> bool:
        return self.line != self.Line.THRESHOLD

    def faults(self) -> list[str]:
        """What makes this no ladder: no rungs, no way for newcomers, lines that do not rise with the tiers."""
        rungs = sorted(self.rungs.select_related("tier"), key=lambda rung: rung.tier.rank)
        if not rungs:
            return [gettext("The ladder has no rungs.")]
        found = []
        lowest = rungs[0]
        if lowest.threshold or lowest.needs_order:
            found.append(gettext("The lowest rung must be open to everybody: threshold 0, no order needed."))
        for below, above in pairwise(rungs):
            names = {"below": below.tier.name, "above": above.tier.name}
            if self.line == self.Line.THRESHOLD and above.threshold < below.threshold:
                found.append(gettext("%(above)s must not have a lower threshold than %(below)s.") % names)
            if self.line == self.Line.TOP and above.places is None:
                found.append(gettext("%(above)s needs a number of members.") % names)
            if self.line == self.Line.SHARE and above.share_permille is None:
                found.append(gettext("%(above)s needs a share of members.") % names)
            if self.by_rank and below is not lowest and (above.size or 0) >= (below.size or 0):
                found.append(gettext("%(above)s must have fewer places than %(below)s and above together.") % names)
        return found


class Rung(models.Model):
    """One tier's place on a ladder. Thresholds and deductions are whole growth."""

    ladder = models.ForeignKey(Ladder, models.CASCADE, related_name="rungs", verbose_name=_("ladder"))
    tier = models.ForeignKey(Tier, models.PROTECT, related_name="rungs", verbose_name=_("tier"))
    threshold = models.PositiveBigIntegerField(_("threshold"), default=0, help_text=_("Growth that leads here."))
    deduction = models.PositiveBigIntegerField(
        _("deduction"), default=0, help_text=_("Taken off at each review by a ladder with fixed deductions.")
    )
    validity_months = models.PositiveSmallIntegerField(
        _("validity (months)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("The tier is kept so long, then reviewed. Empty = for ever."),
    )
    needs_order = models.BooleanField(
        _("only after a completed order"), default=False, help_text=_("JD: bronze begins with the first order.")
    )
    places = models.PositiveBigIntegerField(
        _("members"), null=True, blank=True, help_text=_("By rank: so many members here and above.")
    )
    share_permille = models.PositiveSmallIntegerField(
        _("share (‰)"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(1000)],
        help_text=_("By share: so many of a thousand members here and above."),
    )
    benefit_cost = models.PositiveBigIntegerField(
        _("benefit cost a member and year"),
        default=0,
        help_text=_("In minor units of money; used by the preview (F20)."),
    )

    class Meta:
        verbose_name = _("rung")
        verbose_name_plural = _("rungs")
        ordering = ["tier__rank"]
        constraints = [
            models.UniqueConstraint(fields=["ladder", "tier"], name="rung_once"),
            models.CheckConstraint(
                condition=Q(validity_months__isnull=True) | Q(validity_months__gt=0), name="rung_validity"
            ),
            StandsFast(name="rung_stands_fast", of="ladder"),
        ]

    def __str__(self):
        return str(self.tier)

    @property
    def size(self) -> int | None:
        """How many, or which share in thousandths, stand here and above."""
        return self.places if self.ladder.line == Ladder.Line.TOP else self.share_permille


class TierCut(models.Model):
    """Where a ranking drew the line: the growth of the last member who had a place there (domain.md F4)."""

    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="cuts", verbose_name=_("ladder"))
    tier = models.ForeignKey(Tier, models.PROTECT, related_name="+", verbose_name=_("tier"))
    at = models.DateTimeField(_("at"))
    places = models.PositiveBigIntegerField(_("places"))
    growth = models.BigIntegerField(_("growth (hundredths)"), help_text=_("0 = there were more places than members."))

    class Meta:
        verbose_name = _("tier cut")
        verbose_name_plural = _("tier cuts")
        ordering = ["-at", "-tier__rank"]
        constraints = [models.UniqueConstraint(fields=["ladder", "tier", "at"], name="tier_cut_once")]

    def __str__(self):
        return f"{self.tier}: {self.growth}"
