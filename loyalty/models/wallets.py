from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models import Member

from .accounts import Account


class Wallet(models.Model):
    """Ties a member to the account that holds the member's points. The ledger itself knows no owner."""

    member = models.OneToOneField(
        Member, models.PROTECT, primary_key=True, related_name="wallet", verbose_name=_("member")
    )
    account = models.OneToOneField(Account, models.PROTECT, related_name="wallet", verbose_name=_("account"))

    class Meta:
        verbose_name = _("wallet")
        verbose_name_plural = _("wallets")

    def __str__(self):
        return str(self.member)
