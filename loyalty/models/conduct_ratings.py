from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.models import Member
from members.models.risk_words import Conduct as Band


class ConductRatingQuerySet(models.QuerySet):
    def of_band(self, bands, at):
        """Those who stand in one of the bands at an instant: by hand as long as that holds, else as rated."""
        by_hand = Q(hand_until__gt=at)
        return self.filter(by_hand & Q(hand_band__in=bands) | ~by_hand & Q(band__in=bands))


class ConductRating(models.Model):
    """How a member has behaved, in a word, with the reasons (domain.md S2-20): for choosing members and for after-sales.

    Inside the house only: no API and no page of the member's shows it. Whoever has no row is ordinary. A person may set
    another word for a time, because the member contested it (PIPL 24); the nightly rating goes on beneath.
    """

    class Reason(models.TextChoices):
        KEEPS = "keeps", _("keeps nearly everything that was bought")
        RETURNS = "returns", _("sends much back without cause")
        CHARGEBACK = "chargeback", _("had a payment taken back by the bank")
        REFUSALS = "refusals", _("met risk rules several times")
        DELIVERIES = "deliveries", _("refused several deliveries")
        DENIED = "denied", _("is on the deny-list")

    member = models.OneToOneField(
        Member, models.PROTECT, primary_key=True, related_name="conduct_rating", verbose_name=_("member")
    )
    band = models.CharField(_("rated"), max_length=8, choices=Band)
    reasons = models.JSONField(_("because"), default=list)
    rated_at = models.DateTimeField(_("rated at"))
    hand_band = models.CharField(_("by hand"), max_length=8, choices=Band, blank=True)
    hand_until = models.DateTimeField(_("by hand until"), null=True, blank=True)
    hand_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("set by")
    )
    note = models.CharField(_("why so"), max_length=500, blank=True)

    objects = ConductRatingQuerySet.as_manager()

    class Meta:
        verbose_name = _("conduct rating")
        verbose_name_plural = _("conduct ratings")
        ordering = ["-rated_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(hand_band="", hand_until=None, hand_by=None)
                | ~Q(hand_band="") & Q(hand_until__isnull=False, hand_by__isnull=False),
                name="conduct_rating_hand_is_whole",
            )
        ]
        indexes = [models.Index(fields=["band"], name="conduct_rating_band")]

    def __str__(self):
        return f"{self.member}"

    def stands(self, at) -> str:
        """The band that counts at an instant."""
        return self.hand_band if self.hand_until is not None and at < self.hand_until else self.band
