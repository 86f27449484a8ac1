import datetime as dt
import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .plan_offers import PlanOffer
from .sales_channels import SalesChannel


class VoucherBatch(models.Model):
    """Codes for an offer, made for a channel all at once; each redeemed one is settled at `price` (minor units).

    They reach people as a file, and all are good at once; or the channel sells them one by one through the API, and a
    code that was not sold is good for nothing.
    """

    class Delivery(models.TextChoices):
        FILE = "file", _("As a file: all are good at once")
        API = "api", _("One by one through the API: a code is good once it was sold")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        RELEASED = "released", pgettext_lazy("codes", "Released")
        VOID = "void", _("Void")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    channel = models.ForeignKey(SalesChannel, models.PROTECT, related_name="batches", verbose_name=_("channel"))
    offer = models.ForeignKey(
        PlanOffer, models.PROTECT, related_name="batches", verbose_name=pgettext_lazy("plan", "offer")
    )
    name = models.CharField(_("for"), max_length=100, help_text=_("The company, or the campaign."))
    size = models.PositiveIntegerField(_("codes"), validators=[MinValueValidator(1), MaxValueValidator(100_000)])
    price = models.PositiveBigIntegerField(_("settlement price of one"))
    delivery = models.CharField(_("how they reach people"), max_length=4, choices=Delivery, default=Delivery.FILE)
    expires_at = models.DateTimeField(_("good until"))
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.DRAFT, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("created by"),
    )
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("released by"),
    )

    class Meta:
        verbose_name = _("batch of codes")
        verbose_name_plural = _("batches of codes")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(size__gte=1, size__lte=100_000), name="voucher_batch_size"),
            models.CheckConstraint(
                condition=Q(released_by=None) | ~Q(released_by=F("created_by")), name="voucher_batch_second_person"
            ),
        ]

    def __str__(self):
        return f"{self.name}: {self.offer}"

    def is_good(self, at: dt.datetime) -> bool:
        """Whether codes of it that somebody has may be redeemed."""
        return self.status != self.Status.DRAFT and at < self.expires_at


class Voucher(models.Model):
    """One code; it buys one term, once.

    Sold through the API it bears `seller` and `reference`, the seller's own name for the order; each reference sells once.
    """

    batch = models.ForeignKey(VoucherBatch, models.PROTECT, related_name="vouchers", verbose_name=_("batch"))
    code = models.CharField(_("code"), max_length=32, unique=True)
    seller = models.ForeignKey(
        SalesChannel, models.PROTECT, null=True, blank=True, related_name="sold_codes", verbose_name=_("seller")
    )
    reference = models.CharField(_("order of the channel"), max_length=100, blank=True)
    sold_at = models.DateTimeField(_("sold at"), null=True, blank=True)
    redeemed_at = models.DateTimeField(_("redeemed at"), null=True, blank=True)
    void_at = models.DateTimeField(_("void since"), null=True, blank=True)

    class Meta:
        verbose_name = _("plan code")
        verbose_name_plural = _("plan codes")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "reference"], name="voucher_sold_once", condition=Q(seller__isnull=False)
            ),
            models.CheckConstraint(
                condition=Q(seller=None, reference="", sold_at=None)
                | (Q(seller__isnull=False, sold_at__isnull=False) & ~Q(reference="")),
                name="voucher_sold_by_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["batch", "id"],
                name="voucher_unsold",
                condition=Q(sold_at=None, redeemed_at=None, void_at=None),
            )
        ]

    def __str__(self):
        return self.code

    @property
    def is_handed_out(self) -> bool:
        """Whether it is good in somebody's hands: a code for the API only after the channel has sold it."""
        return self.batch.delivery == VoucherBatch.Delivery.FILE or self.sold_at is not None
