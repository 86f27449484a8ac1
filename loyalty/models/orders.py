from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from members.models import Member


class Order(models.Model):
    """An order of the shop, by the shop's own code. Money in minor units.

    `awaited` is a place kept for an order that a refund or cancellation named before it arrived.
    `context` holds what the rules were told of the member when the order completed (tier, plans, first order …),
    so that a refund re-tests the same facts (domain.md F11). `points_due` is what the rules give for the cash that was
    kept: points granted − clawed back − forgiven = points_due.
    """

    class Status(models.TextChoices):
        AWAITED = "awaited", _("Awaited")
        PAID = "paid", _("Paid")
        COMPLETED = "completed", _("Completed")
        CANCELLED = "cancelled", _("Cancelled")

    code = models.CharField(_("order"), max_length=100, unique=True)
    member = models.ForeignKey(Member, models.PROTECT, related_name="orders", verbose_name=_("member"))
    status = models.CharField(_("status"), max_length=10, choices=Status)
    channel = models.CharField(_("channel"), max_length=40, blank=True)
    freight = models.BigIntegerField(_("freight"), default=0)
    freight_waived = models.BigIntegerField(
        _("freight waived"), default=0, help_text=_("Not asked for, because the goods reached the amount beside it.")
    )
    free_from = models.BigIntegerField(_("shipping is free from"), default=0)
    freight_charged = models.BigIntegerField(
        _("of it charged after all"), default=0, help_text=_("Because goods that were sent back left less (E16).")
    )
    cash = models.BigIntegerField(_("cash"), default=0, help_text=_("Paid in money for the lines, without freight."))
    points = models.BigIntegerField(_("points tendered"), default=0)
    points_taken = models.BigIntegerField(
        _("points taken"),
        default=0,
        help_text=_("What the ledger gave for the tender; less only if no hold covered it."),
    )
    tender_seq = models.BigIntegerField(_("entry of the tender"), null=True, blank=True)
    attributes = models.JSONField(_("custom attributes"), default=dict, blank=True)
    context = models.JSONField(_("facts told to the rules"), default=dict, blank=True)
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)
    completed_on = models.DateField(_("completed on"), null=True, blank=True, help_text=_("The local day (E25)."))
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    growth_due = models.BigIntegerField(
        _("growth due"),
        default=0,
        help_text=_("Before the coefficient, for the cash that was kept; more than 0 makes a shopping day (E33)."),
    )
    points_due = models.BigIntegerField(_("points due"), default=0)
    points_clawed = models.BigIntegerField(_("points clawed back"), default=0)
    points_forgiven = models.BigIntegerField(
        _("points forgiven"),
        default=0,
        help_text=_("Due back, but they had expired unspent: nothing was gained."),
    )

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(cash__gte=0, points__gte=0, freight__gte=0), name="order_not_negative"),
            models.CheckConstraint(
                condition=Q(free_from__gte=0, freight_charged__gte=0, freight_charged__lte=F("freight_waived")),
                name="order_freight_charged_within",
            ),
            models.CheckConstraint(
                condition=Q(points_taken__gte=0, points_taken__lte=F("points")), name="order_taken_within"
            ),
            models.CheckConstraint(
                condition=Q(points_due__gte=0, points_clawed__gte=0, points_forgiven__gte=0),
                name="order_points_not_negative",
            ),
            models.CheckConstraint(condition=Q(growth_due__gte=0), name="order_growth_not_negative"),
        ]
        indexes = [models.Index(fields=["member", "completed_on"], name="order_member_day")]

    def __str__(self):
        return self.code


class OrderLine(models.Model):
    """One line: what was bought, where, and how it was paid (`cash` and `points` for the whole line)."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="lines", db_index=False, verbose_name=_("order"))
    number = models.CharField(_("line"), max_length=40)
    sku = models.CharField(_("SKU"), max_length=100, blank=True)
    category = models.CharField(_("category"), max_length=100, blank=True)
    store_code = models.CharField(_("store"), max_length=60, blank=True)
    quantity = models.BigIntegerField(_("quantity"), default=1)
    cash = models.BigIntegerField(_("cash"))
    points = models.BigIntegerField(_("points tendered"), default=0)
    discount = models.BigIntegerField(_("discount"), default=0)
    is_virtual = models.BooleanField(_("virtual"), default=False)
    attributes = models.JSONField(_("custom attributes"), default=dict, blank=True)
    refunded_quantity = models.BigIntegerField(_("refunded quantity"), default=0)
    refunded_cash = models.BigIntegerField(_("refunded cash"), default=0)
    refunded_points = models.BigIntegerField(
        _("refunded points"),
        default=0,
        help_text=_("Tendered points given back, or lost because they had expired."),
    )

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "number"], name="order_line_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, cash__gte=0, points__gte=0, discount__gte=0),
                name="line_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(refunded_quantity__gte=0, refunded_quantity__lte=F("quantity")),
                name="line_refund_quantity",
            ),
            models.CheckConstraint(
                condition=Q(refunded_cash__gte=0, refunded_cash__lte=F("cash")), name="line_refund_cash"
            ),
            models.CheckConstraint(
                condition=Q(refunded_points__gte=0, refunded_points__lte=F("points")),
                name="line_refund_points",
            ),
        ]
        # A merchant's pages ask for the lines of its stores (docs/decisions/0028).
        indexes = [models.Index(fields=["store_code", "order"], name="order_line_store")]

    def __str__(self):
        return f"{self.order_id}/{self.number} {self.sku}"


class ParkedEvent(models.Model):
    """A refund or cancellation that came before its order; applied when the order arrives."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="parked", verbose_name=_("order"))
    member = models.ForeignKey(Member, models.PROTECT, related_name="+", verbose_name=_("member"))
    type = models.CharField(_("type"), max_length=100)
    time = models.DateTimeField(_("time"))
    data = models.JSONField(_("data"))
    applied_at = models.DateTimeField(_("applied at"), null=True, blank=True)
    refusal = models.CharField(_("refused because"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("parked event")
        verbose_name_plural = _("parked events")
        ordering = ["time", "id"]

    def __str__(self):
        return f"{self.type} {self.order_id}"
