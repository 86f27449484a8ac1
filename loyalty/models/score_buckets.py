from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models import Member

from .score_policies import ScoreSource


class ScoreBucket(models.Model):
    """What one source gave a member on one local day, by category and store; the limit an order is applied already.

    Derived: counted from orders, reviews, activities and events, and counted again when they change. `month` numbers the
    calendar months since the year 0 (year × 12 + month − 1), so that a month is one small number to group by.

    The key is the only index, so that a range of members is always read by member: by day it would be read once a chunk.
    """

    pk = models.CompositePrimaryKey("member", "day", "source", "category", "store_code")
    member = models.ForeignKey(
        Member, models.PROTECT, related_name="+", db_index=False, db_constraint=False, verbose_name=_("member")
    )
    day = models.DateField(_("day"))
    month = models.SmallIntegerField(_("month"))
    source = models.ForeignKey(
        ScoreSource, models.PROTECT, related_name="+", db_index=False, db_constraint=False, verbose_name=_("source")
    )
    category = models.CharField(_("category"), max_length=100, blank=True)
    store_code = models.CharField(_("store"), max_length=60, blank=True)
    value = models.BigIntegerField(_("value"))

    class Meta:
        verbose_name = _("daily value")
        verbose_name_plural = _("daily values")

    def __str__(self):
        return f"{self.member_id} {self.day} {self.source_id}: {self.value}"
