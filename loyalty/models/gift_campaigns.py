import secrets

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from members.models import Member

from .lots import Lot
from .segments import Segment
from .tiers import Tier


class GiftCampaign(models.Model):
    """Points that the platform gives to members by itself, less a group that is held out (domain.md F15, F24, S1-53, S2-16).

    `spent` never passes `budget`. Who is held out follows from `seed` and the member's external id alone; the seed is
    drawn by the machine and shown to nobody, so nobody can choose. Once started, a campaign is not changed any more.
    """

    class Trigger(models.TextChoices):
        ONCE = "once", _("Once, at the start")
        LAPSE = "lapse", _("When a member has lapsed (win-back)")
        BIRTHDAY = "birthday", _("Around the birthday")
        ANNIVERSARY = "anniversary", _("Around the day of joining, each year")
        EXPIRY = "expiry", _("When points are about to expire (rescue)")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        RUNNING = "running", _("Running")
        STOPPED = "stopped", _("Stopped")
        ENDED = "ended", _("Ended")
        EMPTY = "empty", _("Budget used up")
        UNDONE = "undone", _("Undone")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60, help_text=_("Members read it in their statement."))
    trigger = models.CharField(_("gives"), max_length=11, choices=Trigger, default=Trigger.ONCE)
    segment = models.ForeignKey(
        Segment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("only members of the segment"),
        help_text=_("Empty means all. A segment can ask for tiers, medals, levels at merchants, spend and more."),
    )
    rest_days = models.PositiveSmallIntegerField(
        _("rest (days)"),
        default=0,
        help_text=_("Not to who has had a gift of any gift campaign within so many days; 0 = no matter."),
    )
    near_days = models.PositiveSmallIntegerField(
        _("expiring within (days)"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(366)],
        help_text=_("Only for the rescue of points: to who has points that expire within so many days; once a month."),
    )
    near_points = models.PositiveBigIntegerField(
        _("expiring points, at least"),
        default=1,
        validators=[MinValueValidator(1)],
        help_text=_("Only for the rescue of points."),
    )
    holdout_percent = models.PositiveSmallIntegerField(
        _("held out (%)"),
        default=10,
        validators=[MaxValueValidator(50)],
        help_text=_("So many of a hundred get nothing, chosen by chance; compared with them, the effect can be seen."),
    )
    window_days = models.PositiveSmallIntegerField(
        _("measured for (days)"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(366)],
        help_text=_("What members do so many days after their gift counts as its effect."),
    )
    budget = models.PositiveBigIntegerField(
        _("budget (points)"), validators=[MinValueValidator(1)], help_text=_("It stops before it would give more.")
    )
    spent = models.PositiveBigIntegerField(_("spent (points)"), default=0, editable=False)
    days = models.PositiveSmallIntegerField(
        _("points expire after (days)"), default=90, validators=[MinValueValidator(1), MaxValueValidator(3660)]
    )
    lists_in = models.ForeignKey(
        Segment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        limit_choices_to={"kind": "listed"},
        verbose_name=_("also put into the segment"),
        help_text=_("A listed segment: its rules, benefits and rewards are then for them, too, such as a multiplier."),
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    status = models.CharField(_("status"), max_length=7, choices=Status, default=Status.DRAFT, editable=False)
    seed = models.CharField(max_length=64, default=secrets.token_hex, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("created by"),
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("started by"),
    )
    started_at = models.DateTimeField(_("started at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("gift campaign")
        verbose_name_plural = _("gift campaigns")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="gift_campaign_ends_after_start"),
            models.CheckConstraint(
                condition=Q(budget__gt=0, spent__lte=F("budget")), name="gift_campaign_within_budget"
            ),
            models.CheckConstraint(
                condition=Q(holdout_percent__lte=50, window_days__gt=0, days__gt=0, near_days__gt=0, near_points__gt=0),
                name="gift_campaign_sane",
            ),
            models.CheckConstraint(
                condition=Q(status="draft", started_at=None) | ~Q(status="draft") & Q(started_at__isnull=False),
                name="gift_campaign_started_has_time",
            ),
            models.CheckConstraint(
                condition=Q(started_by=None) | Q(created_by=None) | ~Q(started_by=F("created_by")),
                name="gift_campaign_second_person",
            ),
        ]

    def __str__(self):
        return self.name


class GiftAmount(models.Model):
    """What members of one tier get; the row without a tier is for all the others. Who has no row is not meant."""

    campaign = models.ForeignKey(
        GiftCampaign, models.CASCADE, related_name="amounts", db_index=False, verbose_name=_("gift campaign")
    )
    tier = models.ForeignKey(
        Tier,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("tier"),
        help_text=_("Empty: everybody else."),
    )
    points = models.PositiveBigIntegerField(_("points"), help_text=_("0 = no points; the shop is told all the same."))

    class Meta:
        verbose_name = _("gift of a tier")
        verbose_name_plural = _("gifts by tier")
        ordering = ["tier__rank"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "tier"], name="gift_amount_once"),
            models.UniqueConstraint(fields=["campaign"], name="gift_amount_one_rest", condition=Q(tier=None)),
        ]

    def __str__(self):
        return f"{self.tier or _('everybody else')}: {self.points}"


class GiftAssignment(InsertOnlyModel):
    """A member whom a gift campaign has reached for one occasion: treated, or held out. Each occasion once, for ever.

    Occasions: `once`, `lapse:<day of the last order>`, `birthday:<year>`, `anniversary:<year>`, `expiry:<month>`. What the
    member does before `measured_until` counts as the effect. `points` is what was given; the held-out get nothing.
    """

    class Arm(models.TextChoices):
        TREATED = "treated", _("Treated")
        HELD_OUT = "held_out", _("Held out")

    campaign = models.ForeignKey(
        GiftCampaign, models.PROTECT, related_name="assignments", db_index=False, verbose_name=_("gift campaign")
    )
    member = models.ForeignKey(Member, models.PROTECT, related_name="gift_assignments", verbose_name=_("member"))
    occasion = models.CharField(_("occasion"), max_length=30)
    arm = models.CharField(_("treated or held out"), max_length=8, choices=Arm)
    tier = models.ForeignKey(
        Tier, models.PROTECT, null=True, related_name="+", db_index=False, verbose_name=_("tier then")
    )
    points = models.PositiveBigIntegerField(_("points"), default=0)
    lot = models.OneToOneField(Lot, models.PROTECT, null=True, related_name="gift_assignment", verbose_name=_("lot"))
    at = models.DateTimeField(_("at"))
    measured_until = models.DateTimeField(_("measured until"))

    class Meta:
        verbose_name = _("member of a gift campaign")
        verbose_name_plural = _("members of gift campaigns")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "member", "occasion"], name="gift_assignment_once"),
            models.CheckConstraint(condition=Q(arm="treated") | Q(points=0), name="gift_assignment_held_out_nothing"),
            models.CheckConstraint(
                condition=Q(points=0, lot=None) | Q(points__gt=0, lot__isnull=False), name="gift_assignment_has_lot"
            ),
        ]

    def __str__(self):
        return f"{self.campaign}: {self.occasion}"
