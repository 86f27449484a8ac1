from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .partners import Settlement
from .plan_rights import RightClaim
from .redemptions import Redemption
from .rewards import Reward


class Code(models.Model):
    """One code of a reward. A partner's waits in the pool until it is claimed; one of our own is made when it is needed.

    Whoever takes the reward and has to pay money besides has one set aside, which nobody is shown before it was paid.
    It belongs to one redemption at most, or to one claim of a plan's right, and each of them has one at most. A code whose
    redemption was cancelled or returned, or whose claim was withdrawn, has been seen, so it is void: only a person can put
    it back into the pool (services/code_pools.py: unassign).
    """

    class Status(models.TextChoices):
        FREE = "free", _("In the pool")
        RESERVED = "reserved", _("Set aside for a payment")
        CLAIMED = "claimed", _("Handed out")
        USED = "used", _("Used")
        EXPIRED = "expired", _("Expired")
        VOID = "void", _("Void")

    reward = models.ForeignKey(Reward, models.PROTECT, related_name="code_set", verbose_name=_("reward"))
    code = models.CharField(_("reward code"), max_length=100)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.FREE)
    redemption = models.OneToOneField(
        Redemption, models.PROTECT, null=True, blank=True, related_name="code", verbose_name=_("redemption")
    )
    claim = models.OneToOneField(
        RightClaim,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="code",
        verbose_name=_("claim of a plan's right"),
    )
    price = models.PositiveBigIntegerField(
        _("contract price"), default=0, help_text=_("What the partner gets for it once it is claimed; minor units.")
    )
    expires_at = models.DateTimeField(_("good until"), null=True, blank=True)
    added_at = models.DateTimeField(_("added at"))
    claimed_at = models.DateTimeField(_("claimed at"), null=True, blank=True)
    settlement = models.ForeignKey(
        Settlement, models.PROTECT, null=True, blank=True, related_name="settled", verbose_name=_("settlement")
    )

    class Meta:
        verbose_name = _("reward code")
        verbose_name_plural = _("reward codes")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["reward", "code"], name="reward_code_once"),
            models.CheckConstraint(condition=~Q(code=""), name="reward_code_says_something"),
            models.CheckConstraint(
                condition=Q(status="free", redemption__isnull=True, claim__isnull=True, claimed_at__isnull=True)
                | Q(status="reserved", redemption__isnull=False, claim__isnull=True, claimed_at__isnull=True)
                | Q(
                    status__in=["claimed", "used"],
                    redemption__isnull=False,
                    claim__isnull=True,
                    claimed_at__isnull=False,
                )
                | Q(
                    status__in=["claimed", "used"],
                    redemption__isnull=True,
                    claim__isnull=False,
                    claimed_at__isnull=False,
                )
                | Q(status__in=["expired", "void"]),
                name="reward_code_claimed_has_holder",
            ),
        ]
        indexes = [
            models.Index(fields=["reward", "expires_at", "id"], name="reward_code_pool", condition=Q(status="free")),
            models.Index(fields=["claimed_at"], name="reward_code_claimed", condition=Q(claimed_at__isnull=False)),
        ]

    def __str__(self):
        return self.code
