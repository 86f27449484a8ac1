import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .plan_offers import PlanOffer


class SalesChannel(models.Model):
    """A way by which plans are sold (domain.md S1-24); each is settled by itself."""

    class Kind(models.TextChoices):
        DIRECT = "direct", _("Ours: the shop's checkout")
        BANK = "bank", _("Points of a bank")
        AIRLINE = "airline", _("Points of an airline")
        CARD = "card", _("Co-branded card")
        CORPORATE = "corporate", _("Group purchase of a company")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.DIRECT)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("sales channel")
        verbose_name_plural = _("sales channels")
        ordering = ["code"]

    def __str__(self):
        return self.name

    @property
    def refunds_member(self) -> bool:
        """Whether money goes back to the member; else to whom the member paid (E55)."""
        return self.kind == self.Kind.DIRECT


class VoucherBatch(models.Model):
    """Codes for an offer, made for a channel all at once; each redeemed one is settled at `price` (minor units)."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        RELEASED = "released", _("Released")
        VOID = "void", _("Void")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    channel = models.ForeignKey(SalesChannel, models.PROTECT, related_name="batches", verbose_name=_("channel"))
    offer = models.ForeignKey(PlanOffer, models.PROTECT, related_name="batches", verbose_name=_("offer"))
    name = models.CharField(_("for"), max_length=100, help_text=_("The company, or the campaign."))
    size = models.PositiveIntegerField(_("codes"), validators=[MinValueValidator(1), MaxValueValidator(100_000)])
    price = models.PositiveBigIntegerField(_("settlement price of one"))
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


class Voucher(models.Model):
    """One code; it buys one term, once."""

    batch = models.ForeignKey(VoucherBatch, models.PROTECT, related_name="vouchers", verbose_name=_("batch"))
    code = models.CharField(_("code"), max_length=32, unique=True)
    redeemed_at = models.DateTimeField(_("redeemed at"), null=True, blank=True)
    void_at = models.DateTimeField(_("void since"), null=True, blank=True)

    class Meta:
        verbose_name = _("plan code")
        verbose_name_plural = _("plan codes")
        ordering = ["id"]

    def __str__(self):
        return self.code
