import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from loyalty.models import Account, Hold
from members.models import Member
from merchants.models import Merchant

from .rewards import Reward


class Redemption(models.Model):
    """One reward that a member took. What moves it from state to state stands in services/redemption_states.py.

    `account` and `seq` name the ledger entry that took the points: its draws name the lots they go back to. What was given
    (in a pack, as a prize) cost no points and names none. Price, cost and sponsor are kept as they were then. Money is in
    minor units.
    """

    class Status(models.TextChoices):
        HELD = "held", _("Waiting for payment")
        PLACED = "placed", _("Placed")
        FULFILLING = "fulfilling", _("Being packed")
        SHIPPED = "shipped", _("On its way")
        DELIVERED = "delivered", _("Handed out")
        USED = "used", _("Used")
        EXPIRED = "expired", _("Expired")
        CANCELLED = "cancelled", _("Cancelled")
        RETURNED = "returned", _("Returned")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    member = models.ForeignKey(
        Member, models.PROTECT, related_name="redemptions", db_index=False, verbose_name=_("member")
    )
    reward = models.ForeignKey(Reward, models.PROTECT, related_name="redemptions", verbose_name=_("reward"))
    status = models.CharField(_("status"), max_length=10, choices=Status)
    points = models.PositiveBigIntegerField(_("points"))
    cash = models.PositiveBigIntegerField(_("cash part"), default=0)
    basis = models.CharField(_("price for"), max_length=100, default="list")
    unit_cost = models.PositiveBigIntegerField(_("cost"), default=0)
    merchant = models.ForeignKey(
        Merchant, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, verbose_name=_("sponsor")
    )
    merchant_cost = models.PositiveBigIntegerField(_("sponsor pays"), default=0)
    from_stock = models.BooleanField(_("came from the stock"), default=False)
    key = models.CharField(_("idempotency key"), max_length=200, blank=True)
    account = models.ForeignKey(
        Account, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, verbose_name=_("account")
    )
    seq = models.BigIntegerField(_("entry"), null=True, blank=True)
    hold = models.OneToOneField(
        Hold, models.PROTECT, null=True, blank=True, related_name="redemption", verbose_name=_("hold")
    )
    restored = models.PositiveBigIntegerField(_("points given back"), default=0)
    created_at = models.DateTimeField(_("created at"))
    taken_on = models.DateField(_("taken on"), help_text=_("Business day of the programme; limits count by it."))
    expires_at = models.DateTimeField(_("good until"), null=True, blank=True)
    tracking = models.CharField(_("parcel number"), max_length=100, blank=True)
    payment = models.CharField(
        _("payment"), max_length=100, blank=True, help_text=_("The shop's name for the cash part.")
    )

    order_code = models.CharField(
        _("used for the order"),
        max_length=100,
        blank=True,
        help_text=_("If it is cancelled as a whole, it is good again."),
    )

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["member", "key"], name="redemption_key_once", condition=~Q(key="")),
            models.UniqueConstraint(fields=["account", "seq"], name="redemption_entry_once"),
            models.CheckConstraint(
                condition=Q(points__gt=0, account__isnull=False, seq__isnull=False)
                | Q(points=0, cash=0, account__isnull=True, seq__isnull=True, hold__isnull=True),
                name="redemption_is_paid_or_given",
            ),
            models.CheckConstraint(condition=Q(restored__lte=models.F("points")), name="redemption_restored_within"),
            models.CheckConstraint(
                condition=~Q(status="held") | Q(hold__isnull=False), name="redemption_held_has_hold"
            ),
        ]
        indexes = [
            models.Index(fields=["member", "reward", "taken_on"], name="redemption_limits"),
            models.Index(fields=["expires_at"], name="redemption_due", condition=Q(status="delivered")),
            models.Index(fields=["order_code"], name="redemption_order", condition=~Q(order_code="")),
            models.Index(
                fields=["merchant", "taken_on"], name="redemption_sponsor", condition=Q(merchant__isnull=False)
            ),
        ]

    def __str__(self):
        return f"{self.reward} {self.taken_on}"

    @property
    def reference(self) -> str:
        """How the ledger names it."""
        return f"redemption:{self.uuid}"

    @cached_property
    def steps(self) -> list["RedemptionEvent"]:
        """What has happened to it, in order; no query for one that was just made."""
        return list(self.events.all())


class RedemptionEvent(InsertOnlyModel):
    """One step of a redemption: from which state to which, when, by whom and why."""

    # Why nobody of the staff took it: what `reason` says then, as code or code:about.
    CAUSES: ClassVar = {
        "unpaid": _("Nobody paid in time."),
        "member_left": _("The member has left."),
        "order_cancelled": _("Order %s was cancelled."),
    }

    redemption = models.ForeignKey(Redemption, models.PROTECT, related_name="events", verbose_name=_("redemption"))
    before = models.CharField(_("from"), max_length=10, choices=Redemption.Status, blank=True)
    after = models.CharField(_("to"), max_length=10, choices=Redemption.Status)
    at = models.DateTimeField(_("at"))
    actor_label = models.CharField(_("by"), max_length=150)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("step of a redemption")
        verbose_name_plural = _("steps of redemptions")
        ordering = ["id"]

    def __str__(self):
        return f"{self.before} → {self.after}"

    @property
    def why(self) -> str:
        """The reason as somebody wrote it, or in the reader's language."""
        code, _colon, about = self.reason.partition(":")
        return str(self.CAUSES[code]).replace("%s", about) if code in self.CAUSES else self.reason
