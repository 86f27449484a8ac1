from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .games import GameVersion, Prize
from .plays import Play


class Outcome(models.Model):
    """What a lottery's draw brought a ticket: a prize at a place, or its stake back if the draw was called off.

    Tickets that won nothing have none. Points follow once: `settled_at` is set in the transaction that moves them.
    """

    version = models.ForeignKey(GameVersion, models.PROTECT, related_name="outcomes", verbose_name=_("version"))
    play = models.OneToOneField(Play, models.PROTECT, related_name="outcome", verbose_name=_("ticket"))
    place = models.PositiveIntegerField(_("place"), null=True, blank=True)
    number = models.PositiveIntegerField(_("number drawn"), null=True, blank=True)
    prize = models.ForeignKey(
        Prize, models.PROTECT, null=True, blank=True, related_name="outcomes", verbose_name=_("prize")
    )
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)

    class Meta:
        verbose_name = _("outcome of a ticket")
        verbose_name_plural = _("outcomes of tickets")
        ordering = ["version", "place", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "place"], condition=Q(place__isnull=False), name="outcome_place_once"
            ),
            models.CheckConstraint(
                condition=Q(place__isnull=True, prize__isnull=True) | Q(place__isnull=False, prize__isnull=False),
                name="outcome_is_a_prize_or_the_stake",
            ),
        ]
        indexes = [models.Index(fields=["version", "id"], name="outcome_unsettled", condition=Q(settled_at=None))]

    def __str__(self):
        return f"{self.play_id}: {self.prize_id}"
