from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from common.models.stands_fast import StandsFast
from members.models import Member

from .editions import Edition
from .orders import OrderLine

NEUTRAL = 100
"""The coefficient of whom nothing is known, in per cent: growth counts as it is."""


class Conduct(NamedTuple):
    """What a member's coefficient is judged by: order lines and broken promises of the window (money in minor units), or a
    credit score."""

    returned: int = 0
    lines: int = 0
    returned_cash: int = 0
    cash: int = 0
    score: int | None = None
    breaches: int = 0


class CoefficientPolicy(Edition):
    """Which growth coefficient a member's conduct leads to (domain.md F2, S2-07/08). JD's steps; the cut-offs are ours.

    `alpha` and `beta` smooth the ratio, so that one return out of one order is not "everything came back" (E52).
    """

    class Source(models.TextChoices):
        RETURN_RATIO = "return_ratio", _("What came back without cause")
        CREDIT_SCORE = "credit_score", _("The external credit score")

    class Basis(models.TextChoices):
        LINES = "lines", _("Every order line counts the same")
        AMOUNT = "amount", _("An order line weighs what it cost")

    source = models.CharField(_("judged by"), max_length=12, choices=Source, default=Source.RETURN_RATIO)
    basis = models.CharField(_("weight"), max_length=10, choices=Basis, default=Basis.LINES)
    window_months = models.PositiveSmallIntegerField(
        _("window (months)"), default=12, validators=[MinValueValidator(1)], help_text=_("Whole calendar months.")
    )
    alpha = models.PositiveSmallIntegerField(
        _("returns taken for granted"),
        default=1,
        help_text=_("Everybody is judged as if so many lines had come back in addition …"),
    )
    beta = models.PositiveSmallIntegerField(
        _("kept lines taken for granted"),
        default=19,
        validators=[MinValueValidator(1)],
        help_text=_("… and so many had been kept: 1 and 19 take one in twenty for granted."),
    )
    min_lines = models.PositiveSmallIntegerField(
        _("least lines for more than 1.0"),
        default=5,
        help_text=_("Whoever has bought fewer order lines in the window gets 1.0 at best."),
    )

    breach_lines = models.PositiveSmallIntegerField(
        _("lines for a broken promise"),
        default=3,
        help_text=_(
            "An instant refund whose goods never came back counts like so many lines that came back (F21). 0: not at all. "
            "A credit score is not ours to lower."
        ),
    )

    PARTS = ("bands",)

    class Meta(Edition.Meta):
        verbose_name = _("coefficient policy")
        verbose_name_plural = _("coefficient policies")

    @property
    def by_score(self) -> bool:
        return self.source == self.Source.CREDIT_SCORE

    def ordered_bands(self) -> list[CoefficientBand]:
        """The bands in the order in which they are tried: the best first, the open one last."""
        return sorted(self.bands.all(), key=lambda band: (band.is_open, band.edge))

    def ratio(self, conduct: Conduct) -> Fraction:
        """The smoothed share of what came back without cause, exactly."""
        return Fraction(*self._odds(conduct))

    def percent(self, conduct: Conduct) -> int:
        """The coefficient that conduct leads to, in per cent; a bound belongs to the better band (domain.md F2).

        NEUTRAL without a credit score, if that is what members are judged by.
        """
        part, whole = self._odds(conduct)
        if self.by_score:
            fits = (band for band in self._steps if conduct.score is not None and band.takes_score(conduct.score))
        else:
            fits = (band for band in self._steps if band.takes_ratio(part, whole))
        band = next(fits, None)
        if band is None:
            return NEUTRAL
        enough = self.by_score or conduct.lines >= self.min_lines
        return band.percent if enough else min(band.percent, NEUTRAL)

    @cached_property
    def _steps(self) -> list[CoefficientBand]:
        """The bands, read once for however many members are judged."""
        return self.ordered_bands()

    def _odds(self, conduct: Conduct) -> tuple[int, int]:
        """The ratio as (part, whole). By amount, the lines came back in the share in which their money did.

        Broken promises are lines that came back, whatever the lines weigh.
        """
        more = self.alpha + conduct.breaches * self.breach_lines
        whole = conduct.lines + self.beta + more
        if self.basis == self.Basis.LINES or not conduct.cash:
            return conduct.returned + more, whole
        return conduct.lines * conduct.returned_cash + more * conduct.cash, whole * conduct.cash

    def faults(self) -> list[str]:
        """What makes this no policy: bands of another source, no last resort, better conduct that is worth less."""
        bands = self.ordered_bands()
        if sum(band.is_open for band in bands) != 1:
            return [gettext("Exactly one band must be without a bound: it is for all the rest.")]
        bound = "from_score" if self.by_score else "up_to_permille"
        other = "up_to_permille" if self.by_score else "from_score"
        found = []
        if any(getattr(band, other) is not None or getattr(band, bound) is None for band in bands[:-1]):
            found.append(gettext("Every other band needs a bound that goes with what members are judged by."))
        percents = [band.percent for band in bands]
        if percents != sorted(percents, reverse=True) or len(set(percents)) != len(percents):
            found.append(gettext("Better conduct must have a higher coefficient."))
        return found


class CoefficientBand(models.Model):
    """One step of a coefficient policy; the band without a bound is for all the rest."""

    policy = models.ForeignKey(
        CoefficientPolicy, models.CASCADE, related_name="bands", verbose_name=_("coefficient policy")
    )
    up_to_permille = models.PositiveSmallIntegerField(
        _("at most returned (‰)"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(1000)],
        help_text=_("Inclusive; 30 = 3 %. Empty = all the rest."),
    )
    from_score = models.PositiveIntegerField(
        _("credit score from"), null=True, blank=True, help_text=_("Inclusive. Empty = all the rest.")
    )
    percent = models.PositiveSmallIntegerField(
        _("coefficient (%)"),
        validators=[MaxValueValidator(1000)],
        help_text=_("130 = growth times 1.3; 0 = no growth, which a person must approve each time."),
    )

    class Meta:
        verbose_name = _("band")
        verbose_name_plural = _("bands")
        ordering = ["-percent"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "percent"], name="coefficient_band_once"),
            models.CheckConstraint(
                condition=Q(up_to_permille__isnull=True) | Q(from_score__isnull=True),
                name="coefficient_band_one_bound",
            ),
            StandsFast(name="coefficient_band_stands_fast", of="policy"),
        ]

    def __str__(self):
        return f"{self.policy_id}: {self.percent} %"

    @property
    def is_open(self) -> bool:
        return self.up_to_permille is None and self.from_score is None

    @property
    def edge(self) -> int:
        """Sorts the bands of one policy, the best first."""
        return self.up_to_permille if self.up_to_permille is not None else -(self.from_score or 0)

    def takes_ratio(self, part: int, whole: int) -> bool:
        """Whether part/whole is at most the bound, in whole numbers: no fraction is rounded."""
        return self.up_to_permille is None or 1000 * part <= self.up_to_permille * whole

    def takes_score(self, score: int) -> bool:
        return self.from_score is None or score >= self.from_score


class JudgedConduct(models.Model):
    """What a judgement rests on, kept beside it."""

    policy = models.ForeignKey(
        CoefficientPolicy, models.PROTECT, related_name="+", db_index=False, verbose_name=_("coefficient policy")
    )
    returned = models.PositiveBigIntegerField(_("lines that came back without cause"), default=0)
    lines = models.PositiveBigIntegerField(_("lines"), default=0)
    returned_cash = models.PositiveBigIntegerField(_("cash of the lines that came back"), default=0)
    cash = models.PositiveBigIntegerField(_("cash of the lines"), default=0)
    score = models.PositiveIntegerField(_("credit score"), null=True)
    breaches = models.PositiveIntegerField(_("broken promises"), default=0)

    class Meta:
        abstract = True

    @property
    def conduct(self) -> Conduct:
        return Conduct(self.returned, self.lines, self.returned_cash, self.cash, self.score, self.breaches)


class ConductCase(JudgedConduct):
    """Somebody's coefficient would fall to nothing: a person decides, not the machine (PIPL 24, domain.md F2).

    Until then, and if it is dismissed, the member keeps the present coefficient. It is withdrawn when the conduct no
    longer asks for it.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("Waits for a decision")
        APPROVED = "approved", _("Approved")
        DISMISSED = "dismissed", _("Dismissed")
        WITHDRAWN = "withdrawn", _("Withdrawn: the facts have changed")

    member = models.ForeignKey(
        Member, models.PROTECT, related_name="conduct_cases", db_index=False, verbose_name=_("member")
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    opened_at = models.DateTimeField(_("opened at"))
    decided_at = models.DateTimeField(_("decided at"), null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    note = models.CharField(_("note"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("conduct case")
        verbose_name_plural = _("conduct cases")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["member"], condition=Q(status="open"), name="conduct_case_one_open"),
            models.CheckConstraint(
                condition=Q(status="open", decided_at__isnull=True) | (~Q(status="open") & Q(decided_at__isnull=False)),
                name="conduct_case_decided",
            ),
        ]
        indexes = [models.Index(fields=["member", "-id"], name="conduct_case_member")]

    def __str__(self):
        return f"{self.member}"


class Coefficient(JudgedConduct, InsertOnlyModel):
    """A member's growth coefficient changed, in per cent; `case` if a person decided it. It holds for growth from `at` on."""

    member = models.ForeignKey(
        Member, models.PROTECT, related_name="coefficients", db_index=False, verbose_name=_("member")
    )
    before = models.PositiveSmallIntegerField(_("before (%)"))
    after = models.PositiveSmallIntegerField(_("after (%)"))
    case = models.OneToOneField(
        ConductCase, models.PROTECT, null=True, related_name="coefficient", verbose_name=_("conduct case")
    )
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("coefficient")
        verbose_name_plural = _("coefficients")
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=~Q(before=models.F("after")), name="coefficient_changes")]
        indexes = [models.Index(fields=["member", "-id"], name="coefficient_member")]

    def __str__(self):
        return f"{self.member_id}: {self.before} → {self.after}"


class ExcusedLine(InsertOnlyModel):
    """An order line whose return is not held against the member after all: what contesting a coefficient leads to (E52)."""

    line = models.OneToOneField(
        OrderLine, models.PROTECT, primary_key=True, related_name="excuse", verbose_name=_("order line")
    )
    note = models.CharField(_("note"), max_length=500)
    excused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("excused by")
    )
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("excused line")
        verbose_name_plural = _("excused lines")
        ordering = ["-at"]

    def __str__(self):
        return f"{self.line_id}"
