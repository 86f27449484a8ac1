import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from members.models import PlanOffer, PlanPurchase

from .rewards import Reward


class PlanRight(models.Model):
    """A partner's right that comes with each term of an offer: a video year with PLUS, say (domain.md S1-21, E55).

    Whether a member has one open is asked of her purchases and never stored; RightClaim is written when she claims it.
    """

    class Way(models.TextChoices):
        CODE = "code", _("A code of the partner's from the reward's pool")
        ACCOUNT = "account", _("The partner switches it on for the account that the member names")

    offer = models.ForeignKey(
        PlanOffer, models.CASCADE, related_name="rights", verbose_name=pgettext_lazy("plan", "offer")
    )
    reward = models.ForeignKey(
        Reward,
        models.PROTECT,
        related_name="plan_rights",
        limit_choices_to={"kind": "partner"},
        verbose_name=_("partner's right"),
    )
    way = models.CharField(_("how it is claimed"), max_length=7, choices=Way, default=Way.CODE)
    price = models.PositiveBigIntegerField(
        _("contract price"),
        help_text=_("Deducted from a refund of the plan once it is claimed. A code is owed for at its own price."),
    )

    class Meta:
        verbose_name = _("partner's right of an offer")
        verbose_name_plural = _("partners' rights of offers")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["offer", "reward"], name="plan_right_once")]

    def __str__(self):
        return f"{self.offer}: {self.reward}"


class RightClaim(models.Model):
    """A member claimed a partner's right of a term, once: a code was handed out, or an account was named.

    What was taken back unused (withdrawn) is not owed for, not deducted, and can be claimed again. The account is
    forgotten when the member leaves.
    """

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    right = models.ForeignKey(PlanRight, models.PROTECT, related_name="claims", verbose_name=_("partner's right"))
    purchase = models.ForeignKey(
        PlanPurchase, models.PROTECT, related_name="right_claims", verbose_name=_("purchase of a plan")
    )
    account = models.CharField(_("account at the partner's"), max_length=100, blank=True)
    claimed_at = models.DateTimeField(_("claimed at"))
    expires_at = models.DateTimeField(_("good until"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("taken back at"), null=True, blank=True)
    withdrawn_because = models.CharField(_("because"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("claim of a partner's right")
        verbose_name_plural = _("claims of partners' rights")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["purchase", "right"], name="right_claim_once", condition=Q(withdrawn_at=None)
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | Q(withdrawn_at__gte=F("claimed_at")),
                name="right_claim_taken_back_after",
            ),
        ]

    def __str__(self):
        return f"{self.right.reward}: {self.purchase.member}"
