import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from members.models import Member

from .clubs import Club
from .merchants import Merchant


class CategoryBuyer(models.Model):
    """An active member bought in a category in the twelve months before `month`; written by the monthly job only.

    `days` are order days, `cash` is net, in minor units.
    """

    member = models.ForeignKey(
        Member, models.PROTECT, related_name="category_buys", db_index=False, verbose_name=_("member")
    )
    category = models.CharField(_("category"), max_length=100)
    month = models.DateField(_("counted up to"))
    days = models.PositiveIntegerField(_("order days"))
    cash = models.BigIntegerField(_("spent"))

    class Meta:
        verbose_name = _("buyer of a category")
        verbose_name_plural = _("buyers by category")
        constraints = [models.UniqueConstraint(fields=["member", "category"], name="category_buyer_once")]
        indexes = [models.Index(fields=["category", "days"], name="category_buyer_category")]

    def __str__(self):
        return f"{self.member_id}: {self.category}"


class ProspectCount(InsertOnlyModel):
    """How many members buy in a category and hold no card of the merchant, as counted for a month (domain.md S1-29, S1-33).

    Counted once a month and rounded down to a multiple of the smallest group, so that no two answers differ by a few.
    """

    merchant = models.ForeignKey(
        Merchant, models.PROTECT, related_name="prospect_counts", db_index=False, verbose_name=_("merchant")
    )
    category = models.CharField(_("category"), max_length=100)
    month = models.DateField(_("counted for"))
    least = models.PositiveSmallIntegerField(_("smallest group"))
    members = models.JSONField(_("members by band"))
    at = models.DateTimeField(_("counted at"))

    class Meta:
        verbose_name = _("prospects of a category")
        verbose_name_plural = _("prospects by category")
        ordering = ["-month", "category"]
        constraints = [models.UniqueConstraint(fields=["merchant", "category", "month"], name="prospect_count_once")]

    def __str__(self):
        return f"{self.merchant}: {self.category}"


class ProspectOffer(models.Model):
    """What a merchant has told to prospects of a category: the platform shows it, the merchant never learns to whom.

    Shown to members who agreed to recommendations by what they bought, in [starts_at, ends_at). Who opens the card gets
    the card's opening gift and what the merchant's campaign on joining gives from the purse.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        RUNNING = "running", _("Running")
        STOPPED = "stopped", _("Stopped")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="prospect_offers", verbose_name=_("merchant"))
    club = models.ForeignKey(Club, models.PROTECT, related_name="prospect_offers", verbose_name=_("membership"))
    category = models.CharField(_("category"), max_length=100)
    title = models.CharField(_("title"), max_length=60)
    message = models.CharField(_("message"), max_length=300)
    status = models.CharField(_("status"), max_length=7, choices=Status, default=Status.DRAFT, editable=False)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))

    class Meta:
        verbose_name = _("offer to prospects")
        verbose_name_plural = _("offers to prospects")
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="prospect_offer_ends_after_start",
                violation_error_message=_("The end lies after the start."),
            )
        ]
        indexes = [models.Index(fields=["category"], name="prospect_offer_running", condition=Q(status="running"))]

    def __str__(self):
        return self.title


class OfferShown(InsertOnlyModel):
    """An offer was shown to a member; the merchant sees counts only."""

    offer = models.ForeignKey(ProspectOffer, models.PROTECT, related_name="shown", verbose_name=_("offer"))
    member = models.ForeignKey(
        Member, models.PROTECT, related_name="offers_shown", db_index=False, verbose_name=_("member")
    )
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("offer shown")
        verbose_name_plural = _("offers shown")
        constraints = [models.UniqueConstraint(fields=["member", "offer"], name="offer_shown_once")]

    def __str__(self):
        return f"{self.offer_id}: {self.member_id}"
