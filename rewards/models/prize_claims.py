from django.db import models
from django.utils.translation import gettext_lazy as _

from .games import Prize
from .plays import Play
from .redemptions import Redemption


class PrizeClaim(models.Model):
    """A gift or coupon that a play has won, and how far it has come to the winner.

    A prize that is a reward of the catalogue is handed out at once, as a redemption. If there was none left the claim
    stays open, and each night tries again.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("To be sent")
        SENT = "sent", _("Sent")
        DELIVERED = "delivered", _("Delivered")

    play = models.OneToOneField(Play, models.PROTECT, related_name="claim", verbose_name=_("play"))
    prize = models.ForeignKey(Prize, models.PROTECT, related_name="claims", verbose_name=_("prize"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    redemption = models.OneToOneField(
        Redemption, models.PROTECT, null=True, blank=True, related_name="prize_claim", verbose_name=_("redemption")
    )
    note = models.CharField(
        _("what was sent"), max_length=200, blank=True, help_text=_("Carrier and number, or the coupon's code.")
    )
    won_at = models.DateTimeField(_("won at"))
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)

    class Meta:
        verbose_name = _("prize to deliver")
        verbose_name_plural = _("prizes to deliver")
        ordering = ["-id"]
        indexes = [models.Index(fields=["status", "won_at"], name="prize_claim_waiting")]

    def __str__(self):
        return f"{self.prize} → {self.play.member}"
