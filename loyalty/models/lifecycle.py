from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .editions import Edition


class Lifecycle(models.TextChoices):
    """Where a member stands between the first order and the last (domain.md F24, S1-48, S1-52…53)."""

    PROSPECT = "prospect", _("Prospect")
    NEW = "new", _("New")
    ACTIVE = "active", _("Active")
    AT_RISK = "at_risk", _("At risk")
    LAPSED = "lapsed", _("Lapsed")
    RETURNING = "returning", _("Returning")


class LifecyclePolicy(Edition):
    """When a member counts as new, at risk, lapsed or returning (domain.md F24); all limits in days, "within" includes the day.

    Who buys seldom lapses late: a limit is the days given or so many times the member's own median gap between order
    days, whichever is more. Before any edition is published, the defaults count: they are F24's.
    """

    new_days = models.PositiveSmallIntegerField(
        _("new for (days)"), default=30, help_text=_("After registration, and after the first order.")
    )
    risk_days = models.PositiveSmallIntegerField(
        _("at risk after (days)"), default=90, help_text=_("Without an order, more than so many days …")
    )
    risk_gaps = models.PositiveSmallIntegerField(
        _("… and more than so many usual gaps"),
        default=2,
        help_text=_("A usual gap is the median time between the member's own order days."),
    )
    lapsed_days = models.PositiveSmallIntegerField(
        _("lapsed after (days)"),
        default=180,
        validators=[MinValueValidator(1)],
        help_text=_("Without an order, more than so many days …"),
    )
    lapsed_gaps = models.PositiveSmallIntegerField(_("… and more than so many usual gaps"), default=3)
    returning_days = models.PositiveSmallIntegerField(
        _("returning for (days)"), default=60, help_text=_("After the order that ended the lapse.")
    )

    class Meta(Edition.Meta):
        verbose_name = _("life-cycle policy")
        verbose_name_plural = _("life-cycle policies")

    def faults(self) -> list[str]:
        """A member must be able to pass through the stages in their order."""
        found = []
        if self.risk_days >= self.lapsed_days or self.risk_gaps > self.lapsed_gaps:
            found.append(gettext("Members must be at risk before they lapse."))
        if self.new_days > self.lapsed_days:
            found.append(gettext("Lapsed members are never new again: new must be shorter than lapsed."))
        if self.returning_days > self.lapsed_days:
            found.append(gettext("Returning must be shorter than lapsed."))
        return found
