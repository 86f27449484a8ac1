import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Member(models.Model):
    """A person or business in the programme. Only `external_id`, the shop's name for it, leaves the house."""

    class Kind(models.TextChoices):
        PERSON = "person", _("Person")
        BUSINESS = "business", _("Business")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        CLOSED = "closed", _("Closed")
        MERGED = "merged", _("Merged into another member")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    external_id = models.CharField(
        _("external id"), max_length=100, unique=True, help_text=_("The shop's customer number.")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.PERSON)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)
    name = models.CharField(_("name"), max_length=200, blank=True)
    birthday = models.DateField(_("birthday"), null=True, blank=True)
    phone_verified = models.BooleanField(_("phone verified"), default=False)
    real_name_verified = models.BooleanField(_("real name verified"), default=False)
    attributes = models.JSONField(
        _("custom attributes"),
        default=dict,
        blank=True,
        help_text=_("Further facts about the member that rules can use."),
    )
    said_at = models.JSONField(
        default=dict,
        editable=False,
        help_text=_("When each field of the profile was last said: the newest word counts."),
    )
    registered_at = models.DateTimeField(_("registered at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    erased_at = models.DateTimeField(
        _("personal data erased at"),
        null=True,
        blank=True,
        help_text=_("The books stay; nothing in them says who it was."),
    )
    has_returned = models.BooleanField(
        _("came back"),
        default=False,
        help_text=_("Somebody with the same real-name id had left before: no welcome gifts (domain.md E59)."),
    )
    merged_into = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="merged_from",
        verbose_name=_("merged into"),
    )

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="merged", merged_into__isnull=False)
                | (~Q(status="merged") & Q(merged_into__isnull=True)),
                name="member_merged_names_target",
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")),
                name="member_not_merged_into_itself",
            ),
        ]

    def __str__(self):
        return f"{self.name} ({self.external_id})" if self.name else self.external_id
