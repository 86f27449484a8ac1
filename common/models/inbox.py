from django.db import models
from django.utils.translation import gettext_lazy as _

from .base import InsertOnlyModel


class InboxEvent(InsertOnlyModel):
    """One CloudEvent that was taken in, with what it did. (source, event_id) is its identity.

    The row is written in the transaction that does the work, so an event has exactly one outcome. Rejected events
    change nothing and keep no identity: they are remembered as RejectedEvent and may be sent again, corrected.
    """

    class Status(models.TextChoices):
        APPLIED = "applied", _("Applied")
        IGNORED = "ignored", _("Ignored")

    source = models.CharField(_("source"), max_length=200)
    event_id = models.CharField(_("event id"), max_length=200)
    type = models.CharField(_("type"), max_length=100)
    subject = models.CharField(_("subject"), max_length=100, blank=True)
    time = models.DateTimeField(_("time"), help_text=_("When it happened, said by the source."))
    received_at = models.DateTimeField(_("received at"))
    body_hash = models.CharField(_("body hash"), max_length=64, help_text=_("SHA-256 of the event's canonical JSON."))
    data = models.JSONField(_("data"))
    status = models.CharField(_("status"), max_length=10, choices=Status)
    reason = models.CharField(_("reason"), max_length=60, blank=True)
    effects = models.JSONField(_("effects"), default=dict)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [models.UniqueConstraint(fields=["source", "event_id"], name="inbox_event_once")]
        indexes = [models.Index(fields=["subject", "-id"], name="inbox_event_subject")]
        ordering = ["-id"]

    def __str__(self):
        return f"{self.type} {self.event_id}"


class RejectedEvent(InsertOnlyModel):
    """An event that was refused and why: nothing is skipped silently."""

    received_at = models.DateTimeField(_("received at"), db_index=True)
    source = models.CharField(_("source"), max_length=200, blank=True)
    event_id = models.CharField(_("event id"), max_length=200, blank=True)
    type = models.CharField(_("type"), max_length=100, blank=True)
    subject = models.CharField(_("subject"), max_length=100, blank=True)
    body = models.JSONField(_("body"))
    problem = models.JSONField(_("problem"))

    class Meta:
        verbose_name = _("rejected event")
        verbose_name_plural = _("rejected events")
        indexes = [models.Index(fields=["subject", "-id"], name="rejected_event_subject")]
        ordering = ["-id"]

    def __str__(self):
        return f"{self.type} {self.event_id}"
