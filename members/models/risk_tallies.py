from django.db import models
from django.utils.translation import gettext_lazy as _

from .risk_words import Action, Counter


class RiskTally(models.Model):
    """How often something was done by a member, a device …: the instants of what was let through, the oldest first.

    The row is the lock of its count: two requests at once cannot both be the last that fits. All rules about one action
    and counter share it; the longest window, and at most risk_rules.MOST instants, are kept.
    """

    action = models.CharField(_("of"), max_length=16, choices=Action)
    counter = models.CharField(_("counted per"), max_length=8, choices=Counter)
    subject = models.CharField(_("subject"), max_length=210, help_text=_("A member's external id, or a digest."))
    times = models.JSONField(_("instants (milliseconds)"), default=list)
    last_at = models.DateTimeField(_("last at"))

    class Meta:
        verbose_name = _("counter of a risk rule")
        verbose_name_plural = _("counters of risk rules")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["action", "counter", "subject"], name="risk_tally_once")]
        indexes = [models.Index(fields=["last_at"], name="risk_tally_stale")]

    def __str__(self):
        return f"{self.action} {self.counter} {self.subject}"
