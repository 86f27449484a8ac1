from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from loyalty.models import Tier


class BenefitBudget(models.Model):
    """What the benefits of one tier's members may cost in a month, and what is left of their money (domain.md F20).

    A grant is put in force only if the tier's benefits stay within the budget and below the tier's contribution: the net
    cash of its members in twelve months, a twelfth of it, times the margin.
    """

    tier = models.OneToOneField(
        Tier, models.PROTECT, primary_key=True, related_name="benefit_budget", verbose_name=_("tier")
    )
    monthly = models.PositiveBigIntegerField(_("budget a month"), help_text=_("For all benefits of its members."))
    margin_permille = models.PositiveSmallIntegerField(
        _("contribution margin (‰ of net cash)"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(1000)],
        help_text=_("What is left of 1,000 of net cash before benefits. Empty: not tested."),
    )

    class Meta:
        verbose_name = _("budget of benefits")
        verbose_name_plural = _("budgets of benefits")
        ordering = ["tier__rank"]

    def __str__(self):
        return str(self.tier)
