from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel


class Partner(models.Model):
    """Whoever honours codes that we hand out (a video platform, a bookshop) and is paid for each of them by contract."""

    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=100)
    instructions = models.CharField(
        _("how a code is used"),
        max_length=300,
        blank=True,
        help_text=_("Members read it beside the code, for example: Type it in at video.example/redeem."),
    )

    class Meta:
        verbose_name = _("reward partner")
        verbose_name_plural = _("reward partners")
        ordering = ["code"]

    def __str__(self):
        return self.name


class Settlement(InsertOnlyModel):
    """What is owed to a partner for the codes that members claimed up to a month's end and did not give back."""

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="settlements", verbose_name=_("partner"))
    month = models.DateField(_("month"), help_text=_("Its first day."))
    codes = models.PositiveIntegerField(_("codes"))
    amount = models.PositiveBigIntegerField(_("amount (minor units)"))
    at = models.DateTimeField(_("settled at"))
    actor_label = models.CharField(_("settled by"), max_length=150)

    class Meta:
        verbose_name = _("partner settlement")
        verbose_name_plural = _("partner settlements")
        ordering = ["-month", "partner"]
        constraints = [
            models.UniqueConstraint(fields=["partner", "month"], name="settlement_once"),
            models.CheckConstraint(condition=Q(codes__gt=0), name="settlement_of_something"),
        ]

    def __str__(self):
        return f"{self.partner} {self.month:%Y-%m}"
