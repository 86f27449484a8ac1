from django.db import models
from django.utils.translation import gettext_lazy as _


class IdempotencyRecord(models.Model):
    """The first answer to a POST that carried an Idempotency-Key, written in the transaction that did the work."""

    principal = models.CharField(_("caller"), max_length=150)
    key = models.CharField(_("key"), max_length=200)
    subject = models.CharField(_("about whom"), max_length=100, blank=True, db_index=True)
    request_hash = models.CharField(_("request hash"), max_length=64, help_text=_("Method, path and body."))
    status_code = models.PositiveSmallIntegerField(_("HTTP status"), default=0)
    body = models.JSONField(_("answer"), default=dict)
    at = models.DateTimeField(_("at"), db_index=True)

    class Meta:
        verbose_name = _("idempotency record")
        verbose_name_plural = _("idempotency records")
        constraints = [models.UniqueConstraint(fields=["principal", "key"], name="idempotency_key_once")]

    def __str__(self):
        return self.key
