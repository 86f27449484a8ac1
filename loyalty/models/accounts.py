from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Account(models.Model):
    """One holder of points: a member's wallet or a merchant's purse. The ledger does not know whose.

    This row is the only lock every operation on the holder takes, and it holds the four balances and the version
    (= number of entries). No column that changes is indexed, so PostgreSQL updates it in place (HOT).
    """

    class Kind(models.TextChoices):
        MEMBER = "member", _("Member's wallet")
        PURSE = "purse", _("Merchant's purse")
        POCKET = "pocket", _("Part of a purse, set aside")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.MEMBER)
    available = models.BigIntegerField(_("available"), default=0, help_text=_("Points that can be spent now."))
    pending = models.BigIntegerField(_("pending"), default=0, help_text=_("Points earned that become available later."))
    held = models.BigIntegerField(_("held"), default=0, help_text=_("Points set aside for open checkouts."))
    owed = models.BigIntegerField(_("debt"), default=0, help_text=_("Points owed; the next earnings repay them."))
    version = models.BigIntegerField(_("version"), default=0, help_text=_("Number of entries."))
    closed_at = models.DateTimeField(
        _("closed at"),
        null=True,
        blank=True,
        help_text=_("A purse that is closed pays for nothing any more, and nothing returns to it (domain.md E61)."),
    )
    merged_into = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="merged_from",
        verbose_name=_("merged into"),
    )

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.CheckConstraint(condition=Q(available__gte=0), name="account_available_not_negative"),
            models.CheckConstraint(condition=Q(pending__gte=0), name="account_pending_not_negative"),
            models.CheckConstraint(condition=Q(held__gte=0), name="account_held_not_negative"),
            models.CheckConstraint(condition=Q(owed__gte=0), name="account_owed_not_negative"),
            models.CheckConstraint(condition=Q(available=0) | Q(owed=0), name="account_debt_only_when_empty"),
        ]

    def __str__(self):
        return f"#{self.pk}"
