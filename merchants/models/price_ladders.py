from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .merchants import Merchant
from .prices import MOST
from .stores import Store


class PriceLadder(models.Model):
    """Prices that fall with the quantity of an order line, for business members (domain.md S2-44), in [starts_at, ends_at).

    It holds for one SKU, for one category, or (both empty) for everything; in one store or all of the merchant's.
    """

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="price_ladders", verbose_name=_("merchant"))
    store = models.ForeignKey(
        Store,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="price_ladders",
        verbose_name=_("store"),
        help_text=_("Empty = all stores."),
    )
    name = models.CharField(_("name"), max_length=100)
    sku = models.CharField(_("SKU"), max_length=100, blank=True, help_text=_("Or a category, or neither: everything."))
    category = models.CharField(_("category"), max_length=100, blank=True)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True, help_text=_("Empty = until further notice."))

    class Meta:
        verbose_name = _("price ladder")
        verbose_name_plural = _("price ladders")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["merchant", "name"], name="price_ladder_name_once"),
            models.CheckConstraint(
                condition=Q(sku="") | Q(category=""),
                name="price_ladder_for_one_kind",
                violation_error_message=_("Name a SKU or a category, not both."),
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="price_ladder_ends_after_start",
                violation_error_message=_("The end lies after the start."),
            ),
        ]

    def __str__(self):
        return self.name

    def clean(self):
        """The store is the merchant's own."""
        if self.store is not None and self.store.merchant_id != self.merchant_id:
            raise ValidationError({"store": _("This is not the merchant's own.")})


class PriceStep(models.Model):
    """From so many pieces of a line on: a price of one piece (minor units), or a percentage off the whole line.

    The percentage is taken from the line's list price; what is left is rounded half up to the minor unit.
    """

    ladder = models.ForeignKey(PriceLadder, models.CASCADE, related_name="steps", verbose_name=_("price ladder"))
    from_quantity = models.PositiveIntegerField(_("from pieces"), validators=[MinValueValidator(1)])
    price = models.PositiveBigIntegerField(
        _("price of one piece"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MOST)]
    )
    percent_off = models.PositiveSmallIntegerField(
        _("percent off"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(99)]
    )

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["from_quantity"]
        constraints = [
            models.UniqueConstraint(fields=["ladder", "from_quantity"], name="price_step_once"),
            models.CheckConstraint(
                condition=Q(price__range=(1, MOST), percent_off=None) | Q(price=None, percent_off__range=(1, 99)),
                name="price_step_price_or_percent",
                violation_error_message=_("Give a price or a percentage, not both."),
            ),
            models.CheckConstraint(condition=Q(from_quantity__gte=1), name="price_step_from_one"),
        ]

    def __str__(self):
        return _("from %(quantity)d pieces") % {"quantity": self.from_quantity}
