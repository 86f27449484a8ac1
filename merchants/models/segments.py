from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .clubs import Club


class CardSegment(models.Model):
    """A merchant's own group of its cards; every condition that is filled in must hold. Who is in it is asked anew each time.

    `spent_from` and `spent_to` are cash in minor units after refunds; all bounds are included.
    """

    club = models.ForeignKey(Club, models.PROTECT, related_name="segments", verbose_name=_("membership"))
    name = models.CharField(_("name"), max_length=60)
    level_from = models.PositiveSmallIntegerField(_("level from"), null=True, blank=True)
    level_to = models.PositiveSmallIntegerField(_("level to"), null=True, blank=True)
    spent_from = models.PositiveBigIntegerField(_("spent from"), null=True, blank=True)
    spent_to = models.PositiveBigIntegerField(_("spent to"), null=True, blank=True)
    orders_from = models.PositiveIntegerField(_("orders from"), null=True, blank=True)
    orders_to = models.PositiveIntegerField(_("orders to"), null=True, blank=True)
    joined_within = models.PositiveIntegerField(
        _("joined within days"), null=True, blank=True, help_text=_("New members: at most so many days ago.")
    )
    joined_before = models.PositiveIntegerField(
        _("joined before days"), null=True, blank=True, help_text=_("Old friends: at least so many days ago.")
    )
    ordered_within = models.PositiveIntegerField(
        _("ordered within days"), null=True, blank=True, help_text=_("The last order is at most so many days ago.")
    )
    idle_for = models.PositiveIntegerField(
        _("no order for days"),
        null=True,
        blank=True,
        help_text=_("The last order is at least so many days ago, or there was none."),
    )
    channel = models.CharField(_("came from channel"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("segment of cards")
        verbose_name_plural = _("segments of cards")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["club", "name"], name="card_segment_name_once"),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{what}_from__isnull": True})
                    | Q(**{f"{what}_to__isnull": True})
                    | Q(**{f"{what}_to__gte": F(f"{what}_from")}),
                    name=f"card_segment_{what}_in_order",
                )
                for what in ("level", "spent", "orders")
            ),
        ]

    def __str__(self):
        return self.name
