from django.db import models
from django.utils.translation import gettext_lazy as _


class ProductTally(models.Model):
    """What one product has given to all members together: the first photo reviews count for growth (domain.md F1)."""

    sku = models.CharField(_("SKU"), max_length=100, primary_key=True)
    photo_reviews = models.PositiveBigIntegerField(_("photo reviews"), default=0)

    class Meta:
        verbose_name = _("product tally")
        verbose_name_plural = _("product tallies")

    def __str__(self):
        return self.sku
