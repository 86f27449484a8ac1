import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loyalty.models import Tier
from members.models import Member
from merchants.models import Merchant

from .benefits import Benefit
from .quotas import Quota


class BenefitUse(models.Model):
    """A member used a benefit once. What held then (parameter, source, prices, tier) is kept as it was (domain.md E54).

    Issuer and user (the merchant where it was used; empty = the platform) settle at `price` (S1-04). Only giving back
    changes a row, once.
    """

    class Channel(models.TextChoices):
        ONLINE = "online", _("Online")
        OFFLINE = "offline", _("In a shop")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    member = models.ForeignKey(
        Member, models.PROTECT, related_name="benefit_uses", db_index=False, verbose_name=_("member")
    )
    benefit = models.ForeignKey(Benefit, models.PROTECT, related_name="uses", verbose_name=_("benefit"))
    key = models.CharField(_("key"), max_length=200, help_text=_("Names the occasion: the same key uses once."))
    quota = models.ForeignKey(
        Quota, models.PROTECT, null=True, blank=True, related_name="uses", db_index=False, verbose_name=_("quota")
    )
    value = models.PositiveBigIntegerField(_("parameter"), null=True, blank=True)
    source = models.CharField(_("by right of"), max_length=200)
    tier = models.ForeignKey(Tier, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("tier"))
    issuer = models.ForeignKey(
        Merchant, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("issued by")
    )
    user = models.ForeignKey(
        Merchant, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("used at")
    )
    store_code = models.CharField(_("store"), max_length=60, blank=True)
    channel = models.CharField(_("channel"), max_length=8, choices=Channel, default=Channel.ONLINE)
    order_code = models.CharField(_("order"), max_length=100, blank=True)
    price = models.PositiveBigIntegerField(_("settlement price"), default=0)
    cost = models.PositiveBigIntegerField(_("cost"), default=0)
    at = models.DateTimeField(_("at"))
    used_on = models.DateField(_("day"))
    given_back_at = models.DateTimeField(_("given back at"), null=True, blank=True)
    given_back_on = models.DateField(_("given back on"), null=True, blank=True)

    class Meta:
        verbose_name = _("use of a benefit")
        verbose_name_plural = _("uses of benefits")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["member", "benefit", "key"], name="benefit_use_once"),
            models.CheckConstraint(
                condition=Q(given_back_at__isnull=True, given_back_on__isnull=True)
                | Q(given_back_at__isnull=False, given_back_on__isnull=False),
                name="benefit_use_given_back_has_day",
            ),
        ]
        indexes = [
            models.Index(fields=["used_on"], name="benefit_use_day"),
            models.Index(fields=["given_back_on"], name="benefit_use_back", condition=Q(given_back_on__isnull=False)),
        ]

    def __str__(self):
        return f"{self.benefit} {self.used_on}"
