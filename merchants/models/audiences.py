from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .cards import Card
from .clubs import Club
from .segments import CardSegment


class Audience(models.TextChoices):
    """Which cards of a membership are meant."""

    ALL = "all", _("All members")
    LEVEL = "level", _("From a level upwards")
    SEGMENT = "segment", _("A segment")
    LIST = "list", _("A list of cards")


class Reach(models.Model):
    """What reaches cards of one club: campaigns and messages. Only active cards of active members are ever reached."""

    club = models.ForeignKey(Club, models.PROTECT, related_name="%(class)ss", verbose_name=_("membership"))
    audience = models.CharField(_("for"), max_length=7, choices=Audience, default=Audience.ALL)
    level = models.PositiveSmallIntegerField(_("from level"), null=True, blank=True)
    segment = models.ForeignKey(
        CardSegment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("segment"),
    )
    listed = models.ManyToManyField(Card, blank=True, related_name="+", verbose_name=_("listed cards"))

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=(Q(audience="level", level__gte=1, level__lte=5) | ~Q(audience="level") & Q(level=None))
                & (Q(audience="segment", segment__isnull=False) | ~Q(audience="segment") & Q(segment=None)),
                name="%(class)s_audience_is_named",
            )
        ]
