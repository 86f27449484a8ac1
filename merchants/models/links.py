import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .cards import Card
from .clubs import Club


class BrandMember(models.Model):
    """A member of the brand outside the platform, as the merchant's file says; waits for the member who bears the card.

    It is matched by the brand's card or by the digest of a phone, only to members who consented to the link (PIPL 23,
    domain.md S1-27). The phone itself is never kept. The brand's points are taken over once.
    """

    class Source(models.TextChoices):
        MINI_PROGRAM = "mini_program", _("Mini-program")
        OFFLINE = "offline", _("Shop in town")
        STORE = "store", _("Store")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        LINKED = "linked", _("Linked")
        CONFLICT = "conflict", _("Conflict")
        REFUSED = "refused", _("Refused")

    class Reason(models.TextChoices):
        SEVERAL = "phone_of_several", _("Several members have this phone")
        OTHER_CARD = "other_card", _("The member is linked with another card of the brand")
        OTHER_MEMBER = "card_of_another", _("Card and phone point to different members")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    club = models.ForeignKey(
        Club, models.PROTECT, related_name="brand_members", db_index=False, verbose_name=_("membership")
    )
    source = models.CharField(_("comes from"), max_length=12, choices=Source, default=Source.OFFLINE)
    external_card = models.CharField(_("card of the brand"), max_length=60)
    phone_digest = models.CharField(_("digest of the phone"), max_length=64, blank=True, editable=False)
    level_name = models.CharField(_("level at the brand"), max_length=40, blank=True)
    points = models.PositiveBigIntegerField(_("points at the brand"), default=0, help_text=_("Taken over once."))
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.WAITING)
    reason = models.CharField(_("reason"), max_length=16, choices=Reason, blank=True)
    card = models.OneToOneField(
        Card, models.PROTECT, null=True, blank=True, related_name="brand_member", verbose_name=_("card")
    )
    imported_at = models.DateTimeField(_("imported at"))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )

    class Meta:
        verbose_name = _("member of the brand")
        verbose_name_plural = _("members of the brand")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["club", "external_card"], name="brand_member_card_once"),
            models.CheckConstraint(
                condition=Q(status="linked", card__isnull=False) | (~Q(status="linked") & Q(card__isnull=True)),
                name="brand_member_linked_has_card",
            ),
            models.CheckConstraint(
                condition=(Q(status="conflict") & ~Q(reason="")) | ~Q(status="conflict"),
                name="brand_member_conflict_has_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["phone_digest"], name="brand_member_phone", condition=Q(status__in=["waiting", "conflict"])
            )
        ]

    def __str__(self):
        return self.external_card
