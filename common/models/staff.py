from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class Staff(AbstractUser):
    """A person who signs in to one of the two admin sites. Members of the programme never have an account here."""

    class Site(models.TextChoices):
        OPERATORS = "operators", _("Operators (/admin/)")
        MERCHANTS = "merchants", _("Merchants (/merchant/)")

    site = models.CharField(
        _("site"),
        max_length=10,
        choices=Site,
        default=Site.OPERATORS,
        help_text=_("The only admin site this person may enter."),
    )

    class Meta:
        verbose_name = _("staff member")
        verbose_name_plural = _("staff")
