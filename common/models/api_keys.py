from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ApiKey(models.Model):
    """A secret that a shop's back end signs in with: `Authorization: Key <prefix>.<secret>`.

    Only the SHA-256 of the secret is kept; the secret is shown once, when it is made.
    """

    class Scope(models.TextChoices):
        EVENTS_WRITE = "events:write", _("Send events")
        MEMBERS_READ = "members:read", _("Read members, balances and statements")
        MEMBERS_WRITE = "members:write", _("Create and change members")
        PRIVACY = "privacy", _("Export members' data, and close their accounts")
        POINTS_WRITE = "points:write", _("Quote, hold, capture, release, adjust")
        CHANNEL_SELL = "channel:sell", _("Sell as one channel, and see its own sales")

    BOUND = frozenset({Scope.CHANNEL_SELL})
    """Scopes of keys that act for somebody else; such keys are issued where that somebody is kept."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    prefix = models.CharField(_("prefix"), max_length=12, unique=True, editable=False)
    secret_hash = models.CharField(_("hash of the secret"), max_length=64, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    created_at = models.DateTimeField(_("created at"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("created by"),
    )
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["name"]

    def __str__(self):
        return self.name
