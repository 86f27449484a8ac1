import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from members.models import Member

from .clubs import Club
from .stores import Store


class Card(models.Model):
    """A member's card in a club; the row is the lock for everything on it. Balances equal its entries (ledger.md, 8).

    Leaving keeps the row: who comes back finds the history, and no second opening gift. `spent` is cash in minor units and
    `orders` a count, both after refunds; `points` are the club's own.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", _("Member")
        LEFT = "left", _("Left")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    club = models.ForeignKey(Club, models.PROTECT, related_name="cards", db_index=False, verbose_name=_("membership"))
    member = models.ForeignKey(Member, models.PROTECT, related_name="cards", verbose_name=_("member"))
    status = models.CharField(_("status"), max_length=6, choices=Status, default=Status.ACTIVE)
    level = models.PositiveSmallIntegerField(_("level"), default=1)
    spent = models.BigIntegerField(_("spent"), default=0)
    orders = models.BigIntegerField(_("orders"), default=0)
    points = models.BigIntegerField(_("points of the card"), default=0)
    version = models.BigIntegerField(_("version"), default=0, help_text=_("Number of entries."))
    store = models.ForeignKey(
        Store, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("opened at")
    )
    channel = models.CharField(
        _("channel"), max_length=40, blank=True, help_text=_("Where the member came from: app, mini_program, shop …")
    )
    external_card = models.CharField(_("card of the brand"), max_length=60, blank=True)
    joined_at = models.DateTimeField(_("joined at"))
    left_at = models.DateTimeField(_("left at"), null=True, blank=True)
    last_order_at = models.DateTimeField(_("last order at"), null=True, blank=True)

    class Meta:
        verbose_name = _("card")
        verbose_name_plural = _("cards")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["club", "member"], name="card_once"),
            models.UniqueConstraint(
                fields=["club", "external_card"], name="card_external_once", condition=~Q(external_card="")
            ),
            models.CheckConstraint(condition=Q(spent__gte=0, orders__gte=0, points__gte=0), name="card_not_negative"),
            models.CheckConstraint(condition=Q(level__gte=1, level__lte=5), name="card_level_within_five"),
            models.CheckConstraint(
                condition=Q(status="active", left_at__isnull=True) | Q(status="left", left_at__isnull=False),
                name="card_left_has_time",
            ),
            models.CheckConstraint(
                condition=Q(left_at__isnull=True) | Q(left_at__gte=F("joined_at")), name="card_left_after_joining"
            ),
        ]
        indexes = [models.Index(fields=["club", "level"], name="card_level", condition=Q(status="active"))]

    def __str__(self):
        return f"{self.club}: {self.member}"


class CardEntry(InsertOnlyModel):
    """One movement of one balance of a card; inserted once. `seq` runs 1…Card.version over all units."""

    class Unit(models.TextChoices):
        SPENT = "spent", _("Spent")
        ORDERS = "orders", _("Orders")
        POINTS = "points", _("Points of the card")

    class Kind(models.TextChoices):
        WELCOME = "welcome", _("Opening gift")
        ORDER = "order", _("Order")
        REFUND = "refund", _("Refund")
        CAMPAIGN = "campaign", _("Campaign")
        ADJUST = "adjust", _("Adjusted by staff")
        EXCHANGE = "exchange", _("Exchanged when the membership closed")
        MERGE = "merge", _("Members merged")

    card = models.ForeignKey(Card, models.PROTECT, related_name="entries", db_index=False, verbose_name=_("card"))
    seq = models.BigIntegerField(_("number"))
    unit = models.CharField(_("balance"), max_length=6, choices=Unit)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    delta = models.BigIntegerField(_("change"))
    balance_after = models.BigIntegerField(_("balance after"))
    reference = models.CharField(_("because of"), max_length=255)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("card entry")
        verbose_name_plural = _("card entries")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["card", "seq"], name="card_entry_seq_once"),
            models.UniqueConstraint(fields=["card", "unit", "kind", "reference"], name="card_entry_cause_once"),
            models.CheckConstraint(condition=~Q(delta=0), name="card_entry_moves_something"),
            models.CheckConstraint(condition=Q(balance_after__gte=0), name="card_entry_balance_not_negative"),
        ]

    def __str__(self):
        return f"{self.card_id}/{self.seq} {self.unit} {self.delta:+d}"


class CardEvent(InsertOnlyModel):
    """What happened to a card: opened, left, linked, another level. The member's way from the platform to the store (S1-29)."""

    class Kind(models.TextChoices):
        JOINED = "joined", _("Opened the card")
        RETURNED = "returned", _("Came back")
        LEFT = "left", _("Left")
        LINKED = "linked", _("Linked with the brand's card")
        UNLINKED = "unlinked", _("No longer linked with the brand's card")
        LEVEL = "level", _("Came to another level")
        MERGED = "merged", _("Merged with another card of the member")

    card = models.ForeignKey(Card, models.PROTECT, related_name="events", verbose_name=_("card"))
    kind = models.CharField(_("what"), max_length=8, choices=Kind)
    channel = models.CharField(_("channel"), max_length=40, blank=True)
    store = models.ForeignKey(Store, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("store"))
    before = models.CharField(_("before"), max_length=60, blank=True)
    after = models.CharField(_("after"), max_length=60, blank=True)
    reference = models.CharField(_("because of"), max_length=255, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("event of a card")
        verbose_name_plural = _("events of cards")
        ordering = ["-at", "-id"]

    def __str__(self):
        return f"{self.card}: {self.get_kind_display()}"
