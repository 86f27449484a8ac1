from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class Tier(models.Model):
    """A level of standing: its name and looks. What leads to it is said by the ladder in force."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    rank = models.PositiveSmallIntegerField(_("rank"), unique=True, help_text=_("0 is the lowest."))
    colour = models.CharField(
        _("colour"),
        max_length=7,
        default="#9ca3af",
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Give a colour like #c9a227."))],
    )
    icon = models.CharField(
        _("icon"),
        max_length=40,
        default="military_tech",
        help_text=_("A Material Symbols name, for example military_tech, diamond, star."),
    )

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        ordering = ["rank"]

    def __str__(self):
        return self.name
