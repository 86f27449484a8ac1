from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loyalty.models import Tier

from .benefits import Benefit
from .redemptions import Redemption
from .rewards import Reward
from .uses import BenefitUse


class PackItem(models.Model):
    """So many of a reward in what a benefit hands out once a period: a coupon pack, a gift before a sale (S1-18, S2-16).

    Members below `least_tier`, or below the tier that the reward itself asks for (S2-49), are handed the pack without it.
    """

    benefit = models.ForeignKey(
        Benefit, models.CASCADE, related_name="pack_items", db_index=False, verbose_name=_("benefit")
    )
    reward = models.ForeignKey(Reward, models.PROTECT, related_name="+", verbose_name=_("reward"))
    quantity = models.PositiveSmallIntegerField(
        _("how many"), default=1, validators=[MinValueValidator(1), MaxValueValidator(20)]
    )
    least_tier = models.ForeignKey(
        Tier,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("for this tier and above"),
        help_text=_("Empty: for all who have the benefit."),
    )

    class Meta:
        verbose_name = _("reward in the pack")
        verbose_name_plural = _("rewards in the pack")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["benefit", "reward"], name="pack_item_once"),
            models.CheckConstraint(condition=Q(quantity__gte=1, quantity__lte=20), name="pack_item_quantity"),
        ]

    def __str__(self):
        return f"{self.quantity} × {self.reward}"


class PackGift(models.Model):
    """One thing out of a pack. Without a redemption it is still owed: nothing was left of it, and it is tried again.

    A pack is a use of its benefit, so a member has one a period, and the quota's ledger knows it.
    """

    use = models.ForeignKey(BenefitUse, models.PROTECT, related_name="gifts", verbose_name=_("pack"))
    reward = models.ForeignKey(Reward, models.PROTECT, related_name="+", verbose_name=_("reward"))
    redemption = models.OneToOneField(
        Redemption, models.PROTECT, null=True, blank=True, related_name="pack_gift", verbose_name=_("redemption")
    )

    class Meta:
        verbose_name = _("gift of a pack")
        verbose_name_plural = _("gifts of packs")
        ordering = ["-id"]
        indexes = [models.Index(fields=["id"], name="pack_gift_owed", condition=Q(redemption=None))]

    def __str__(self):
        return f"{self.use}: {self.reward}"
