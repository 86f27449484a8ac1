from django.db import models
from django.utils.translation import gettext_lazy as _

from loyalty.models import Account

from .merchants import Merchant


class Purse(models.Model):
    """Ties a merchant to the account that holds the points it bought (domain.md S1-44, F16). The ledger knows no owner.

    The account is also the `funder` of every lot that came from this purse, wherever the lot is now.
    """

    class Breakage(models.TextChoices):
        PLATFORM = "platform", _("The platform")
        MERCHANT = "merchant", _("The merchant")

    merchant = models.OneToOneField(
        Merchant, models.PROTECT, primary_key=True, related_name="purse", verbose_name=_("merchant")
    )
    account = models.OneToOneField(Account, models.PROTECT, related_name="purse", verbose_name=_("account"))
    low_at = models.PositiveBigIntegerField(
        _("warn below"),
        default=0,
        help_text=_("Points. When fewer are left, the merchant and its webhooks are told once."),
    )
    low_since = models.DateTimeField(_("low since"), null=True, blank=True, editable=False)
    breakage = models.CharField(
        _("expired points belong to"),
        max_length=8,
        choices=Breakage,
        default=Breakage.PLATFORM,
        help_text=_("As the contract says (domain.md F16): who keeps the worth of funded points that expired unused."),
    )

    class Meta:
        verbose_name = _("purse")
        verbose_name_plural = _("purses")

    def __str__(self):
        return str(self.merchant)


class Pocket(models.Model):
    """Ties an account that a campaign gives from to the purse it was filled from (services/pockets.py)."""

    account = models.OneToOneField(
        Account, models.PROTECT, primary_key=True, related_name="pocket", verbose_name=_("account")
    )
    purse = models.ForeignKey(Purse, models.PROTECT, related_name="pockets", verbose_name=_("purse"))
    reference = models.CharField(_("reference"), max_length=255, help_text=_("What it was set aside for."))

    class Meta:
        verbose_name = _("pocket")
        verbose_name_plural = _("pockets")

    def __str__(self):
        return f"{self.purse_id}: {self.reference}"
