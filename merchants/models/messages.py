import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .audiences import Reach


class Message(Reach):
    """A merchant's words to members of its club who agreed to be contacted by it (domain.md S1-30).

    The shop's own messaging carries them: each is published as `merchant.message`. How many it reached is kept, not whom,
    so nobody can be found out by not being there.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    title = models.CharField(_("title"), max_length=60)
    text = models.CharField(_("text"), max_length=500)
    status = models.CharField(_("status"), max_length=7, choices=Status, default=Status.DRAFT, editable=False)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True, editable=False)
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("sent by"),
    )
    reached = models.PositiveBigIntegerField(_("members reached"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("message to members")
        verbose_name_plural = _("messages to members")
        ordering = ["-id"]
        constraints = [
            *Reach.Meta.constraints,
            models.CheckConstraint(
                condition=Q(status="draft", sent_at=None) | ~Q(status="draft") & Q(sent_at__isnull=False),
                name="message_sent_has_time",
            ),
            models.CheckConstraint(
                condition=Q(status="sent", reached__isnull=False) | ~Q(status="sent") & Q(reached=None),
                name="message_sent_counts",
            ),
        ]

    def __str__(self):
        return self.title
