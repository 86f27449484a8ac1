import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel

from .merchants import Merchant


class PointTariff(models.Model):
    """What points cost merchants who do not take a pack: their published value and a fee (domain.md F16: q·v + fee). One row.

    The value is the programme's own (1 point = 1 fen at JD): a point is worth the same whoever gives it (S1-41).
    """

    fee_permille = models.PositiveIntegerField(
        _("fee (‰ of the value)"),
        default=0,
        validators=[MaxValueValidator(1000)],
        help_text=_("Rounded up to a whole minor unit of money."),
    )
    fee_fixed = models.PositiveBigIntegerField(
        _("fixed fee"), default=0, help_text=_("Per purchase, in minor units (fen, cents).")
    )
    least = models.PositiveBigIntegerField(_("fewest points"), default=1_000, validators=[MinValueValidator(1)])
    most = models.PositiveBigIntegerField(_("most points"), default=100_000_000, validators=[MinValueValidator(1)])

    class Meta:
        verbose_name = _("tariff for points")
        verbose_name_plural = _("tariff for points")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="point_tariff_is_one"),
            models.CheckConstraint(condition=Q(fee_permille__lte=1000), name="point_tariff_fee_within_value"),
            models.CheckConstraint(condition=Q(least__gte=1, most__gte=F("least")), name="point_tariff_range"),
        ]

    def __str__(self):
        return str(_("Tariff for points"))


class PointPack(models.Model):
    """A prepaid pack that merchants can buy. A purchase keeps the numbers it was made with, whatever becomes of the pack."""

    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=100)
    points = models.PositiveBigIntegerField(_("points"), validators=[MinValueValidator(1)])
    price = models.PositiveBigIntegerField(_("price"), help_text=_("In minor units (fen, cents), all in."))
    validity_days = models.PositiveIntegerField(
        _("good for (days)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("After that, what was not given to members expires. Empty: it never expires."),
    )
    is_active = models.BooleanField(_("on sale"), default=True)

    class Meta:
        verbose_name = _("pack of points")
        verbose_name_plural = _("packs of points")
        ordering = ["points", "code"]
        constraints = [
            models.CheckConstraint(condition=Q(points__gt=0), name="point_pack_has_points"),
            models.CheckConstraint(
                condition=Q(validity_days__isnull=True) | Q(validity_days__gt=0), name="point_pack_validity_positive"
            ),
        ]

    def __str__(self):
        return self.name


class PointPurchase(models.Model):
    """A merchant buys points: draft → submitted → credited, or cancelled (domain.md S1-44, F16).

    Finance of the platform approves the payment; that credits the points in the same transaction. Numbers are fixed when
    it is drafted. `lot_seq` is the lot of the purse that the purchase made; what of it was not given can be paid back.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SUBMITTED = "submitted", _("Waits for payment")
        CREDITED = "credited", _("Paid and credited")
        CANCELLED = "cancelled", _("Cancelled")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="point_purchases", verbose_name=_("merchant"))
    pack = models.ForeignKey(PointPack, models.PROTECT, null=True, blank=True, verbose_name=_("pack"))
    points = models.PositiveBigIntegerField(_("points"))
    price = models.PositiveBigIntegerField(_("price"), help_text=_("Of the points, in minor units, without the fee."))
    fee = models.PositiveBigIntegerField(_("fee"), default=0)
    validity_days = models.PositiveIntegerField(_("good for (days)"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    bank_reference = models.CharField(_("bank reference"), max_length=100, blank=True)
    lot_seq = models.BigIntegerField(null=True, blank=True, editable=False)
    refunded_points = models.PositiveBigIntegerField(_("points paid back"), default=0)
    refunded_money = models.PositiveBigIntegerField(_("money paid back"), default=0)
    drafted_at = models.DateTimeField(_("drafted at"))
    credited_at = models.DateTimeField(_("credited at"), null=True, blank=True)

    class Meta:
        verbose_name = _("purchase of points")
        verbose_name_plural = _("purchases of points")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(points__gt=0), name="point_purchase_has_points"),
            models.CheckConstraint(
                condition=Q(status="credited", lot_seq__isnull=False, credited_at__isnull=False) & ~Q(bank_reference="")
                | ~Q(status="credited") & Q(lot_seq__isnull=True, credited_at__isnull=True),
                name="point_purchase_credited_is_paid",
            ),
            models.CheckConstraint(
                condition=Q(refunded_points__lte=F("points"), refunded_money__lte=F("price")),
                name="point_purchase_refund_within",
            ),
            models.UniqueConstraint(fields=["merchant", "lot_seq"], name="point_purchase_lot_once"),
        ]

    def __str__(self):
        return f"{self.merchant}: {self.points}"

    @property
    def total(self) -> int:
        """What the merchant pays, in minor units."""
        return self.price + self.fee


class PurchaseStep(InsertOnlyModel):
    """Who did what with a purchase, and when."""

    class Step(models.TextChoices):
        DRAFTED = "drafted", _("Drafted")
        SUBMITTED = "submitted", _("Submitted")
        PAID = "paid", _("Payment approved")
        CREDITED = "credited", _("Points credited")
        CANCELLED = "cancelled", _("Cancelled")
        REFUNDED = "refunded", _("Paid back")

    purchase = models.ForeignKey(PointPurchase, models.PROTECT, related_name="steps", verbose_name=_("purchase"))
    step = models.CharField(_("step"), max_length=10, choices=Step)
    points = models.BigIntegerField(_("points"), default=0)
    money = models.BigIntegerField(_("money"), default=0)
    note = models.CharField(_("note"), max_length=500, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    actor_label = models.CharField(_("by"), max_length=150)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("step of a purchase")
        verbose_name_plural = _("steps of purchases")
        ordering = ["id"]

    def __str__(self):
        return f"{self.purchase_id} {self.step}"
