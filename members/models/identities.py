from django.db import models
from django.utils.translation import gettext_lazy as _

from .members import Member


class Identity(models.Model):
    """Something by which another system knows the member, kept only as a keyed digest (HMAC-SHA256): it can be matched, not read.

    Two members may share one (a family's phone), so it is no key: who matches by it has to cope with several.
    """

    class Kind(models.TextChoices):
        PHONE = "phone", _("Phone number")
        REAL_NAME = "real_name", _("Real-name id")

    member = models.ForeignKey(Member, models.PROTECT, related_name="identities", verbose_name=_("member"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    digest = models.CharField(_("digest"), max_length=64)
    said_at = models.DateTimeField(_("said at"))

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [models.UniqueConstraint(fields=["member", "kind"], name="identity_kind_once")]
        indexes = [models.Index(fields=["kind", "digest"], name="identity_digest")]

    def __str__(self):
        return f"{self.member}: {self.get_kind_display()}"
