from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .base import InsertOnlyModel


class AuditEntry(InsertOnlyModel):
    """Who did what, to what, and why. Written by the service that did it; never changed, never deleted."""

    at = models.DateTimeField(_("at"), db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("staff member"),
    )
    actor_label = models.CharField(_("actor"), max_length=150, help_text=_("A person, an API key, a job."))
    action = models.CharField(_("action"), max_length=100, help_text=_("For example loyalty.adjustments.post."))
    object_type = models.CharField(_("kind of object"), max_length=100)
    object_key = models.CharField(_("object"), max_length=200)
    summary = models.CharField(_("summary"), max_length=500)
    reason = models.TextField(_("reason"), blank=True)
    data = models.JSONField(_("details"), default=dict)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ["-id"]
        indexes = [models.Index(fields=["object_type", "object_key"], name="audit_object")]

    def __str__(self):
        return self.summary
