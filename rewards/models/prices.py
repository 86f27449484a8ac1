from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loyalty.models import Segment, Tier
from members.models import Plan

from .rewards import Reward

_ONE = (
    Q(tier__isnull=False, segment__isnull=True, plan__isnull=True)
    | Q(tier__isnull=True, segment__isnull=False, plan__isnull=True)
    | Q(tier__isnull=True, segment__isnull=True, plan__isnull=False)
)


class RewardPrice(models.Model):
    """What a reward costs members of a tier (and above), of a segment, or with a paid plan. The lowest price wins."""

    reward = models.ForeignKey(Reward, models.CASCADE, related_name="prices", verbose_name=_("reward"))
    tier = models.ForeignKey(
        Tier, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("tier and above")
    )
    segment = models.ForeignKey(
        Segment, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("segment")
    )
    plan = models.ForeignKey(Plan, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("paid plan"))
    points = models.PositiveBigIntegerField(_("points"), validators=[MinValueValidator(1)])
    cash = models.PositiveBigIntegerField(_("cash part"), default=0)

    class Meta:
        verbose_name = _("special price")
        verbose_name_plural = _("special prices")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=_ONE, name="reward_price_for_one"),
            models.CheckConstraint(condition=Q(points__gt=0), name="reward_price_costs_points"),
            models.UniqueConstraint(fields=["reward", "tier"], name="reward_price_tier_once"),
            models.UniqueConstraint(fields=["reward", "segment"], name="reward_price_segment_once"),
            models.UniqueConstraint(fields=["reward", "plan"], name="reward_price_plan_once"),
        ]

    def __str__(self):
        return str(self.tier or self.segment or self.plan)

    @property
    def basis(self) -> str:
        """For whom the price is, as the API says it: tier:gold, segment:mums or plan:plus."""
        named = ((kind, getattr(self, kind)) for kind in ("tier", "segment", "plan"))
        return next((f"{kind}:{who.code}" for kind, who in named if who is not None), "list")
