import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from loyalty.models import Tier
from members.models import Plan

from .clubs import Club
from .merchants import Merchant
from .stores import Store

MOST = 10**12


class MemberPrice(models.Model):
    """What one piece of a SKU costs for members of a tier, a plan or a club, in [starts_at, ends_at) (S1-25, S2-09).

    `price` is for one piece, in minor units. Without a store it holds in all stores of the merchant. Of several that fit
    the lowest wins, and none that is not below the list price (selectors/prices.py). It asks for a tier, a plan or a
    club's level, which everybody can reach by known rules, and never for a score (domain.md 2.9, PIPL 24).
    """

    class Who(models.TextChoices):
        TIER = "tier", _("Members of a tier or above")
        PLAN = "plan", _("Members with a paid plan")
        CLUB = "club", _("Members of a membership, from a level on")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    merchant = models.ForeignKey(
        Merchant, models.PROTECT, related_name="member_prices", db_index=False, verbose_name=_("merchant")
    )
    store = models.ForeignKey(
        Store,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="member_prices",
        verbose_name=_("store"),
        help_text=_("Empty = all stores."),
    )
    sku = models.CharField(_("SKU"), max_length=100)
    who = models.CharField(_("for whom"), max_length=4, choices=Who)
    tier = models.ForeignKey(
        Tier, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("tier, or a higher one")
    )
    plan = models.ForeignKey(Plan, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("plan"))
    club = models.ForeignKey(
        Club, models.PROTECT, null=True, blank=True, related_name="member_prices", verbose_name=_("membership")
    )
    level = models.PositiveSmallIntegerField(
        _("from level"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    price = models.PositiveBigIntegerField(
        _("price of one piece"), validators=[MinValueValidator(1), MaxValueValidator(MOST)]
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True, help_text=_("Empty = until further notice."))
    created_at = models.DateTimeField(_("created at"), editable=False)
    changed_at = models.DateTimeField(_("changed at"), editable=False)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("member price")
        verbose_name_plural = _("member prices")
        ordering = ["sku", "-starts_at", "id"]
        constraints = [
            models.UniqueConstraint(
                "merchant",
                "sku",
                Coalesce("store", 0),
                Coalesce("tier", 0),
                Coalesce("plan", 0),
                Coalesce("club", 0),
                Coalesce("level", 0),
                "starts_at",
                name="member_price_once",
                violation_error_message=_("There is such a price with this start already."),
            ),
            models.CheckConstraint(
                condition=Q(who="tier", tier__isnull=False, plan=None, club=None, level=None)
                | Q(who="plan", tier=None, plan__isnull=False, club=None, level=None)
                | Q(who="club", tier=None, plan=None, club__isnull=False, level__range=(1, 5)),
                name="member_price_for_one",
            ),
            models.CheckConstraint(condition=Q(price__gte=1, price__lte=MOST), name="member_price_positive"),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="member_price_ends_after_start",
                violation_error_message=_("The end lies after the start."),
            ),
            models.CheckConstraint(condition=~Q(sku=""), name="member_price_names_sku"),
        ]
        indexes = [models.Index(fields=["sku", "merchant"], name="member_price_sku")]

    def __str__(self):
        return f"{self.sku}: {self.whom()}"

    def whom(self) -> str:
        """For whom, in words."""
        if self.who == self.Who.TIER:
            return _("%(tier)s and above") % {"tier": self.tier}
        if self.who == self.Who.PLAN:
            return str(self.plan)
        return _("%(club)s, from level %(level)d") % {"club": self.club, "level": self.level}

    def clean(self):
        """Store and membership are the merchant's own, and one field says for whom."""
        asked = {"tier": ["tier"], "plan": ["plan"], "club": ["club", "level"]}.get(self.who, [])
        errors: dict[str, Any] = {}
        for name in ("tier", "plan", "club", "level"):
            empty = getattr(self, f"{name}_id" if name != "level" else name) is None
            if name in asked and empty:
                errors[name] = _("Say which one.")
            elif name not in asked and not empty:
                errors[name] = _("Leave this empty: the price is for others.")
        for name in ("store", "club"):
            owned = getattr(self, name)
            if owned is not None and owned.merchant_id != self.merchant_id:
                errors[name] = _("This is not the merchant's own.")
        if errors:
            raise ValidationError(errors)
