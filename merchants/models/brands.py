from django.db import models
from django.utils.translation import gettext_lazy as _

from .merchants import Merchant


class Brand(models.Model):
    """A brand of a merchant. Its stores, mini-program and shops in town can share one membership (domain.md S1-26, S1-27)."""

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="brands", verbose_name=_("merchant"))
    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=100)

    class Meta:
        verbose_name = _("brand")
        verbose_name_plural = _("brands")
        ordering = ["code"]

    def __str__(self):
        return self.name
