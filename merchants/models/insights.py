from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from members.models import Member

from .merchants import Merchant


class InsightAccess(InsertOnlyModel):
    """Somebody of a merchant looked at what a member bought there; the member and operators see it (domain.md E49, PIPL 23)."""

    class What(models.TextChoices):
        MEMBER = "member", _("Purchases and score band")

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="insight_accesses", verbose_name=_("merchant"))
    member = models.ForeignKey(
        Member, models.PROTECT, related_name="insight_accesses", db_index=False, verbose_name=_("member")
    )
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=_("staff member"),
    )
    staff_label = models.CharField(_("who looked"), max_length=150)
    what = models.CharField(_("at what"), max_length=12, choices=What)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("look at a member")
        verbose_name_plural = _("looks at members")
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["member", "-at"], name="insight_access_member")]

    def __str__(self):
        return f"{self.merchant}: {self.member}"


class InsightReport(InsertOnlyModel):
    """A merchant's buyers of a closed quarter, in groups none of which is smaller than `least` (selectors/insights.py).

    Written once, when first asked for, and never counted again: quarters do not overlap, so no two answers differ by a few
    members. `figures` are counts and sums by band, without anybody's name.
    """

    merchant = models.ForeignKey(
        Merchant, models.PROTECT, related_name="insight_reports", db_index=False, verbose_name=_("merchant")
    )
    quarter = models.DateField(_("quarter from"))
    least = models.PositiveSmallIntegerField(_("smallest group"))
    figures = models.JSONField(_("figures"))
    at = models.DateTimeField(_("counted at"))

    class Meta:
        verbose_name = _("buyers of a quarter")
        verbose_name_plural = _("buyers by quarter")
        ordering = ["-quarter"]
        constraints = [models.UniqueConstraint(fields=["merchant", "quarter"], name="insight_report_once")]

    def __str__(self):
        return f"{self.merchant}: {self.quarter:%Y-%m}"
