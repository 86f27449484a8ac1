from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .allowances import Allowance
from .benefits import Benefit


class Bundle(models.Model):
    """Several benefits that are given as one (domain.md S1-49)."""

    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=300, blank=True)
    adds_quotas = models.BooleanField(
        _("its quotas add to others"),
        default=False,
        help_text=_(
            "What members may use anyway is not touched: they have the bundle's uses besides, period by period."
        ),
    )

    class Meta:
        verbose_name = _("bundle")
        verbose_name_plural = _("bundles")
        ordering = ["name"]

    def __str__(self):
        return self.name


class BundleItem(Allowance):
    """One benefit of a bundle."""

    bundle = models.ForeignKey(Bundle, models.CASCADE, related_name="items", db_index=False, verbose_name=_("bundle"))
    benefit = models.ForeignKey(Benefit, models.PROTECT, related_name="bundle_items", verbose_name=_("benefit"))

    class Meta:
        verbose_name = _("benefit of the bundle")
        verbose_name_plural = _("benefits of the bundle")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["bundle", "benefit"], name="bundle_item_once"),
            models.CheckConstraint(condition=Q(quota__isnull=True) | Q(quota__gt=0), name="bundle_item_quota"),
        ]

    def __str__(self):
        return str(self.benefit)
