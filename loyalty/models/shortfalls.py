from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel

from .accounts import Account
from .rules import EarningRuleVersion


class Shortfall(InsertOnlyModel):
    """Points that a rule would have given but did not, wholly or in part, and the reason: nothing is capped silently."""

    class Reason(models.TextChoices):
        CAP_ITEM = "cap_item", _("Cap per product")
        CAP_ORDER = "cap_order", _("Cap per order")
        CAP_DAY = "cap_day", _("Cap per day")
        CAP_MONTH = "cap_month", _("Cap per month")
        CAP_QUARTER = "cap_quarter", _("Cap per quarter")
        CAP_YEAR = "cap_year", _("Cap per year")
        CAP_MEMBER = "cap_member", _("Cap per member")
        CAMPAIGN_BUDGET = "campaign_budget", _("The campaign's budget is used up")
        FUNDER_EMPTY = "funder_empty", _("The funder's purse is empty")
        OUTRANKED = "outranked", _("Another rule of this kind gave more")
        NOT_PURCHASED = "not_purchased", _("Not bought on this account")
        REFUNDED = "refunded", _("The item was refunded")
        PRICE_GATE = "price_gate", _("The unit price is below the least for reviews")
        TOO_LATE = "too_late", _("The time to review has passed")
        REPEATED = "repeated", _("The same product was reviewed shortly before")
        ALREADY_TODAY = "already_today", _("Already counted today")
        POINTS_SHORT = "points_short", _("Fewer points than the penalty")

    account = models.ForeignKey(Account, models.PROTECT, related_name="shortfalls", verbose_name=_("account"))
    rule_version = models.ForeignKey(
        EarningRuleVersion, models.PROTECT, null=True, blank=True, verbose_name=_("rule version")
    )
    reference = models.CharField(_("reference"), max_length=255)
    computed = models.BigIntegerField(_("computed"))
    granted = models.BigIntegerField(_("granted"))
    reason = models.CharField(_("reason"), max_length=20, choices=Reason)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("capped or refused earning")
        verbose_name_plural = _("capped or refused earnings")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(granted__gte=0) & Q(granted__lte=F("computed")), name="shortfall_granted_less"
            ),
        ]

    def __str__(self):
        return f"{self.reference}: {self.granted}/{self.computed} ({self.reason})"
