from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.models import Member


class Breach(models.Model):
    """A promise that a member did not keep, told by a floor above, once for one cause (domain.md F21).

    It counts in the member's conduct by its day, until a person excuses it: a conduct is always contestable (E52).
    """

    class Kind(models.TextChoices):
        INSTANT_REFUND = "instant_refund", _("Goods of an instant refund did not come back")

    member = models.ForeignKey(
        Member, models.PROTECT, related_name="breaches", db_index=False, verbose_name=_("member")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    reference = models.CharField(_("reference"), max_length=100, unique=True)
    order_code = models.CharField(_("order"), max_length=100, blank=True)
    day = models.DateField(_("day"))
    at = models.DateTimeField(_("at"))
    excused_at = models.DateTimeField(_("excused at"), null=True, blank=True)
    excused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("excused by")
    )
    note = models.CharField(_("note"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("broken promise")
        verbose_name_plural = _("broken promises")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(excused_at__isnull=False) | Q(note="", excused_by__isnull=True),
                name="breach_excused_has_time",
            )
        ]
        indexes = [models.Index(fields=["member", "day"], name="breach_of_member")]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.order_code}"
