from django.db import models
from django.utils.translation import gettext_lazy as _

from .merchants import Merchant


class Store(models.Model):
    """A shop front of a merchant. Order lines name it by `code`, the marketplace's own."""

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="stores", verbose_name=_("merchant"))
    code = models.CharField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=200)

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        ordering = ["code"]

    def __str__(self):
        return self.name
