from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .games import GameVersion


class SeedPeriod(models.Model):
    """A secret that decides the draws of a game's version for a time. Its hash is published before, it itself afterwards.

    `commitment` is the SHA-256 of the text `server_seed`. A play names the commitment it has seen, and so the very odds
    and the very seed. A version has at most one open period.
    """

    version = models.ForeignKey(GameVersion, models.PROTECT, related_name="seed_periods", verbose_name=_("version"))
    server_seed = models.CharField(_("server seed"), max_length=64, unique=True)
    commitment = models.CharField(_("commitment"), max_length=64, unique=True)
    opened_at = models.DateTimeField(_("opened at"))
    closed_at = models.DateTimeField(_("closed and revealed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("seed period")
        verbose_name_plural = _("seed periods")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=Q(closed_at__isnull=True), name="seed_one_open_period_a_version"
            ),
        ]

    def __str__(self):
        return f"{self.version}: {self.commitment[:12]}…"

    @property
    def revealed_seed(self) -> str | None:
        """The seed, once it decides nothing any more."""
        return self.server_seed if self.closed_at else None
