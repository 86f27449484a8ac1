from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .brands import Brand
from .merchants import Merchant


class Store(models.Model):
    """A shop front of a merchant. Order lines name it by `code`, the marketplace's own."""

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="stores", verbose_name=_("merchant"))
    brand = models.ForeignKey(
        Brand, models.PROTECT, null=True, blank=True, related_name="stores", verbose_name=_("brand")
    )
    code = models.CharField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=200)

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        ordering = ["code"]

    def __str__(self):
        return self.name


class UnknownStore(models.Model):
    """A store code that orders name and no store bears; it waits here until an operator adopts it.

    How much was bought there, the order lines say (selectors/stores.py).
    """

    code = models.CharField(_("code"), max_length=60, unique=True)
    first_seen_at = models.DateTimeField(_("first seen at"))
    last_seen_at = models.DateTimeField(_("last seen at"))

    class Meta:
        verbose_name = _("unknown store")
        verbose_name_plural = _("unknown stores")
        ordering = ["-last_seen_at", "code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_seen_at__gte=F("first_seen_at")), name="unknown_store_seen_in_order"
            )
        ]

    def __str__(self):
        return self.code
