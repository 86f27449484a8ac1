from django.db import models
from django.utils.translation import gettext_lazy as _


class Tier(models.Model):
    """A level of standing; rules can ask for it. What leads to it comes with growth (issue 3)."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    rank = models.PositiveSmallIntegerField(_("rank"), unique=True, help_text=_("0 is the lowest."))

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        ordering = ["rank"]

    def __str__(self):
        return self.name
