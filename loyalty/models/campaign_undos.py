import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel

from .campaigns import Campaign
from .gift_campaigns import GiftCampaign
from .lots import Lot


class CampaignUndo(models.Model):
    """The undoing of everything a campaign has granted: proposed by one person, approved by another, then carried out.

    Approving ends the campaign for good. What was granted is taken back lot by lot as the policy says; the ledger keeps
    both. A campaign is undone at most once.
    """

    class Policy(models.TextChoices):
        UNSPENT = "unspent", _("Take back what is left; members keep what they have spent")
        DEBT = "debt", _("Take back what was spent as well: from other points, else as debt")
        MARK = "mark", _("Take nothing back; only end the campaign")

    class Status(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        APPROVED = "approved", _("Being carried out")
        DONE = "done", _("Done")

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    gift_campaign = models.ForeignKey(
        GiftCampaign, models.PROTECT, null=True, related_name="undos", verbose_name=_("gift campaign")
    )
    campaign = models.ForeignKey(Campaign, models.PROTECT, null=True, related_name="undos", verbose_name=_("campaign"))
    policy = models.CharField(_("what is taken back"), max_length=7, choices=Policy)
    reason = models.CharField(_("reason"), max_length=500)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.PROPOSED)
    proposed_at = models.DateTimeField(_("proposed at"))
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("proposed by")
    )
    approved_at = models.DateTimeField(_("approved at"), null=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("approved by")
    )
    done_at = models.DateTimeField(_("done at"), null=True)

    class Meta:
        verbose_name = _("undoing of a campaign")
        verbose_name_plural = _("undoings of campaigns")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(gift_campaign=None, campaign__isnull=False) | Q(gift_campaign__isnull=False, campaign=None),
                name="campaign_undo_of_one",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="campaign_undo_has_reason"),
            models.UniqueConstraint(
                fields=["gift_campaign"], name="gift_campaign_undone_once", condition=~Q(status="withdrawn")
            ),
            models.UniqueConstraint(fields=["campaign"], name="campaign_undone_once", condition=~Q(status="withdrawn")),
            models.CheckConstraint(
                condition=Q(status__in=["proposed", "withdrawn"], approved_at=None, done_at=None)
                | Q(status="approved", approved_at__isnull=False, done_at=None)
                | Q(status="done", approved_at__isnull=False, done_at__isnull=False),
                name="campaign_undo_states",
            ),
            models.CheckConstraint(
                condition=Q(approved_at=None)
                | Q(approved_by__isnull=False, proposed_by__isnull=False) & ~Q(approved_by=F("proposed_by")),
                name="campaign_undo_second_person",
            ),
        ]

    def __str__(self):
        return str(self.target)

    @property
    def target(self) -> GiftCampaign | Campaign:
        """What is undone."""
        found = self.gift_campaign or self.campaign
        assert found is not None
        return found


class UndoneLot(InsertOnlyModel):
    """What was done about one grant of an undone campaign; each grant once, for ever.

    `taken` came from the lot itself or what it became in a merge, `others` from other points of the member, `debt` was
    booked; `kept` is what the member had spent and keeps.
    """

    undo = models.ForeignKey(CampaignUndo, models.PROTECT, related_name="lots", verbose_name=_("undoing"))
    lot = models.OneToOneField(Lot, models.PROTECT, related_name="undone", verbose_name=_("lot"))
    taken = models.BigIntegerField(_("taken back"), default=0)
    others = models.BigIntegerField(_("taken from other points"), default=0)
    debt = models.BigIntegerField(_("debt"), default=0)
    kept = models.BigIntegerField(_("spent and kept"), default=0)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("undone grant")
        verbose_name_plural = _("undone grants")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(taken__gte=0, others__gte=0, debt__gte=0, kept__gte=0), name="undone_lot_not_negative"
            )
        ]

    def __str__(self):
        return f"{self.undo}: {self.lot_id}"
