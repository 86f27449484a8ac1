from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from members.models import Member

from .benefits import Benefit


class Quota(models.Model):
    """How often one member may use one benefit in one window, and has. The row is the lock; its entries are its history.

    `granted` follows what the member is entitled to, at the next use; it never falls below `used`: what has been used is
    not charged (domain.md E10). After a merge (E58) each name keeps its quota; what merged ones used is granted less to
    who remains. Unlimited benefits have no quota.
    """

    member = models.ForeignKey(
        Member, models.PROTECT, related_name="benefit_quotas", db_index=False, verbose_name=_("member")
    )
    benefit = models.ForeignKey(Benefit, models.PROTECT, related_name="+", verbose_name=_("benefit"))
    window = models.CharField(_("period"), max_length=40, help_text=_("2026-03-01, 2026-03, 2026-Q1, 2026 or a term."))
    granted = models.PositiveIntegerField(_("granted"), default=0)
    used = models.PositiveIntegerField(_("used"), default=0)
    version = models.BigIntegerField(_("version"), default=0, help_text=_("Number of entries."))

    class Meta:
        verbose_name = _("quota")
        verbose_name_plural = _("quotas")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["member", "benefit", "window"], name="quota_once"),
            models.CheckConstraint(condition=Q(used__gte=0, used__lte=F("granted")), name="quota_not_overdrawn"),
        ]

    def __str__(self):
        return f"{self.member_id}: {self.benefit_id} {self.window} {self.used}/{self.granted}"


class QuotaEntry(InsertOnlyModel):
    """One movement of a quota; `balance_after` is what was left. `seq` runs 1…Quota.version without a gap."""

    class Kind(models.TextChoices):
        GRANT = "grant", _("Granted")
        USE = "use", _("Used")
        GIVE_BACK = "give_back", _("Given back")

    quota = models.ForeignKey(Quota, models.PROTECT, related_name="entries", db_index=False, verbose_name=_("quota"))
    seq = models.BigIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    delta = models.IntegerField(_("change"))
    balance_after = models.PositiveIntegerField(_("left after"))
    reference = models.CharField(_("because of"), max_length=100)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("quota entry")
        verbose_name_plural = _("quota entries")
        ordering = ["quota", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["quota", "seq"], name="quota_entry_seq_once"),
            models.UniqueConstraint(
                fields=["quota", "kind", "reference"], name="quota_entry_cause_once", condition=~Q(kind="grant")
            ),
            models.CheckConstraint(condition=~Q(delta=0), name="quota_entry_moves_something"),
            models.CheckConstraint(condition=Q(balance_after__gte=0), name="quota_entry_not_negative"),
        ]

    def __str__(self):
        return f"{self.quota_id}/{self.seq} {self.kind} {self.delta:+d}"
