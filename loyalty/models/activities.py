from django.db import models
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from members.models import Member

from .orders import Order


class Activity(InsertOnlyModel):
    """A day on which a member logged in, checked in or shared; each kind counts once per local day (domain.md E30)."""

    class Kind(models.TextChoices):
        LOGIN = "login", _("Log-in")
        CHECK_IN = "check_in", _("Check-in")
        SHARE = "share", _("Share")

    member = models.ForeignKey(
        Member, models.PROTECT, related_name="activities", db_index=False, verbose_name=_("member")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    day = models.DateField(_("day"))
    streak = models.PositiveIntegerField(_("days in a row"), default=1)
    channel = models.CharField(_("channel"), max_length=40, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["member", "kind", "day"], name="activity_once_a_day")]

    def __str__(self):
        return f"{self.member_id} {self.kind} {self.day}"


class DeliveryRefusal(InsertOnlyModel):
    """A member refused to take an order's delivery (domain.md E21); counted per local month and year."""

    member = models.ForeignKey(
        Member, models.PROTECT, related_name="delivery_refusals", db_index=False, verbose_name=_("member")
    )
    order = models.OneToOneField(Order, models.PROTECT, related_name="delivery_refusal", verbose_name=_("order"))
    day = models.DateField(_("day"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("refused delivery")
        verbose_name_plural = _("refused deliveries")
        ordering = ["-id"]
        indexes = [models.Index(fields=["member", "day"], name="refusal_member_day")]

    def __str__(self):
        return f"{self.order_id} {self.day}"
