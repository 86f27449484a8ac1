from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from members.models import Member

from .medals import Medal, MedalLevel


class MedalStanding(models.Model):
    """What a member has reached of a medal, counted for the twelve whole months before `as_of`.

    Written by the monthly award only (services/medals.py). `money` is net cash in minor units, `pieces` are reviews or
    deeds. `reached_at` is the last thing that counted: of two equal scores the one reached earlier ranks higher (F4).
    """

    member = models.ForeignKey(
        Member, models.PROTECT, related_name="medal_standings", db_index=False, verbose_name=_("member")
    )
    medal = models.ForeignKey(Medal, models.PROTECT, related_name="standings", db_index=False, verbose_name=_("medal"))
    money = models.BigIntegerField(_("spent"), default=0)
    orders = models.BigIntegerField(_("orders"), default=0)
    days = models.BigIntegerField(_("order days"), default=0)
    pieces = models.BigIntegerField(_("reviews or deeds"), default=0)
    score = models.BigIntegerField(_("score"), default=0)
    reached_at = models.DateTimeField(_("reached at"), null=True)
    as_of = models.DateField(_("counted up to"))
    level = models.ForeignKey(
        MedalLevel, models.PROTECT, null=True, related_name="standings", db_index=False, verbose_name=_("level")
    )
    since = models.DateTimeField(_("level since"), null=True)

    class Meta:
        verbose_name = _("medal holder")
        verbose_name_plural = _("medal holders")
        ordering = ["-score", "reached_at", "member"]
        constraints = [
            models.UniqueConstraint(fields=["member", "medal"], name="medal_standing_once"),
            models.CheckConstraint(
                condition=Q(money__gte=0, orders__gte=0, days__gte=0, pieces__gte=0, score__gte=0),
                name="medal_standing_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(level__isnull=True, since__isnull=True) | Q(level__isnull=False, since__isnull=False),
                name="medal_standing_since",
            ),
        ]
        indexes = [
            models.Index(fields=["medal", "level"], name="medal_standing_level"),
            models.Index(fields=["medal", "-score", "reached_at", "member"], name="medal_standing_rank"),
        ]

    def __str__(self):
        return f"{self.member_id}: {self.medal_id} {self.score}"


class MedalCut(InsertOnlyModel):
    """Where a level began on a day: its score, and for a share of members also the last one who came in (domain.md F4).

    Ties are decided by the total order (score, reached earlier, member), so a share never holds more than its `places`;
    a share of too few has none, and no score leads there.
    """

    level = models.ForeignKey(MedalLevel, models.PROTECT, related_name="cuts", db_index=False, verbose_name=_("level"))
    as_of = models.DateField(_("counted up to"))
    score = models.BigIntegerField(_("score"), null=True)
    reached_at = models.DateTimeField(_("reached at"), null=True)
    member = models.ForeignKey(Member, models.PROTECT, null=True, related_name="+", verbose_name=_("the last member"))
    places = models.BigIntegerField(_("places"), null=True)
    eligible = models.BigIntegerField(_("members with a score"), null=True)

    class Meta:
        verbose_name = _("medal line")
        verbose_name_plural = _("medal lines")
        constraints = [models.UniqueConstraint(fields=["level", "as_of"], name="medal_cut_once")]

    def __str__(self):
        return f"{self.level_id} {self.as_of}: {self.score}"


class MedalAward(InsertOnlyModel):
    """A member came to another level of a medal, higher or lower; no level = none was reached."""

    member = models.ForeignKey(
        Member, models.PROTECT, related_name="medal_awards", db_index=False, verbose_name=_("member")
    )
    medal = models.ForeignKey(Medal, models.PROTECT, related_name="awards", verbose_name=_("medal"))
    before = models.ForeignKey(
        MedalLevel, models.PROTECT, null=True, related_name="+", db_index=False, verbose_name=_("from")
    )
    after = models.ForeignKey(
        MedalLevel, models.PROTECT, null=True, related_name="+", db_index=False, verbose_name=_("to")
    )
    score = models.BigIntegerField(_("score"))
    as_of = models.DateField(_("counted up to"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("medal award")
        verbose_name_plural = _("medal awards")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["member", "medal", "as_of"], name="medal_award_once"),
            models.CheckConstraint(
                condition=Q(before__isnull=False) | Q(after__isnull=False), name="medal_award_of_something"
            ),
        ]

    def __str__(self):
        return f"{self.member_id}: {self.medal_id} {self.before_id} → {self.after_id}"


class MedalDisplay(models.Model):
    """What a member said about showing medals to others; without a row they are shown (domain.md S1-36)."""

    member = models.OneToOneField(
        Member, models.PROTECT, primary_key=True, related_name="medal_display", verbose_name=_("member")
    )
    is_shown = models.BooleanField(_("shown to others"), default=True)
    said_at = models.DateTimeField(_("said at"))

    class Meta:
        verbose_name = _("medal display")
        verbose_name_plural = _("medal displays")

    def __str__(self):
        return f"{self.member_id}: {self.is_shown}"
