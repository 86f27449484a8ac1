import uuid

from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from .accounts import Account


class Hold(models.Model):
    """Points set aside for a checkout: open → captured, released or lapsed (it lets go by itself at expires_at).

    `seq` is the entry that took the points; its draws name the lots (domain.md E62).
    """

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        CAPTURED = "captured", _("Captured")
        RELEASED = "released", _("Released")
        LAPSED = "lapsed", _("Lapsed")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    account = models.ForeignKey(
        Account, models.PROTECT, related_name="holds", db_index=False, verbose_name=_("account")
    )
    seq = models.BigIntegerField(_("entry"))
    points = models.BigIntegerField(_("points"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    order_code = models.CharField(_("order"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("lapses at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["account", "seq"], name="hold_entry_once"),
            models.CheckConstraint(condition=Q(points__gt=0), name="hold_points_positive"),
            models.CheckConstraint(
                condition=Q(status="open", closed_at__isnull=True) | (~Q(status="open") & Q(closed_at__isnull=False)),
                name="hold_closed_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["account"], name="hold_open", condition=Q(status="open")),
            models.Index(fields=["expires_at"], name="hold_lapsing", condition=Q(status="open")),
        ]

    def __str__(self):
        return str(self.uuid)

    @cached_property
    def shares(self) -> list["HoldLine"]:
        """How the points fall on the order's lines; no query for who has just been placed."""
        return list(self.lines.all())


class HoldLine(models.Model):
    """The part of a hold that falls on one order line, fixed when the hold is made (domain.md F10)."""

    hold = models.ForeignKey(Hold, models.PROTECT, related_name="lines", verbose_name=_("hold"))
    number = models.CharField(_("line"), max_length=40)
    points = models.BigIntegerField(_("points"))

    class Meta:
        verbose_name = _("hold line")
        verbose_name_plural = _("hold lines")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["hold", "number"], name="hold_line_once"),
            models.CheckConstraint(condition=Q(points__gte=0), name="hold_line_not_negative"),
        ]

    def __str__(self):
        return f"{self.number}: {self.points}"
