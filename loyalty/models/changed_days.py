from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models import Member


class ChangedDay(models.Model):
    """Something that scores count happened, or was taken back, on this local day of the member (domain.md F6, E29).

    Added with every event, the same day as often as it changes: whoever counts the days again takes away just the rows
    that were there before, so that no change in between is lost.
    """

    member = models.ForeignKey(Member, models.PROTECT, related_name="+", db_index=False, verbose_name=_("member"))
    day = models.DateField(_("day"))

    class Meta:
        verbose_name = _("changed day")
        verbose_name_plural = _("changed days")
        indexes = [models.Index(fields=["member", "day"], name="changed_day_member")]

    def __str__(self):
        return f"{self.member_id} {self.day}"
