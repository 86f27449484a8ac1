import uuid

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loyalty.models import Account

from .brands import Brand
from .merchants import Merchant
from .stores import Store


class Club(models.Model):
    """A merchant's membership (domain.md S1-27): of one store, of several with one card, or of a brand inside and outside.

    Members of the programme join it by opening a card. It has points of its own (`unit_name`), which are the brand's and
    are no points of the programme; they stand on the card.
    """

    class Scope(models.TextChoices):
        SINGLE = "single", _("One store")
        JOINT = "joint", _("Several stores, one card")
        BRAND = "brand", _("A brand's stores, mini-program and shops in town")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        OPEN = "open", _("Open")
        WINDING_DOWN = "winding_down", _("Winding down")
        CLOSED = "closed", _("Closed")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="clubs", verbose_name=_("merchant"))
    scope = models.CharField(_("scope"), max_length=6, choices=Scope, default=Scope.SINGLE)
    brand = models.ForeignKey(
        Brand, models.PROTECT, null=True, blank=True, related_name="clubs", verbose_name=_("brand")
    )
    name = models.CharField(_("name"), max_length=60)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.DRAFT)
    stores = models.ManyToManyField(Store, through="ClubStore", related_name="clubs", verbose_name=_("stores"))
    unit_name = models.CharField(
        _("name of the unit"),
        max_length=20,
        default="points",
        help_text=_("What the card counts: points, miles, stars …"),
    )
    money_unit = models.PositiveIntegerField(
        _("1 point per minor units of cash"),
        default=100,
        validators=[MinValueValidator(1)],
        help_text=_("100 = one point per yuan; rounded down for each order, after the level's multiplier."),
    )
    welcome_points = models.PositiveIntegerField(
        _("opening gift"), default=0, help_text=_("Points of the card for opening it, once in a lifetime.")
    )
    exchange_permille = models.PositiveIntegerField(
        _("exchange rate when it closes"),
        default=0,
        help_text=_("Points of the programme for 1,000 points of the card, paid from the purse (domain.md E61)."),
    )
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True, help_text=_("The end of winding down."))
    pocket = models.OneToOneField(
        Account,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("set aside for the exchange"),
    )

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(scope="brand") & Q(brand__isnull=False)) | (~Q(scope="brand") & Q(brand__isnull=True)),
                name="club_brand_is_named",
            ),
            models.CheckConstraint(
                condition=~Q(status="winding_down") | Q(ends_at__isnull=False), name="club_winding_down_has_end"
            ),
            models.CheckConstraint(condition=Q(money_unit__gt=0), name="club_money_unit_positive"),
        ]

    def __str__(self):
        return self.name


class ClubStore(models.Model):
    """A store takes part in a club. A store has at most one club of each scope."""

    club = models.ForeignKey(Club, models.CASCADE, related_name="club_stores", verbose_name=_("membership"))
    store = models.ForeignKey(Store, models.PROTECT, related_name="club_stores", verbose_name=_("store"))
    scope = models.CharField(_("scope"), max_length=6, choices=Club.Scope, editable=False)

    class Meta:
        verbose_name = _("store of the membership")
        verbose_name_plural = _("stores of the membership")
        constraints = [models.UniqueConstraint(fields=["store", "scope"], name="club_store_scope_once")]

    def __str__(self):
        return str(self.store)
