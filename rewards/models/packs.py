from collections.abc import Iterable

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.models import Tier

from .benefits import Benefit
from .grants import BenefitGrant
from .member_grants import MemberGrant
from .redemptions import Redemption
from .rewards import Reward
from .uses import BenefitUse


class ContentsStandFast(RuntimeError):
    """Somebody tried to change what a benefit hands out although members have it, or will."""


def given_benefits() -> QuerySet[Benefit]:
    """The benefits that members have, or will: by a grant, in its bundle or birthday pack, or one by one."""
    active = BenefitGrant.objects.filter(
        Q(effective_until=None) | Q(effective_until__gt=Now()), status=BenefitGrant.Status.ACTIVE
    )
    of_benefit = (
        Q(benefit=OuterRef("pk")) | Q(bundle__items__benefit=OuterRef("pk")) | Q(pack__items__benefit=OuterRef("pk"))
    )
    theirs = MemberGrant.objects.filter(
        Q(revoked_at=None) | Q(revoked_at__gt=Now()), benefit=OuterRef("pk"), ends_at__gt=Now()
    )
    return Benefit.objects.filter(Exists(active.filter(of_benefit)) | Exists(theirs))


def _hold(benefits: Iterable[int]) -> None:
    """Let nobody grant these benefits (by id) in this transaction. Raises ContentsStandFast if somebody has."""
    pks = list(benefits)
    Benefit.objects.filter(pk__in=pks).hold()
    if fast := given_benefits().filter(pk__in=pks).first():
        raise ContentsStandFast(f"what {fast.code} hands out stands fast as long as it is given")


class PackItemQuerySet(models.QuerySet):
    """Contents stand fast, whoever changes them and however many; nor do they move to another benefit."""

    @transaction.atomic
    def update(self, **kwargs):
        if {"benefit", "benefit_id"} & kwargs.keys():
            raise ContentsStandFast("contents do not move to another benefit")
        _hold(self.values_list("benefit", flat=True))
        return super().update(**kwargs)

    @transaction.atomic
    def delete(self):
        _hold(self.values_list("benefit", flat=True))
        return super().delete()

    delete.queryset_only = True  # type: ignore[attr-defined]  # as Django's own: not on the manager

    @transaction.atomic
    def bulk_create(self, objs, *args, **kwargs):
        objs = list(objs)
        _hold(item.benefit_id for item in objs)
        return super().bulk_create(objs, *args, **kwargs)


class PackItem(models.Model):
    """So many of a reward in what a benefit hands out once a period: a coupon pack, a gift before a sale (S1-18, S2-16).

    Two persons agreed to a grant with these contents, so they stand fast as long as it gives (ContentsStandFast).
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

    objects = PackItemQuerySet.as_manager()

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

    @transaction.atomic
    def save(self, *args, **kwargs):
        was = PackItem.objects.filter(pk=self.pk).values_list("benefit", flat=True)
        _hold([self.benefit_id, *was])
        super().save(*args, **kwargs)

    @transaction.atomic
    def delete(self, *args, **kwargs):
        _hold([self.benefit_id])
        return super().delete(*args, **kwargs)


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
