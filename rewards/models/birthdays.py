from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from loyalty.models import Tier
from members.models import Member

from .benefits import Benefit


class BirthdayPack(InsertOnlyModel):
    """The pack a member had for one birthday (domain.md F19): once for each birthday year, whatever happens later."""

    member = models.ForeignKey(
        Member, models.PROTECT, related_name="birthday_packs", db_index=False, verbose_name=_("member")
    )
    birthday_year = models.PositiveSmallIntegerField(_("year of the birthday"))
    birthday = models.DateField(_("date of birth then"))
    celebrated_on = models.DateField(_("birthday"))
    benefit = models.ForeignKey(Benefit, models.PROTECT, related_name="+", verbose_name=_("benefit"))
    tier = models.ForeignKey(Tier, models.PROTECT, null=True, related_name="+", verbose_name=_("tier"))
    points = models.PositiveBigIntegerField(_("points"), default=0)
    contents = models.CharField(_("contents"), max_length=300, blank=True)
    valid_from = models.DateTimeField(_("valid from"))
    valid_until = models.DateTimeField(_("valid until"))
    issued_at = models.DateTimeField(_("given at"))

    class Meta:
        verbose_name = _("birthday pack")
        verbose_name_plural = _("birthday packs")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["member", "birthday_year"], name="birthday_pack_once"),
            models.CheckConstraint(condition=Q(valid_until__gt=F("valid_from")), name="birthday_pack_valid"),
        ]

    def __str__(self):
        return f"{self.member}: {self.birthday_year}"
