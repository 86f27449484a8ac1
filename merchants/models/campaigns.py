import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loyalty.models import Account, Lot

from .audiences import Reach
from .cards import Card


class MerchantCampaign(Reach):
    """Points of the programme that a merchant gives to members of its club, from its own purse (domain.md S1-31, S1-44, F16).

    The whole budget leaves the purse for the campaign's pockets when it starts, so what it promises is there. Giving
    takes from the pockets; what is left goes back when it is over. No counter stands here: orders would queue for it.
    """

    class Mode(models.TextChoices):
        DAILY = "daily", _("Daily operations")
        PROMOTION = "promotion", _("Promotion")

    class Trigger(models.TextChoices):
        NOW = "now", _("Once, at the start")
        JOIN = "join", _("Who opens a card")
        ORDER = "order", _("For each order")
        BIRTHDAY = "birthday", _("At the birthday")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        RUNNING = "running", _("Running")
        STOPPED = "stopped", _("Stopped")
        ENDED = "ended", _("Ended")
        EMPTY = "empty", _("Used up")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    name = models.CharField(_("name"), max_length=60, help_text=_("Members read it in their statement."))
    mode = models.CharField(
        _("kind"),
        max_length=9,
        choices=Mode,
        default=Mode.DAILY,
        help_text=_("Daily operations keep a store going; a promotion makes the most of an event."),
    )
    trigger = models.CharField(_("gives"), max_length=8, choices=Trigger, default=Trigger.NOW)
    points = models.PositiveBigIntegerField(_("points"), validators=[MinValueValidator(1)])
    money_unit = models.PositiveBigIntegerField(
        _("for each (minor units of cash)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Only for orders: 1000 = the points for each 10.00, rounded down. Empty = once an order."),
    )
    least_cash = models.PositiveBigIntegerField(
        _("least cash of an order"),
        default=0,
        help_text=_("Only for orders, in minor units: what is kept after refunds at the membership's stores."),
    )
    cap = models.PositiveBigIntegerField(
        _("at most for a member"), null=True, blank=True, validators=[MinValueValidator(1)], help_text=_("Points.")
    )
    budget = models.PositiveBigIntegerField(_("budget"), validators=[MinValueValidator(1)], help_text=_("Points."))
    days = models.PositiveIntegerField(
        _("points expire after days"), default=180, validators=[MinValueValidator(1), MaxValueValidator(3660)]
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    status = models.CharField(_("status"), max_length=7, choices=Status, default=Status.DRAFT, editable=False)
    pockets = models.ManyToManyField(Account, related_name="+", editable=False, verbose_name=_("pockets"))
    started_at = models.DateTimeField(_("started at"), null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(_("over since"), null=True, blank=True, editable=False)
    released = models.PositiveBigIntegerField(
        _("went back to the purse"), null=True, blank=True, editable=False, help_text=_("What was left at the end.")
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("created by"),
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("started by"),
    )

    class Meta:
        verbose_name = _("merchant's campaign")
        verbose_name_plural = _("merchants' campaigns")
        ordering = ["-id"]
        constraints = [
            *Reach.Meta.constraints,
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="merchant_campaign_ends_after_start"),
            models.CheckConstraint(
                condition=Q(points__gt=0, budget__gt=0, days__gt=0), name="merchant_campaign_gives_something"
            ),
            models.CheckConstraint(
                condition=Q(trigger="order") | Q(money_unit=None, least_cash=0), name="merchant_campaign_cash_of_orders"
            ),
            models.CheckConstraint(
                condition=(Q(money_unit=None) | Q(money_unit__gt=0)) & (Q(cap=None) | Q(cap__gt=0)),
                name="merchant_campaign_limits_positive",
            ),
            models.CheckConstraint(
                condition=Q(status="draft", started_at=None)
                | Q(status="running", started_at__isnull=False, closed_at=None)
                | Q(
                    status__in=["stopped", "ended", "empty"],
                    started_at__isnull=False,
                    closed_at__isnull=False,
                    released__isnull=False,
                ),
                name="merchant_campaign_states",
            ),
        ]
        indexes = [
            models.Index(fields=["club", "trigger"], name="merchant_campaign_running", condition=Q(status="running"))
        ]

    def __str__(self):
        return self.name


class CampaignGrant(models.Model):
    """What a campaign gave to a card for one occasion, or why it gave nothing; each occasion once, for ever.

    Occasions: `send`, `join`, `order:<code>`, `birthday:<year>`. `returned` is what refunds took back of `points`.
    """

    class Refusal(models.TextChoices):
        BUDGET = "budget", _("Not enough left of the budget")
        CAP = "cap", _("The member has had the most already")
        LEFT = "left", _("The member has left")

    campaign = models.ForeignKey(
        MerchantCampaign, models.PROTECT, related_name="grants", db_index=False, verbose_name=_("campaign")
    )
    card = models.ForeignKey(Card, models.PROTECT, related_name="grants", verbose_name=_("card"))
    occasion = models.CharField(_("occasion"), max_length=120)
    points = models.PositiveBigIntegerField(_("points"), default=0)
    returned = models.PositiveBigIntegerField(_("taken back"), default=0)
    refusal = models.CharField(_("refused because"), max_length=6, choices=Refusal, blank=True)
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("lot"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("gift of a campaign")
        verbose_name_plural = _("gifts of campaigns")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "card", "occasion"], name="campaign_grant_once"),
            models.CheckConstraint(
                condition=Q(points__gt=0, refusal="") | Q(points=0) & ~Q(refusal=""), name="campaign_grant_or_refusal"
            ),
            models.CheckConstraint(condition=Q(returned__lte=F("points")), name="campaign_grant_returns_within"),
        ]
        indexes = [models.Index(fields=["occasion"], name="campaign_grant_occasion")]

    def __str__(self):
        return f"{self.campaign}: {self.occasion}"
