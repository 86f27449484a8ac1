from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models import Member


class Segment(models.Model):
    """A named group of members, listed by hand or by import; rules and campaigns can ask for it."""

    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=100)
    members = models.ManyToManyField(Member, blank=True, related_name="segments", verbose_name=_("members"))

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["code"]

    def __str__(self):
        return self.name
