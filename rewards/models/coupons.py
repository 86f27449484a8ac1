from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class CouponTerms(models.Model):
    """What a coupon takes off, and of what: an amount, or a percentage up to a cap. Money is in minor units.

    A line counts if it fits every list that is not empty; `least_spend` is what such lines must cost together, at the
    member's prices and before points. A coupon that says neither amount nor percentage is the shop's to explain.
    """

    off_amount = models.PositiveBigIntegerField(_("takes off"), null=True, blank=True)
    off_percent = models.PositiveSmallIntegerField(
        _("or takes off (%)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("What is left to pay is rounded half up."),
    )
    off_most = models.PositiveBigIntegerField(_("but at most"), null=True, blank=True)
    least_spend = models.PositiveBigIntegerField(_("from"), default=0)
    only_categories = models.CharField(
        _("only for categories"),
        max_length=1000,
        blank=True,
        help_text=_("The shop's codes, separated by commas. Empty: all."),
    )
    only_stores = models.CharField(
        _("only at stores"),
        max_length=1000,
        blank=True,
        help_text=_("Codes of stores, separated by commas. Empty: all."),
    )
    only_skus = models.CharField(
        _("only for SKUs"), max_length=2000, blank=True, help_text=_("Separated by commas. Empty: all.")
    )

    class Meta:
        abstract = True

    @property
    def says_terms(self) -> bool:
        """Whether it says what it takes off."""
        return self.off_amount is not None or self.off_percent is not None

    def fits(self, category: str, store: str, sku: str) -> bool:
        """Whether a line counts."""
        asked = ((self.only_categories, category), (self.only_stores, store), (self.only_skus, sku))
        return all(not names or value in listed(names) for names, value in asked)

    def off(self, cash: int) -> int:
        """What it takes off lines that cost so much together; never more than they cost.

        Of a percentage, what is left is rounded half up.
        """
        if self.off_amount is not None:
            return min(self.off_amount, cash)
        taken = cash - (2 * cash * (100 - (self.off_percent or 0)) + 100) // 200
        return taken if self.off_most is None else min(taken, self.off_most)


TERMS = tuple(field.name for field in CouponTerms._meta.fields)
"""The names of the fields above: once a coupon was handed out, they stand fast."""

CHECKS = [
    models.CheckConstraint(
        condition=Q(kind="coupon")
        | Q(off_amount__isnull=True, off_percent__isnull=True, least_spend=0, only_categories="", only_stores="")
        & Q(only_skus=""),
        name="reward_terms_are_a_coupons",
    ),
    models.CheckConstraint(
        condition=Q(off_amount__isnull=True, off_percent__isnull=True, off_most__isnull=True)
        | Q(off_amount__gt=0, off_percent__isnull=True, off_most__isnull=True)
        | Q(off_amount__isnull=True, off_percent__gte=1, off_percent__lte=100),
        name="reward_coupon_amount_or_percent",
    ),
    models.CheckConstraint(condition=Q(off_most__isnull=True) | Q(off_most__gt=0), name="reward_coupon_cap"),
]


def listed(names: str) -> list[str]:
    """The names of a list that is separated by commas, in their order."""
    return [name for name in (part.strip() for part in names.split(",")) if name]
