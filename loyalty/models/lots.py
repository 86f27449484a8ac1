from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel

from .accounts import Account


class Lot(models.Model):
    """One grant of points with one expiry (domain.md F7). `lot_seq` is the `seq` of the entry that granted it.

    A lot can be spent while available_at <= now < expires_at. It remembers who funds it, which rule version made it and
    what it was for; only `remaining`, `is_open` and `is_pending` ever change, and `expires_at` of a sliding lot, which
    moves on with the member's activity (services/sliding.py records each move as a fact).
    """

    class Source(models.TextChoices):
        ORDER = "order", _("Order")
        REVIEW = "review", _("Review")
        ACTIVITY = "activity", _("Activity")
        ADJUSTMENT = "adjustment", _("Adjustment")
        TRANSFER = "transfer", _("Transfer or gift")
        RESTORE = "restore", _("Grace after a refund")
        MERGE = "merge", _("Merge of members")
        PURCHASE = "purchase", _("Bought by a merchant")
        CAMPAIGN = "campaign", _("Merchant's campaign")
        RETURN = "return", _("Taken back for its funder")
        GAME = "game", _("Won in a game")
        GIFT = "gift", _("Gift campaign")

    account = models.ForeignKey(Account, models.PROTECT, related_name="lots", db_index=False, verbose_name=_("account"))
    lot_seq = models.BigIntegerField(_("number"))
    earned = models.BigIntegerField(_("earned"))
    remaining = models.BigIntegerField(_("remaining"))
    is_open = models.BooleanField(_("open"), default=True)
    is_pending = models.BooleanField(_("pending"), default=False)
    earned_at = models.DateTimeField(_("earned at"))
    available_at = models.DateTimeField(_("available at"))
    expires_at = models.DateTimeField(_("expires at"))
    sliding_days = models.PositiveIntegerField(
        _("days after the last activity"),
        null=True,
        blank=True,
        help_text=_("Only for points whose expiry slides: they expire so many days after the last activity."),
    )
    source = models.CharField(_("source"), max_length=10, choices=Source)
    reference = models.CharField(_("reference"), max_length=255)
    funder = models.ForeignKey(
        Account,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="funded_lots",
        db_index=False,
        verbose_name=_("funder"),
        help_text=_("Whose purse paid for it; empty means the platform."),
    )
    rule_version = models.ForeignKey(
        "loyalty.EarningRuleVersion",
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        verbose_name=_("rule version"),
    )
    order_line = models.ForeignKey(
        "loyalty.OrderLine",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="lots",
        verbose_name=_("order line"),
    )
    review = models.ForeignKey(
        "loyalty.Review", models.PROTECT, null=True, blank=True, related_name="lots", verbose_name=_("review")
    )
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("came from lot"),
    )

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["account", "lot_seq"], name="lot_seq_once"),
            models.CheckConstraint(condition=Q(earned__gt=0), name="lot_earned_positive"),
            models.CheckConstraint(
                condition=Q(remaining__gte=0) & Q(remaining__lte=F("earned")),
                name="lot_remaining_within_earned",
            ),
            models.CheckConstraint(
                condition=Q(is_open=True, remaining__gt=0) | Q(is_open=False, remaining=0),
                name="lot_open_means_remaining",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "expires_at", "lot_seq"], name="lot_spend_order", condition=Q(is_open=True)
            ),
            models.Index(fields=["expires_at", "account"], name="lot_due", condition=Q(is_open=True)),
            models.Index(
                fields=["available_at", "account"],
                name="lot_maturing",
                condition=Q(is_open=True, is_pending=True),
            ),
        ]

    def __str__(self):
        return f"{self.account_id}/{self.lot_seq}: {self.remaining}/{self.earned}"


class Draw(InsertOnlyModel):
    """Which debit took from which lot; negative when it was given back. Makes cancel, refund and audit exact."""

    account = models.ForeignKey(
        Account, models.PROTECT, related_name="draws", db_index=False, verbose_name=_("account")
    )
    seq = models.BigIntegerField(_("entry"))
    lot_seq = models.BigIntegerField(_("lot"))
    points = models.BigIntegerField(_("points"))

    class Meta:
        verbose_name = _("draw")
        verbose_name_plural = _("draws")
        ordering = ["account", "seq", "lot_seq"]
        constraints = [
            models.UniqueConstraint(fields=["account", "seq", "lot_seq"], name="draw_once"),
            models.CheckConstraint(condition=~Q(points=0), name="draw_moves_something"),
        ]

    def __str__(self):
        return f"{self.account_id}/{self.seq} ← {self.lot_seq}: {self.points}"
