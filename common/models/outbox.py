import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .base import InsertOnlyModel


class Fact(models.Model):
    """Something that happened, published in the transaction that made it so (transactional outbox).

    The dispatcher turns a fact into one Delivery per subscriber and sets dispatched_at.
    """

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    topic = models.CharField(_("topic"), max_length=100, help_text=_("For example points.earned."))
    key = models.CharField(_("key"), max_length=100, help_text=_("Whom it is about: the member's external id."))
    payload = models.JSONField(_("payload"))
    at = models.DateTimeField(_("at"))
    dispatched_at = models.DateTimeField(_("dispatched at"), null=True, blank=True)

    class Meta:
        verbose_name = _("fact")
        verbose_name_plural = _("facts")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["id"], name="fact_waiting", condition=Q(dispatched_at__isnull=True)),
            models.Index(fields=["key", "-id"], name="fact_key"),
        ]

    def __str__(self):
        return f"{self.topic} {self.key}"


class WebhookEndpoint(models.Model):
    """An outside address that is told of facts, signed after the Standard Webhooks specification."""

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    name = models.CharField(_("name"), max_length=100)
    url = models.URLField(_("address"), max_length=500)
    secret = models.CharField(_("signing secret"), max_length=100, help_text=_("Begins with whsec_."))
    topics = models.JSONField(
        _("topics"),
        default=list,
        blank=True,
        help_text=_("The facts it is told of; empty means all of them."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        ordering = ["name"]

    def __str__(self):
        return self.name


class Delivery(models.Model):
    """One fact on its way to one subscriber: a handler of ours (by name) or a webhook endpoint."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        DONE = "done", _("Done")
        DEAD = "dead", _("Dead letter")

    fact = models.ForeignKey(Fact, models.PROTECT, related_name="deliveries", verbose_name=_("fact"))
    subscriber = models.CharField(_("subscriber"), max_length=120)
    endpoint = models.ForeignKey(WebhookEndpoint, models.PROTECT, null=True, blank=True, verbose_name=_("endpoint"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt at"))
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)
    last_error = models.TextField(_("last error"), blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["fact", "subscriber"], name="delivery_once_per_subscriber")]
        indexes = [
            models.Index(fields=["next_attempt_at", "id"], name="delivery_due", condition=Q(status="pending")),
        ]

    def __str__(self):
        return f"{self.fact} → {self.subscriber}"


class DeliveryAttempt(InsertOnlyModel):
    """One try to hand a delivery over, kept with what came back."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="tries", verbose_name=_("delivery"))
    at = models.DateTimeField(_("at"))
    status_code = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)
    duration_ms = models.PositiveIntegerField(_("duration (ms)"), default=0)

    class Meta:
        verbose_name = _("delivery attempt")
        verbose_name_plural = _("delivery attempts")
        ordering = ["-id"]

    def __str__(self):
        return f"{self.delivery_id} {self.at}"
