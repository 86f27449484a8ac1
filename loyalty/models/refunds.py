from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel

from .orders import Order, OrderLine


class Refund(InsertOnlyModel):
    """What a refund, price protection or cancellation did to points (domain.md F10, F11). One row per (order, code)."""

    class Reason(models.TextChoices):
        NO_REASON = "no_reason", _("No reason given")
        DEFECT = "defect", _("Defect")
        SELLER_FAULT = "seller_fault", _("Seller's fault")
        REFUSED = "refused", _("Delivery refused")
        PRICE_PROTECTION = "price_protection", _("Price protection")
        EXCHANGE = "exchange", _("Exchange")
        CHARGEBACK = "chargeback", _("Payment taken back by the bank")
        CANCELLED = "cancelled", _("Order cancelled")

    order = models.ForeignKey(Order, models.PROTECT, related_name="refunds", db_index=False, verbose_name=_("order"))
    code = models.CharField(_("refund"), max_length=100)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason)
    cash = models.BigIntegerField(_("cash"), help_text=_("What the shop was about to pay back."))
    at = models.DateTimeField(_("at"))
    clawed_back = models.BigIntegerField(_("taken back"), help_text=_("From pending and available points."))
    forgiven = models.BigIntegerField(_("forgiven"))
    cash_deduction = models.BigIntegerField(
        _("deducted from the cash"), help_text=_("In points; 1 point = its published value.")
    )
    debt = models.BigIntegerField(_("debt made"))
    freight_charge = models.BigIntegerField(
        _("freight charged"), default=0, help_text=_("Deducted from the cash: shipping is free no more (E16).")
    )
    restored = models.BigIntegerField(_("given back"))
    not_restored = models.BigIntegerField(
        _("not given back"), help_text=_("Tendered points that had expired meanwhile.")
    )
    request_hash = models.CharField(max_length=64, editable=False)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "code"], name="refund_once"),
            models.CheckConstraint(
                condition=Q(
                    cash__gte=0,
                    clawed_back__gte=0,
                    forgiven__gte=0,
                    cash_deduction__gte=0,
                    debt__gte=0,
                    freight_charge__gte=0,
                    restored__gte=0,
                    not_restored__gte=0,
                ),
                name="refund_not_negative",
            ),
        ]

    def __str__(self):
        return f"{self.order_id}/{self.code}"


class RefundLine(InsertOnlyModel):
    """The part of a refund on one line: units, cash and tendered points, by the cumulative method (F10)."""

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="lines", verbose_name=_("refund"))
    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="refund_lines", verbose_name=_("order line"))
    quantity = models.BigIntegerField(_("quantity"))
    cash = models.BigIntegerField(_("cash"))
    points = models.BigIntegerField(_("points"))

    class Meta:
        verbose_name = _("refund line")
        verbose_name_plural = _("refund lines")
        ordering = ["id"]

    def __str__(self):
        return f"{self.refund_id}/{self.line_id}"
