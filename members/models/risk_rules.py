from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from common.models.stands_fast import StandsFast

from .risk_words import EARNS, FACTS, NAMES_ORDER, NAMES_OTHER, Action, Counter, Outcome

MOST = 500
"""So many instants a counter remembers at most, so no limit is higher."""

HAPPENED = _("This has happened when we hear of it: it can be watched or lead to a block, not be refused.")
BLOCK = _("A block, and only a block, needs the days and from what a member is blocked.")


class RiskRule(models.Model):
    """A hole that was found, and how it is filled (domain.md S2-57): an open list. What it says lies in its versions."""

    code = models.SlugField(_("code"), max_length=60, unique=True, help_text=_("Refusals name it."))
    name = models.CharField(_("name"), max_length=100)
    description = models.TextField(_("description"), blank=True, help_text=_("Which abuse it answers; for colleagues."))

    class Meta:
        verbose_name = _("risk rule")
        verbose_name_plural = _("risk rules")
        ordering = ["name"]

    def __str__(self):
        return self.name


class RiskRuleVersion(models.Model):
    """What a risk rule says: of one action, at most so many in a rolling window are let through.

    A draft is edited. In shadow it counts whom it would have refused and refuses nobody; once in shadow or in force it
    never changes. Of a rule, the newest version in force that has begun counts, and beside it the newest in shadow.
    """

    class Mode(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SHADOW = "shadow", _("In shadow: refuses nobody")
        ACTIVE = "active", _("In force")
        RETIRED = "retired", _("Ended")

    rule = models.ForeignKey(RiskRule, models.PROTECT, related_name="versions", verbose_name=_("rule"))
    number = models.PositiveIntegerField(_("version"), editable=False)
    mode = models.CharField(_("state"), max_length=8, choices=Mode, default=Mode.DRAFT, editable=False)
    action = models.CharField(_("of"), max_length=16, choices=Action)
    counter = models.CharField(_("counted per"), max_length=8, choices=Counter, default=Counter.MEMBER)
    limit = models.PositiveSmallIntegerField(
        _("at most"),
        default=5,
        validators=[MaxValueValidator(MOST)],
        help_text=_("So many are let through; the next one is not. 0: none, for whom the conditions fit."),
    )
    window_minutes = models.PositiveIntegerField(
        _("in so many minutes"),
        default=1440,
        validators=[MinValueValidator(1), MaxValueValidator(366 * 1440)],
        help_text=_("Rolling: 60 = an hour, 1440 = 24 hours, 525600 = 365 days."),
    )
    younger_than_days = models.PositiveSmallIntegerField(
        _("only accounts younger than (days)"), null=True, blank=True, help_text=_("Empty: of any age.")
    )
    spares_verified = models.BooleanField(_("spare whose real name is verified"), default=False)
    tiers = models.CharField(
        _("only in the tiers"), max_length=200, blank=True, help_text=_("Codes, separated by commas. Empty: in all.")
    )
    conducts = models.JSONField(_("only of conduct"), default=list, blank=True)
    outcome = models.CharField(_("then"), max_length=8, choices=Outcome, default=Outcome.REFUSE)
    block_actions = models.JSONField(_("blocked from"), default=list, blank=True)
    block_days = models.PositiveSmallIntegerField(_("blocked for (days)"), null=True, blank=True)
    reason_en = models.CharField(_("what members read (English)"), max_length=300)
    reason_zh = models.CharField(_("what members read (Chinese)"), max_length=300)
    effective_from = models.DateTimeField(
        _("in force from"), help_text=_("If this has passed when it is put in force, then at once.")
    )
    effective_until = models.DateTimeField(_("in force until"), null=True, blank=True)
    created_at = models.DateTimeField(_("written at"), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("written by"),
    )
    activated_at = models.DateTimeField(_("put in force at"), null=True, editable=False)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("put in force by"),
    )

    class Meta:
        verbose_name = _("version of a risk rule")
        verbose_name_plural = _("versions of risk rules")
        ordering = ["rule", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="risk_version_once"),
            models.CheckConstraint(condition=Q(limit__lte=MOST), name="risk_version_limit_can_be_counted"),
            models.CheckConstraint(condition=Q(window_minutes__gte=1), name="risk_version_has_window"),
            models.CheckConstraint(
                condition=Q(activated_by=None) | ~Q(activated_by=F("created_by")), name="risk_version_second_person"
            ),
            models.CheckConstraint(
                condition=Q(effective_until=None) | Q(effective_until__gt=F("effective_from")),
                name="risk_version_ends_after_start",
            ),
            StandsFast(
                name="risk_version_stands_fast",
                state="mode",
                but=["mode", "effective_from", "effective_until", "activated_at", "activated_by"],
            ),
            models.CheckConstraint(
                condition=~Q(outcome="refuse", action__in=sorted(FACTS)),
                name="risk_version_refuses_no_fact",
                violation_error_message=HAPPENED,
            ),
            models.CheckConstraint(
                condition=Q(outcome="block", block_days__isnull=False) | ~Q(outcome="block") & Q(block_days=None),
                name="risk_version_block_has_days",
                violation_error_message=BLOCK,
            ),
        ]

    def __str__(self):
        return f"{self.rule} v{self.number}"

    @property
    def reason(self) -> str:
        """What members read, in the language at hand."""
        return self.reason_zh if (translation.get_language() or "").startswith("zh") else self.reason_en

    def faults(self) -> list[str]:
        """Why it could not run; empty if it can."""
        blocks, action = self.outcome == Outcome.BLOCK, self.action
        known = {
            HAPPENED: action in FACTS and self.outcome == Outcome.REFUSE,
            BLOCK: blocks != bool(self.block_days) or blocks != bool(self.block_actions),
            _("This gives no points that could be set aside for a look."): self.outcome == Outcome.REVIEW
            and action not in EARNS,
            _("Nobody can be blocked from what merely happens."): bool(set(self.block_actions) & FACTS),
            _("This names no order."): self.counter == Counter.ORDER and action not in NAMES_ORDER,
            _("Only likes and transfers have somebody on the other side."): self.counter
            in (Counter.OTHER, Counter.PAIR)
            and action not in NAMES_OTHER,
            _("Say in both languages what members read."): not self.reason_en or not self.reason_zh,
        }
        return [str(fault) for fault, is_so in known.items() if is_so]

    @property
    def tier_codes(self) -> set[str]:
        return {code.strip() for code in self.tiers.split(",") if code.strip()}
