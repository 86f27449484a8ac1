import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from loyalty.models import Account
from members.models import Member

from .games import Game, GameVersion, Prize
from .seeds import SeedPeriod


class Play(InsertOnlyModel):
    """One stake and its one chance; inserted once, never changed.

    Of a lottery it is the ticket, and what it won stands in its Outcome. Else `number` was drawn out of the version's
    total: it fell on `drawn`, and `prize` was given, which is another one only if `drawn` was out of stock. None = nothing.
    """

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    member = models.ForeignKey(Member, models.PROTECT, related_name="plays", db_index=False, verbose_name=_("member"))
    game = models.ForeignKey(Game, models.PROTECT, related_name="plays", db_index=False, verbose_name=_("game"))
    version = models.ForeignKey(GameVersion, models.PROTECT, related_name="plays", verbose_name=_("version"))
    key = models.CharField(_("idempotency key"), max_length=200)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False, verbose_name=_("account"))
    stake = models.PositiveIntegerField(_("stake (points)"))
    stake_seq = models.BigIntegerField(_("entry of the stake"))
    period = models.ForeignKey(SeedPeriod, models.PROTECT, related_name="plays", verbose_name=_("seed period"))
    client_seed = models.CharField(_("client seed"), max_length=64)
    nonce = models.PositiveIntegerField(
        _("nonce"), help_text=_("Counts plays of the seed period from 1: the member's, and those with her client seed.")
    )
    ticket = models.PositiveIntegerField(_("ticket"), null=True, blank=True)
    number = models.PositiveIntegerField(_("number drawn"), null=True, blank=True)
    drawn = models.ForeignKey(
        Prize, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, verbose_name=_("fell on")
    )
    prize = models.ForeignKey(
        Prize, models.PROTECT, null=True, blank=True, related_name="plays", verbose_name=_("prize")
    )
    value = models.PositiveBigIntegerField(_("value"), default=0, help_text=_("Of the prize, in minor units."))
    at = models.DateTimeField(_("at"))
    played_on = models.DateField(_("played on"), help_text=_("Local day of the programme."))

    class Meta:
        verbose_name = _("play")
        verbose_name_plural = _("plays")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["member", "key"], name="play_key_once"),
            models.UniqueConstraint(fields=["period", "member", "nonce"], name="play_nonce_once"),
            models.UniqueConstraint(
                fields=["period", "client_seed", "nonce"], condition=Q(ticket__isnull=True), name="play_draw_once"
            ),
            models.UniqueConstraint(
                fields=["version", "ticket"], condition=Q(ticket__isnull=False), name="play_ticket_once"
            ),
            models.CheckConstraint(
                condition=Q(ticket__isnull=True, number__isnull=False) | Q(ticket__isnull=False, number__isnull=True),
                name="play_is_a_ticket_or_has_a_number",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "game", "played_on"], name="play_of_member"),
            models.Index(fields=["game", "played_on"], name="play_by_day"),
        ]

    def __str__(self):
        return f"{self.member}: {self.version}"


class GameDay(models.Model):
    """What a game with a budget has given on a local day: a play reserves the top prize, then keeps what it won."""

    version = models.ForeignKey(
        GameVersion, models.PROTECT, related_name="days", db_index=False, verbose_name=_("version")
    )
    day = models.DateField(_("day"))
    value = models.PositiveBigIntegerField(_("value given"), default=0)

    class Meta:
        verbose_name = _("day of a game")
        verbose_name_plural = _("days of games")
        constraints = [models.UniqueConstraint(fields=["version", "day"], name="game_day_once")]

    def __str__(self):
        return f"{self.version} {self.day}"
