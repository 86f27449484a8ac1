import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .members import Member
from .plan_offers import PlanDiscount, PlanOffer
from .plans import Subscription
from .sales_channels import SalesChannel
from .vouchers import Voucher


class PlanQuote(models.Model):
    """What an offer costs one member, frozen for minutes with what it was reckoned from (domain.md F23). Minor units."""

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    member = models.ForeignKey(Member, models.PROTECT, related_name="plan_quotes", verbose_name=_("member"))
    offer = models.ForeignKey(
        PlanOffer, models.PROTECT, related_name="quotes", verbose_name=pgettext_lazy("plan", "offer")
    )
    channel = models.ForeignKey(SalesChannel, models.PROTECT, related_name="+", verbose_name=_("channel"))
    fee = models.PositiveBigIntegerField(_("fee"))
    price = models.PositiveBigIntegerField(_("price"))
    discount = models.ForeignKey(PlanDiscount, models.SET_NULL, null=True, related_name="+", verbose_name=_("discount"))
    score = models.BigIntegerField(_("value score then"), null=True)
    credit = models.BigIntegerField(_("credit score then"), null=True)
    quoted_at = models.DateTimeField(_("quoted at"))
    expires_at = models.DateTimeField(_("good until"))

    class Meta:
        verbose_name = _("quote")
        verbose_name_plural = _("quotes")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(price__lte=F("fee")), name="plan_quote_within_fee"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("quoted_at")), name="plan_quote_lasts"),
        ]

    def __str__(self):
        return f"{self.offer}: {self.price}"


class PlanPurchase(models.Model):
    """A term bought, tried or redeemed: waits for its payment, runs, and may be paid back. Minor units.

    Its term is the subscription. `refund` went to the member, or to the channel through which the member had paid (E55).
    """

    class Kind(models.TextChoices):
        TRIAL = "trial", _("Free trial")
        SALE = "sale", _("Sale")
        VOUCHER = "voucher", pgettext_lazy("purchase", "Code")
        RENEWAL = "renewal", _("Renewal")

    class Status(models.TextChoices):
        AWAITED = "awaited", _("Waits for payment")
        PAID = "paid", _("Paid")
        REFUNDED = "refunded", _("Paid back")
        LAPSED = "lapsed", _("Not paid in time")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    member = models.ForeignKey(Member, models.PROTECT, related_name="plan_purchases", verbose_name=_("member"))
    offer = models.ForeignKey(
        PlanOffer, models.PROTECT, related_name="purchases", verbose_name=pgettext_lazy("plan", "offer")
    )
    channel = models.ForeignKey(SalesChannel, models.PROTECT, related_name="purchases", verbose_name=_("channel"))
    kind = models.CharField(pgettext_lazy("purchase", "kind"), max_length=8, choices=Kind)
    quote = models.OneToOneField(PlanQuote, models.PROTECT, null=True, related_name="purchase", verbose_name=_("quote"))
    voucher = models.OneToOneField(
        Voucher, models.PROTECT, null=True, related_name="purchase", verbose_name=_("plan code")
    )
    price = models.PositiveBigIntegerField(_("price"))
    payment = models.CharField(_("payment"), max_length=100, blank=True, help_text=_("The shop's name for it."))
    status = models.CharField(_("status"), max_length=8, choices=Status)
    subscription = models.OneToOneField(
        Subscription, models.PROTECT, null=True, related_name="purchase", verbose_name=_("term")
    )
    asked_at = models.DateTimeField(_("asked at"))
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)
    refund = models.PositiveBigIntegerField(_("paid back"), default=0)
    refunded_at = models.DateTimeField(_("paid back at"), null=True, blank=True)
    refund_reason = models.CharField(_("because"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("purchase of a plan")
        verbose_name_plural = _("purchases of plans")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(refund__lte=F("price")), name="plan_refund_within_price"),
            models.CheckConstraint(
                condition=Q(status__in=["awaited", "lapsed"], paid_at=None, subscription=None)
                | Q(status__in=["paid", "refunded"], paid_at__isnull=False, subscription__isnull=False),
                name="plan_purchase_paid_has_term",
            ),
            models.CheckConstraint(
                condition=Q(status="refunded", refunded_at__isnull=False)
                | (~Q(status="refunded") & Q(refunded_at=None, refund=0)),
                name="plan_purchase_refunded_has_time",
            ),
            models.UniqueConstraint(fields=["payment"], name="plan_payment_once", condition=~Q(payment="")),
            models.UniqueConstraint(fields=["member", "offer"], name="plan_trial_once", condition=Q(kind="trial")),
        ]

    def __str__(self):
        return f"{self.offer}: {self.member}"

    @property
    def is_trial(self) -> bool:
        """Nothing was paid: nothing is paid back, and partners' rights do not come with it."""
        return self.kind == self.Kind.TRIAL


class AutoRenewal(models.Model):
    """A member wants a plan to go on by itself; a row each time, from when to when. Noticed once for each end of a term."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="auto_renewals", verbose_name=_("member"))
    offer = models.ForeignKey(
        PlanOffer, models.PROTECT, related_name="auto_renewals", verbose_name=pgettext_lazy("plan", "offer")
    )
    given_at = models.DateTimeField(_("given at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    noticed_for = models.DateTimeField(_("notice sent for the end at"), null=True, blank=True)

    class Meta:
        verbose_name = _("automatic renewal")
        verbose_name_plural = _("automatic renewals")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["member", "offer"], name="auto_renewal_open_once", condition=Q(ended_at=None)
            )
        ]

    def __str__(self):
        return f"{self.member}: {self.offer}"
