from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.models.stands_fast import StandsFast
from loyalty.models import MedalLevel, ScoreThreshold, Segment, Tier
from members.models import Plan
from merchants.models import Club

from .allowances import Allowance, Period
from .benefits import Benefit
from .bundles import Bundle

# Which column names the members, by kind of audience.
_COLUMNS = {
    "tier": "tier",
    "medal": "medal_level",
    "plan": "plan",
    "score": "threshold",
    "club": "club",
    "segment": "segment",
}


def _names_its_audience() -> Q:
    """Just the column of the kind is filled."""
    rule = Q()
    for kind, column in _COLUMNS.items():
        others = {f"{other}__isnull": True for other in _COLUMNS.values() if other != column}
        rule |= Q(audience=kind, **{f"{column}__isnull": False}, **others)
    return rule


class GrantQuerySet(models.QuerySet):
    def in_force(self, at):
        """Grants that give at an instant."""
        until = Q(effective_until__isnull=True) | Q(effective_until__gt=at)
        return self.filter(until, status=BenefitGrant.Status.ACTIVE, effective_from__lte=at)


class BenefitGrant(Allowance):
    """Which benefit (or bundle) a group of members has, from when to when. A draft is edited; in force it never changes.

    It is put in force by somebody other than its author, and replaced by a further one. Who pays (a plan) and who
    contributes (all others) is the gate (S1-50): every benefit may have grants of both.
    """

    class Audience(models.TextChoices):
        TIER = "tier", _("A tier, and those above")
        MEDAL = "medal", _("A level of a medal, and those above")
        PLAN = "plan", _("Subscribers of a paid plan")
        SCORE = "score", _("Whose settled score meets a threshold")
        CLUB = "club", _("Card holders of a merchant's membership")
        SEGMENT = "segment", _("Members of a segment")

    class Gate(models.TextChoices):
        PAY = "pay", _("Pay")
        CONTRIBUTE = "contribute", _("Contribute")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ACTIVE = "active", _("Active")

    benefit = models.ForeignKey(
        Benefit, models.PROTECT, null=True, blank=True, related_name="grants", verbose_name=_("benefit")
    )
    bundle = models.ForeignKey(
        Bundle, models.PROTECT, null=True, blank=True, related_name="grants", verbose_name=_("or bundle")
    )
    pack = models.ForeignKey(
        Bundle,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="packed_by",
        verbose_name=_("benefits in the pack"),
        help_text=_("For a birthday pack: given for as long as the pack is valid."),
    )
    audience = models.CharField(_("who has it"), max_length=8, choices=Audience, default=Audience.TIER)
    tier = models.ForeignKey(Tier, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("tier"))
    medal_level = models.ForeignKey(
        MedalLevel, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("level of a medal")
    )
    plan = models.ForeignKey(Plan, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("plan"))
    threshold = models.ForeignKey(
        ScoreThreshold, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("score threshold")
    )
    club = models.ForeignKey(
        Club, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("membership of a merchant")
    )
    club_level = models.PositiveSmallIntegerField(
        _("from level"), default=1, validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    segment = models.ForeignKey(
        Segment, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("segment")
    )
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.DRAFT, editable=False)
    effective_from = models.DateTimeField(_("in force from"), null=True, blank=True, editable=False)
    effective_until = models.DateTimeField(_("in force until"), null=True, blank=True, editable=False)
    replaces = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="replaced_by",
        editable=False,
        verbose_name=_("replaces"),
    )
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("drafted by"),
    )
    drafted_at = models.DateTimeField(_("drafted at"), editable=False)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("put in force by"),
    )
    activated_at = models.DateTimeField(_("put in force at"), null=True, blank=True, editable=False)

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("grant of benefits")
        verbose_name_plural = _("grants of benefits")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(benefit__isnull=False, bundle__isnull=True)
                | Q(benefit__isnull=True, bundle__isnull=False, value__isnull=True, quota__isnull=True),
                name="grant_of_benefit_or_bundle",
                violation_error_message=_("Choose a benefit, or a bundle: it has its own parameters and quotas."),
            ),
            models.CheckConstraint(
                condition=_names_its_audience(),
                name="grant_names_its_audience",
                violation_error_message=_("Say who has it: choose just what the audience asks for."),
            ),
            models.CheckConstraint(condition=Q(quota__isnull=True) | Q(quota__gt=0), name="grant_quota"),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(effective_from__isnull=False, activated_at__isnull=False),
                name="grant_active_has_a_date",
            ),
            models.CheckConstraint(
                condition=Q(effective_until__isnull=True) | Q(effective_until__gte=F("effective_from")),
                name="grant_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(activated_by__isnull=True) | ~Q(activated_by=F("drafted_by")), name="grant_second_person"
            ),
            StandsFast(name="grant_stands_fast", but=["effective_until"]),
        ]

    def __str__(self):
        return f"{self.benefit or self.bundle}: {self.whom}"

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT

    @property
    def gate(self) -> Gate:
        """Whether members come to it by paying or by contributing."""
        return self.Gate.PAY if self.audience == self.Audience.PLAN else self.Gate.CONTRIBUTE

    @property
    def target(self) -> Any:
        """The tier, level, plan, threshold, membership or segment."""
        return getattr(self, _COLUMNS[self.audience])

    @property
    def whom(self) -> str:
        """Who has it, in words."""
        if self.target is None:
            return "–"
        if self.audience in (self.Audience.TIER, self.Audience.MEDAL):
            return gettext("%s and above") % self.target
        if self.audience == self.Audience.CLUB and self.club_level > 1:
            return gettext("%(club)s, from level %(level)d") % {"club": self.club, "level": self.club_level}
        if self.audience == self.Audience.SCORE:
            return gettext("Value score: %s") % self.target
        if self.audience == self.Audience.SEGMENT:
            return gettext("Segment: %s") % self.target
        return str(self.target)

    def faults(self) -> list[str]:
        """Why it cannot be put in force; empty if it can."""
        found = []
        parameter = self.benefit.parameter if self.benefit else None
        if parameter and self.value is None:
            found.append(gettext("Say the parameter: %s.") % parameter.words)
        is_discount = self.benefit is not None and self.benefit.kind == Benefit.Kind.CATEGORY_DISCOUNT
        if is_discount and self.value is not None and not 0 < self.value < 100:
            found.append(gettext("A discount is between 1 and 99 per cent."))
        if self.bundle and not self.bundle.items.exists():
            found.append(gettext("The bundle is empty."))
        if self.period == Period.TERM and self.quota is not None and self.audience != self.Audience.PLAN:
            found.append(gettext("Only a paid plan has a term. Choose another period."))
        if self.pack_id and (self.benefit is None or self.benefit.kind != Benefit.Kind.BIRTHDAY_PACK):
            found.append(gettext("Only a birthday pack holds benefits."))
        return found
