from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel

from .accounts import Account


class Entry(InsertOnlyModel):
    """One movement of one balance of an account against its other side; inserted once, never changed.

    `unit` names the balance that moved and `contra` the other side: another balance of the same account (then the
    twin entry follows), another holder (`contra_account`) or one of the programme's own accounts. So every movement
    sums to zero. `seq` runs 1…Account.version without a gap over all units; `balance_after` is the running sum of the unit.
    """

    class Unit(models.TextChoices):
        POINTS = "points", _("Available points")
        PENDING = "pending", _("Pending points")
        HELD = "held", _("Held points")
        DEBT = "debt", _("Debt")

    class Kind(models.TextChoices):
        EARN = "earn", _("Earned")
        MATURE = "mature", _("Became available")
        HOLD = "hold", _("Held for a checkout")
        RELEASE = "release", _("Hold let go")
        REDEEM = "redeem", _("Spent")
        RESTORE = "restore", _("Given back")
        EXPIRE = "expire", _("Expired")
        CLAWBACK = "clawback", _("Taken back")
        OWE = "owe", _("Debt made")
        REPAY = "repay", _("Debt repaid")
        ADJUST = "adjust", _("Adjusted by staff")
        TRANSFER = "transfer", _("Transferred")
        PURCHASE = "purchase", _("Bought by a merchant")

    class Contra(models.TextChoices):
        POINTS = "points", _("Own available points")
        PENDING = "pending", _("Own pending points")
        HELD = "held", _("Own held points")
        DEBT = "debt", _("Own debt")
        HOLDER = "holder", _("Another holder")
        ISSUED = "issued", _("Issued")
        REDEEMED = "redeemed", _("Redeemed")
        EXPIRED = "expired", _("Expired")
        CLAWED_BACK = "clawed_back", _("Clawed back")
        ADJUSTED = "adjusted", _("Adjusted")

    account = models.ForeignKey(
        Account, models.PROTECT, related_name="entries", db_index=False, verbose_name=_("account")
    )
    seq = models.BigIntegerField(_("number"))
    unit = models.CharField(_("balance"), max_length=8, choices=Unit)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    delta = models.BigIntegerField(_("change"))
    balance_after = models.BigIntegerField(_("balance after"))
    contra = models.CharField(_("other side"), max_length=12, choices=Contra)
    contra_account = models.ForeignKey(
        Account,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("other holder"),
    )
    reference = models.CharField(
        _("reference"),
        max_length=255,
        help_text=_("What caused it: an order, a review, an adjustment, a job."),
    )
    posted_on = models.DateField(_("posted on"), help_text=_("Business day of the programme."))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["account", "seq"], name="entry_seq_once"),
            models.CheckConstraint(condition=~Q(delta=0), name="entry_moves_something"),
            models.CheckConstraint(condition=Q(balance_after__gte=0), name="entry_balance_not_negative"),
            models.CheckConstraint(
                condition=Q(contra="holder", contra_account__isnull=False)
                | (~Q(contra="holder") & Q(contra_account__isnull=True)),
                name="entry_holder_is_named",
            ),
        ]

    def __str__(self):
        return f"{self.account_id}/{self.seq} {self.kind} {self.delta:+d}"
