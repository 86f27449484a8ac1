from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .base import InsertOnlyModel


class Look(InsertOnlyModel):
    """A member of staff was shown personal data: who, when, on which page, about whom (PIPL 51, 55). One row a page.

    A list names nobody: it keeps what was asked (`query`) and how many rows came. Kept for settings.KEEP_LOOKS_DAYS.
    """

    class Kind(models.TextChoices):
        PAGE = "page", _("Page about one")
        LIST = "list", _("List")
        SEARCH = "search", _("Search")
        EXPORT = "export", _("List as a file")
        DATA = "data", _("Export of all data of one")

    at = models.DateTimeField(_("at"), db_index=True)
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("staff member")
    )
    staff_label = models.CharField(_("who looked"), max_length=150)
    behalf = models.CharField(
        _("for"), max_length=60, blank=True, help_text=_("A merchant's code; empty for the programme itself.")
    )
    kind = models.CharField(_("what"), max_length=8, choices=Kind)
    page = models.CharField(_("page"), max_length=100, help_text=_("For example loyalty.order."))
    subject = models.CharField(_("about whom"), max_length=100, blank=True, help_text=_("Empty for a list."))
    query = models.CharField(_("asked for"), max_length=500, blank=True)
    rows = models.PositiveIntegerField(_("rows"), default=1)

    class Meta:
        verbose_name = _("look at personal data")
        verbose_name_plural = _("looks at personal data")
        ordering = ["-id"]
        indexes = [models.Index(fields=["subject", "-id"], name="look_subject")]

    def __str__(self):
        return f"{self.staff_label}: {self.page}"
