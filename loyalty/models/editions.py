from django.conf import settings
from django.db import models
from django.db.models import F, Max, Q
from django.utils.translation import gettext_lazy as _

from common.models.stands_fast import StandsFast


class EditionQuerySet(models.QuerySet):
    def in_force(self, at):
        """Published editions that had begun by `at`; the first one counts."""
        return self.filter(status=Edition.Status.PUBLISHED, effective_at__lte=at).order_by("-effective_at", "-number")


class Edition(models.Model):
    """A policy as a whole, in numbered editions. A draft is edited; once published it never changes.

    The newest published edition that has begun is in force. Who publishes is somebody other than the author.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")

    number = models.PositiveIntegerField(_("edition"), unique=True, editable=False)
    note = models.CharField(_("what is new"), max_length=200, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT, editable=False)
    effective_at = models.DateTimeField(_("in force from"), null=True, blank=True, editable=False)
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("drafted by"),
    )
    drafted_at = models.DateTimeField(_("drafted at"), editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("published by"),
    )
    published_at = models.DateTimeField(_("published at"), null=True, blank=True, editable=False)

    objects = EditionQuerySet.as_manager()

    # Names of the reverse relations whose rows are part of an edition.
    PARTS: tuple[str, ...] = ()

    class Meta:
        abstract = True
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="draft") | Q(effective_at__isnull=False, published_at__isnull=False),
                name="%(class)s_published_has_a_date",
            ),
            models.CheckConstraint(
                condition=Q(published_by__isnull=True) | ~Q(published_by=F("drafted_by")),
                name="%(class)s_second_person",
            ),
            StandsFast(name="%(class)s_stands_fast"),
        ]

    def __str__(self):
        return f"{self._meta.verbose_name} {self.number}"

    def save(self, *args, **kwargs):
        if not self.number:
            self.number = (type(self)._default_manager.aggregate(n=Max("number"))["n"] or 0) + 1
        super().save(*args, **kwargs)

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT

    def faults(self) -> list[str]:
        """Why this edition cannot be put in force; empty if it can."""
        return []
