import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel

from .accounts import Account


class Transfer(InsertOnlyModel):
    """Points that moved from one holder to another; lots keep their expiry, funder and rule."""

    class Kind(models.TextChoices):
        TRANSFER = "transfer", _("Transfer")
        GIFT = "gift", _("Gift")
        MERGE = "merge", _("Merge of members")
        UNMERGE = "unmerge", _("Merge undone")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    sender = models.ForeignKey(Account, models.PROTECT, related_name="sent", verbose_name=_("from"))
    receiver = models.ForeignKey(Account, models.PROTECT, related_name="received", verbose_name=_("to"))
    points = models.BigIntegerField(_("points"))
    message = models.CharField(_("message"), max_length=200, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(points__gte=0), name="transfer_not_negative"),
            models.CheckConstraint(condition=~Q(sender=F("receiver")), name="transfer_between_two"),
        ]

    def __str__(self):
        return str(self.uuid)
