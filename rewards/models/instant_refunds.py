import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from members.models import Member

from .uses import BenefitUse


class Exposure(models.Model):
    """How much money is out at one member: refunds paid before the goods are back (domain.md F21). The row is the lock."""

    member = models.OneToOneField(
        Member, models.PROTECT, primary_key=True, related_name="exposure", verbose_name=_("member")
    )
    open = models.PositiveBigIntegerField(_("open advances"), default=0)
    version = models.BigIntegerField(_("version"), default=0, help_text=_("Number of entries."))

    class Meta:
        verbose_name = _("exposure")
        verbose_name_plural = _("exposures")
        constraints = [models.CheckConstraint(condition=Q(open__gte=0), name="exposure_not_negative")]

    def __str__(self):
        return f"{self.member_id}: {self.open}"


class InstantRefund(models.Model):
    """Money that was paid back before the goods came: open, then received, or recovered from points and as debt."""

    class Status(models.TextChoices):
        OPEN = "open", _("Waiting for the goods")
        RECEIVED = "received", _("Goods received")
        RECOVERED = "recovered", _("Recovered")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    member = models.ForeignKey(Member, models.PROTECT, related_name="instant_refunds", verbose_name=_("member"))
    use = models.OneToOneField(BenefitUse, models.PROTECT, related_name="instant_refund", verbose_name=_("use"))
    order_code = models.CharField(_("order"), max_length=100)
    amount = models.PositiveBigIntegerField(_("amount"), help_text=_("In minor units."))
    limit = models.PositiveBigIntegerField(_("limit then"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    opened_at = models.DateTimeField(_("paid at"))
    due_at = models.DateTimeField(_("goods back by"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    points_taken = models.PositiveBigIntegerField(_("recovered in points"), default=0)
    points_owed = models.PositiveBigIntegerField(_("recovered as debt (points)"), default=0)

    class Meta:
        verbose_name = _("instant refund")
        verbose_name_plural = _("instant refunds")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="instant_refund_of_something"),
            models.CheckConstraint(condition=Q(amount__lte=F("limit")), name="instant_refund_within_limit"),
            models.CheckConstraint(
                condition=Q(status="open", closed_at__isnull=True) | (~Q(status="open") & Q(closed_at__isnull=False)),
                name="instant_refund_closed_has_time",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="instant_refund_due", condition=Q(status="open"))]

    def __str__(self):
        return f"{self.order_code}: {self.get_status_display()}"


class ExposureEntry(InsertOnlyModel):
    """One movement of an exposure; inserted once. `seq` runs 1…Exposure.version without a gap."""

    exposure = models.ForeignKey(
        Exposure, models.PROTECT, related_name="entries", db_index=False, verbose_name=_("exposure")
    )
    seq = models.BigIntegerField(_("number"))
    refund = models.ForeignKey(InstantRefund, models.PROTECT, related_name="entries", verbose_name=_("instant refund"))
    delta = models.BigIntegerField(_("change"))
    balance_after = models.PositiveBigIntegerField(_("open after"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("exposure entry")
        verbose_name_plural = _("exposure entries")
        ordering = ["exposure", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["exposure", "seq"], name="exposure_entry_seq_once"),
            models.CheckConstraint(condition=~Q(delta=0), name="exposure_entry_moves_something"),
        ]

    def __str__(self):
        return f"{self.exposure_id}/{self.seq} {self.delta:+d}"
