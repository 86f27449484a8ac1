from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.models import ApiKey


class SalesChannel(models.Model):
    """A way by which plans are sold (domain.md S1-24); each is settled by itself."""

    class Kind(models.TextChoices):
        DIRECT = "direct", _("Ours: the shop's checkout")
        BANK = "bank", _("Points of a bank")
        AIRLINE = "airline", _("Points of an airline")
        CARD = "card", _("Co-branded card")
        CORPORATE = "corporate", _("Group purchase of a company")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(pgettext_lazy("channel", "kind"), max_length=10, choices=Kind, default=Kind.DIRECT)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("sales channel")
        verbose_name_plural = _("sales channels")
        ordering = ["code"]

    def __str__(self):
        return self.name

    @property
    def payee(self) -> str:
        """Who gets money back: the member, or the channel to whom she paid in points or money of its own (E55)."""
        return "member" if self.kind == self.Kind.DIRECT else "channel"


class ChannelKey(models.Model):
    """An API key that acts for one channel, and sees nothing of another."""

    key = models.OneToOneField(ApiKey, models.PROTECT, related_name="channel_key", verbose_name=_("API key"))
    channel = models.ForeignKey(SalesChannel, models.PROTECT, related_name="keys", verbose_name=_("channel"))

    class Meta:
        verbose_name = _("key of a channel")
        verbose_name_plural = _("keys of channels")
        ordering = ["-id"]

    def __str__(self):
        return f"{self.channel}: {self.key}"
