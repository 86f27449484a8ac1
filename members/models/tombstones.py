from django.db import models
from django.utils.translation import gettext_lazy as _


class Tombstone(models.Model):
    """Somebody left whose real name had been checked: all that stays is a keyed digest of the real-name id (domain.md E59).

    Nothing leads from here to the member. Who registers again with the same id is a new member, without welcome gifts.
    """

    digest = models.CharField(_("digest"), max_length=64, unique=True)
    left_at = models.DateTimeField(_("left at"))

    class Meta:
        verbose_name = _("tombstone")
        verbose_name_plural = _("tombstones")

    def __str__(self):
        return self.digest[:8]
