from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .cards import Card
from .clubs import Club


class CardOrder(models.Model):
    """What an order gave to a card, and what refunds have taken back; an order counts once in a club.

    `cash` is what the member paid at the club's stores (minor units), `kept` what is left of it after refunds. Points are
    floor(kept × multiplier / (100 × money_unit)), once for the order (domain.md F11): points given − taken back = that,
    but for `points_short`, which was due back and had been spent. The terms are those of the day on which it counted.
    """

    club = models.ForeignKey(Club, models.PROTECT, related_name="+", db_index=False, verbose_name=_("membership"))
    card = models.ForeignKey(Card, models.PROTECT, related_name="card_orders", verbose_name=_("card"))
    order_code = models.CharField(_("order"), max_length=100)
    store_codes = models.JSONField(_("stores"), default=list)
    cash = models.BigIntegerField(_("cash"))
    kept = models.BigIntegerField(_("cash kept"))
    is_counted = models.BooleanField(_("counts as an order"), default=True)
    multiplier_percent = models.PositiveSmallIntegerField(_("multiplier (%)"), default=100)
    money_unit = models.PositiveIntegerField(_("1 point per"), default=100)
    points = models.BigIntegerField(_("points kept"), default=0)
    points_short = models.BigIntegerField(
        _("points short"), default=0, help_text=_("Due back after a refund, but spent before.")
    )
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("order of a card")
        verbose_name_plural = _("orders of cards")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["club", "order_code"], name="card_order_once"),
            models.CheckConstraint(condition=Q(kept__gte=0, kept__lte=F("cash")), name="card_order_kept_within"),
            models.CheckConstraint(condition=Q(points__gte=0, points_short__gte=0), name="card_order_not_negative"),
        ]

    def __str__(self):
        return self.order_code

    def points_due(self) -> int:
        """What the kept cash is worth in points of the card; rounded down, once for the order."""
        return self.kept * self.multiplier_percent // (100 * self.money_unit)
