from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class CustomEventType(models.Model):
    """An event type that operators define: its data is checked against the JSON Schema; earning rules can use it."""

    name = models.CharField(
        _("type"),
        max_length=100,
        unique=True,
        validators=[RegexValidator(r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", _("Write it like app.quiz_finished."))],
        help_text=_("For example app.quiz_finished."),
    )
    description = models.CharField(_("description"), max_length=300, blank=True)
    schema = models.JSONField(_("JSON Schema of the data"), default=dict)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("event type")
        verbose_name_plural = _("event types")
        ordering = ["name"]

    def __str__(self):
        return self.name
