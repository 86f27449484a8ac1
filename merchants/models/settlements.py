from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .merchants import Merchant


class Settlement(models.Model):
    """One month between merchants and platform (domain.md S1-04, F16): whose points were used at whose stores.

    While it is open it can be computed again; closed it never changes: what happens later belongs to the next month.
    `as_of` names the computation whose cells stand here; `value_points` are worth `value_money` minor units.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")

    month = models.DateField(_("month"), unique=True, help_text=_("Its first day."))
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.OPEN)
    as_of = models.DateTimeField(_("as of"), null=True, blank=True)
    is_complete = models.BooleanField(_("complete"), default=False)
    value_points = models.PositiveIntegerField(_("points"), default=1)
    value_money = models.PositiveIntegerField(_("are worth (minor units)"), default=1)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("closed by")
    )
    closed_by_label = models.CharField(_("closed by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("month settlement")
        verbose_name_plural = _("month settlements")
        ordering = ["-month"]
        constraints = [
            models.CheckConstraint(condition=Q(month__day=1), name="settlement_month_begins"),
            models.CheckConstraint(
                condition=Q(status="open", closed_at__isnull=True)
                | Q(status="closed", closed_at__isnull=False, is_complete=True),
                name="settlement_closed_is_complete",
            ),
        ]

    def __str__(self):
        return f"{self.month:%Y-%m}"


class SettlementCell(models.Model):
    """What an issuer owes a redeemer for one kind of use; no merchant means the platform. Given back counts negative."""

    class Kind(models.TextChoices):
        REDEEMED = "redeemed", _("Used")
        GIVEN_BACK = "given_back", _("Given back by refunds")
        EXPIRED = "expired", _("Expired")
        OTHER = "other", _("Repaid debts, fines, corrections")

    settlement = models.ForeignKey(
        Settlement, models.PROTECT, related_name="cells", db_index=False, verbose_name=_("settlement")
    )
    issuer = models.ForeignKey(
        Merchant, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("points of")
    )
    redeemer = models.ForeignKey(
        Merchant, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("used at")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    points = models.BigIntegerField(_("points"))
    money = models.BigIntegerField(
        _("money"), default=0, help_text=_("The points' published value in minor units, rounded towards nought.")
    )

    class Meta:
        verbose_name = _("cell of a settlement")
        verbose_name_plural = _("cells of settlements")
        ordering = ["settlement", "issuer", "redeemer", "kind"]
        constraints = [
            models.UniqueConstraint(
                fields=["settlement", "issuer", "redeemer", "kind"],
                condition=Q(issuer__isnull=False, redeemer__isnull=False),
                name="settlement_cell_once",
            ),
            models.UniqueConstraint(
                fields=["settlement", "issuer", "kind"],
                condition=Q(issuer__isnull=False, redeemer__isnull=True),
                name="settlement_cell_at_platform_once",
            ),
            models.UniqueConstraint(
                fields=["settlement", "redeemer", "kind"],
                condition=Q(issuer__isnull=True, redeemer__isnull=False),
                name="settlement_cell_of_platform_once",
            ),
            models.UniqueConstraint(
                fields=["settlement", "kind"],
                condition=Q(issuer__isnull=True, redeemer__isnull=True),
                name="settlement_cell_within_platform_once",
            ),
        ]

    def __str__(self):
        return f"{self.settlement_id}: {self.issuer_id} → {self.redeemer_id} {self.kind} {self.points}"
