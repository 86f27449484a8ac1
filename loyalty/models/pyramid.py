from django.db import models
from django.utils.translation import gettext_lazy as _

from .tiers import Tier


class PyramidDay(models.Model):
    """One tier on one day: how many active members it has, and what they did in the twelve months before (S2-02).

    Counted by a nightly job. `growth` is the sum in hundredths, `cash` what they paid less what was refunded, in minor
    units, `points` what they were given less what was taken back.
    """

    day = models.DateField(_("day"))
    tier = models.ForeignKey(Tier, models.PROTECT, related_name="+", db_index=False, verbose_name=_("tier"))
    members = models.BigIntegerField(_("members"), default=0)
    growth = models.BigIntegerField(_("growth (hundredths)"), default=0)
    buyers = models.BigIntegerField(_("members who bought"), default=0)
    cash = models.BigIntegerField(_("spend in twelve months"), default=0)
    points = models.BigIntegerField(_("points in twelve months"), default=0)

    class Meta:
        verbose_name = _("day of the pyramid")
        verbose_name_plural = _("pyramid")
        ordering = ["-day", "tier__rank"]
        constraints = [models.UniqueConstraint(fields=["day", "tier"], name="pyramid_day_once")]

    def __str__(self):
        return f"{self.day} {self.tier_id}"
