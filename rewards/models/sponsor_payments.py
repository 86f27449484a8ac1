from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from merchants.models import Merchant


class SponsorPayment(InsertOnlyModel):
    """Money that changed hands for a month of a sponsor's statement (domain.md S1-04, S2-58c), as an operator told it.

    Above nothing the merchant has paid the marketplace, below nothing it was paid. What was told by mistake is withdrawn
    by a further row (`withdraws`) of the opposite amount, once.
    """

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+", db_index=False, verbose_name=_("sponsor"))
    month = models.DateField(_("month"), help_text=_("Its first day."))
    amount = models.BigIntegerField(
        _("amount paid"), help_text=_("In minor units; below nothing: paid to the sponsor.")
    )
    paid_on = models.DateField(_("paid on"))
    reference = models.CharField(_("payment reference"), max_length=100)
    withdraws = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="withdrawal", verbose_name=_("withdraws")
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    at = models.DateTimeField(_("recorded at"))
    actor_label = models.CharField(_("recorded by"), max_length=150)

    class Meta:
        verbose_name = _("sponsor's payment")
        verbose_name_plural = _("sponsors' payments")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(month__day=1), name="sponsor_payment_month_begins"),
            models.CheckConstraint(condition=~Q(amount=0), name="sponsor_payment_of_something"),
            models.CheckConstraint(condition=~Q(reference=""), name="sponsor_payment_has_reference"),
            models.CheckConstraint(
                condition=Q(withdraws__isnull=True, reason="") | Q(withdraws__isnull=False) & ~Q(reason=""),
                name="sponsor_payment_withdrawn_for_a_reason",
            ),
        ]
        indexes = [models.Index(fields=["merchant", "month"], name="sponsor_payment_month")]

    def __str__(self):
        return f"{self.merchant} {self.month:%Y-%m}: {self.reference}"
