from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .rewards import Reward

TICKETS = 1_000_000
"""The most tickets a lottery may sell, and the largest total that odds may be stated over."""


class Game(models.Model):
    """Something members play for points: small for big (S2-28, domain.md F17). What it costs and gives says its version."""

    class Kind(models.TextChoices):
        DA_LE_DOU = "da_le_dou", _("Da Le Dou")
        SCRATCH = "scratch", _("Scratch card")
        WHEEL = "wheel", _("Wheel of fortune")
        LOTTERY = "lottery", _("Lottery: one draw over all tickets")

    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(
        _("kind"), max_length=10, choices=Kind, help_text=_("A lottery is drawn once, everything else at every play.")
    )
    description = models.CharField(_("description"), max_length=300, blank=True, help_text=_("Members read it."))

    class Meta:
        verbose_name = _("game")
        verbose_name_plural = _("games")
        ordering = ["name"]

    def __str__(self):
        return self.name

    @property
    def is_lottery(self) -> bool:
        return self.kind == self.Kind.LOTTERY


class GameVersion(models.Model):
    """What a game costs and gives. A draft is edited; once activated it never changes: odds published are odds played.

    At most one version of a game is active. Chances are `weight / weight_total`, whole numbers both; what the weights
    leave wins nothing. A prize that is out of stock falls to the prize marked as the fallback, or to nothing.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ACTIVE = "active", _("Active")
        STOPPED = "stopped", _("Stopped")
        REPLACED = "replaced", _("Replaced")

    game = models.ForeignKey(Game, models.PROTECT, related_name="versions", verbose_name=_("game"))
    number = models.PositiveIntegerField(_("version"), editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT, editable=False)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"), help_text=_("A lottery sells tickets until then."))
    stake = models.PositiveIntegerField(
        _("stake (points)"), validators=[MinValueValidator(1)], help_text=_("What one play or ticket costs.")
    )
    weight_total = models.PositiveIntegerField(
        _("chances out of"),
        default=1000,
        validators=[MinValueValidator(1), MaxValueValidator(TICKETS)],
        help_text=_("A prize with the weight 3 is won 3 times out of so many. Not used by a lottery."),
    )
    daily_limit = models.PositiveIntegerField(
        _("plays a member and day"), null=True, blank=True, default=3, help_text=_("Empty means no limit.")
    )
    lifetime_limit = models.PositiveIntegerField(
        _("plays a member in all"),
        null=True,
        blank=True,
        help_text=_("Over all versions of the game. Empty means no limit."),
    )
    cost_cap_percent = models.PositiveSmallIntegerField(
        _("a play may give on average (percent of the stake)"),
        default=70,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("A version that gives more is not activated (F17)."),
    )
    daily_budget = models.PositiveBigIntegerField(
        _("budget a day"),
        null=True,
        blank=True,
        help_text=_("Value of the prizes won in one day; the game rests before it could be exceeded."),
    )
    won_points_days = models.PositiveIntegerField(
        _("points won are good for (days)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty: as long as the points that were staked. Members are told."),
    )
    draws_at = models.DateTimeField(_("drawn at"), null=True, blank=True)
    tickets_least = models.PositiveIntegerField(
        _("tickets at least"),
        null=True,
        blank=True,
        help_text=_("If fewer are sold, nothing is drawn and every stake goes back."),
    )
    tickets_most = models.PositiveIntegerField(
        _("tickets at most"), null=True, blank=True, validators=[MaxValueValidator(TICKETS)]
    )
    tickets_sold = models.PositiveIntegerField(_("tickets sold"), default=0, editable=False)
    drawn_at = models.DateTimeField(_("was drawn at"), null=True, blank=True, editable=False)
    called_off = models.BooleanField(_("called off"), default=False, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("created by"),
    )
    changed_at = models.DateTimeField(_("changed at"), editable=False)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("activated by"),
    )
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("version of a game")
        verbose_name_plural = _("versions of games")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["game", "number"], name="game_version_once"),
            models.UniqueConstraint(fields=["game"], condition=Q(status="active"), name="game_one_active_version"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="game_ends_after_start"),
            models.CheckConstraint(
                condition=Q(stake__gte=1, weight_total__gte=1, weight_total__lte=TICKETS), name="game_stake_and_total"
            ),
            models.CheckConstraint(
                condition=Q(tickets_most__isnull=True) | Q(tickets_sold__lte=F("tickets_most")),
                name="game_sells_no_more_tickets",
            ),
            models.CheckConstraint(
                condition=Q(activated_by__isnull=True) | ~Q(activated_by=F("created_by")), name="game_second_person"
            ),
        ]

    def __str__(self):
        return f"{self.game} {self.number}"

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT


class Prize(models.Model):
    """One thing that can be won. `remaining` counts down, and the database lets it come no lower than nothing.

    A lottery has no weights: `stock` is how many tickets win the prize, the prizes drawn in their order.
    """

    class Kind(models.TextChoices):
        POINTS = "points", _("Points")
        GIFT = "gift", _("Gift")
        COUPON = "coupon", _("Coupon")

    version = models.ForeignKey(GameVersion, models.CASCADE, related_name="prizes", verbose_name=_("version"))
    position = models.PositiveSmallIntegerField(_("place"), help_text=_("1 is the top prize."))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    name = models.CharField(_("name"), max_length=100)
    points = models.PositiveIntegerField(_("points"), default=0, help_text=_("For points: how many."))
    price = models.PositiveBigIntegerField(
        _("market price"), default=0, help_text=_("For a gift or coupon: what it costs to buy.")
    )
    reward = models.ForeignKey(
        Reward,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="prizes",
        verbose_name=_("reward"),
        help_text=_("For a coupon: this reward of the catalogue is handed out at once. Empty: it is sent by hand."),
    )
    weight = models.PositiveIntegerField(_("weight"), default=0)
    stock = models.PositiveIntegerField(_("stock"), null=True, blank=True, help_text=_("Empty means no end."))
    remaining = models.PositiveIntegerField(_("remaining"), null=True, blank=True, editable=False)
    is_fallback = models.BooleanField(
        _("fallback"), default=False, help_text=_("Given in place of a prize that is out of stock.")
    )

    class Meta:
        verbose_name = _("prize")
        verbose_name_plural = _("prizes")
        ordering = ["version", "position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="prize_place_once"),
            models.UniqueConstraint(
                fields=["version"], condition=Q(is_fallback=True), name="prize_one_fallback_a_version"
            ),
            models.CheckConstraint(
                condition=Q(stock__isnull=True, remaining__isnull=True)
                | Q(stock__isnull=False, remaining__gte=0, remaining__lte=F("stock")),
                name="prize_remaining_within_stock",
            ),
            models.CheckConstraint(
                condition=Q(kind="points", points__gt=0, price=0) | (~Q(kind="points") & Q(points=0, price__gt=0)),
                name="prize_is_points_or_has_a_price",
            ),
            models.CheckConstraint(
                condition=Q(reward__isnull=True) | Q(kind="coupon"), name="prize_reward_is_handed_out_at_once"
            ),
        ]

    def __str__(self):
        return self.name

    def save(self, *args, **kwargs):
        """As long as the version is a draft everything is still there."""
        if self.version.is_draft:
            self.remaining = self.stock
        super().save(*args, **kwargs)
