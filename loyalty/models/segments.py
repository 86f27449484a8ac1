from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.models import Member


class Segment(models.Model):
    """A named group of members; rules and campaigns can ask for it.

    Its members are listed by hand, or chosen by conditions: then the nightly refresh and the button replace them.
    """

    class Kind(models.TextChoices):
        LISTED = "listed", _("Listed by hand")
        RULED = "ruled", _("Chosen by conditions")

    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(_("description"), max_length=300, blank=True)
    kind = models.CharField(_("kind"), max_length=6, choices=Kind, default=Kind.LISTED)
    publishes = models.BooleanField(
        _("tell who enters and leaves"),
        default=False,
        help_text=_("Each refresh publishes segment.entered and segment.left for the members concerned."),
    )
    members = models.ManyToManyField(
        Member, through="SegmentMember", blank=True, related_name="segments", verbose_name=_("members")
    )
    refreshed_at = models.DateTimeField(_("refreshed at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["code"]

    def __str__(self):
        return self.name

    @property
    def is_ruled(self) -> bool:
        return self.kind == self.Kind.RULED


class SegmentMember(models.Model):
    """A member in a segment. `listed_by` is the gift campaign that put her there: she leaves when it is undone.

    Who stands there already when a campaign comes stays hers who listed her; who is listed by hand stays in any case.
    """

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="+", db_index=False, verbose_name=_("segment"))
    member = models.ForeignKey(Member, models.CASCADE, related_name="+", verbose_name=_("member"))
    listed_by = models.ForeignKey(
        "GiftCampaign", models.PROTECT, null=True, related_name="+", verbose_name=_("put in by the gift campaign")
    )

    class Meta:
        verbose_name = _("member of a segment")
        verbose_name_plural = _("members of segments")
        constraints = [models.UniqueConstraint(fields=["segment", "member"], name="segment_member_once")]

    def __str__(self):
        return f"{self.segment_id}: {self.member_id}"


class SegmentCondition(models.Model):
    """One condition of a segment. All of a group must hold; one group is enough.

    `value` is one value, or several separated by commas; money in minor units, days as 2026-03-01.
    """

    class Attribute(models.TextChoices):
        TIER = "tier", _("Tier")
        GROWTH = "growth", _("Growth")
        COEFFICIENT = "coefficient", _("Growth coefficient (%)")
        SCORE = "score", _("Value score (settled)")
        MEDAL = "medal", _("Level of a medal")
        CARD_LEVEL = "card_level", _("Level at a merchant")
        R = "r", _("R: recency class (1–5)")
        F = "f", _("F: frequency class (1–5)")
        M = "m", _("M: money class (1–5)")
        RFM = "rfm", _("RFM (111–555)")
        LIFECYCLE = "lifecycle", _("Life cycle")
        ORDERS = "orders", _("Orders in 12 months")
        NET_CASH = "net_cash", _("Spend in 12 months")
        LAST_ORDER = "last_order", _("Days since the last order")
        FIRST_ORDER = "first_order", _("Days since the first order")
        CONDUCT = "conduct", _("Conduct")
        RETURNS = "returns", _("Lines returned without cause in 12 months (%)")
        REVIEWS = "reviews", _("Reviews in 12 months")
        PHOTO_REVIEWS = "photo_reviews", _("Photo reviews in 12 months")
        LOGINS = "logins", _("Log-in days in 12 months")
        CHANNELS = "channels", _("Channels used")
        CATEGORIES = "categories", _("Categories bought")
        CATEGORY = "category", _("Bought in the category in 12 months")
        STORE = "store", _("Bought at the store in 12 months")
        KIND = "kind", _("Kind")
        PLAN = "plan", _("Paid plan")
        CREDIT = "credit", _("Credit score")
        REGISTERED_DAYS = "registered_days", _("Days since registration")
        REGISTERED_ON = "registered_on", _("Registered on")
        CUSTOM = "custom", _("Custom attribute")
        SEGMENT = "segment", _("In another segment")

    class Operator(models.TextChoices):
        IS = "is", _("is one of")
        IS_NOT = "is_not", _("is none of")
        AT_LEAST = "at_least", _("is at least")
        LESS_THAN = "less_than", _("is less than")
        BETWEEN = "between", _("lies between (both included)")

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="conditions", verbose_name=_("segment"))
    group = models.PositiveSmallIntegerField(_("group"), default=1)
    attribute = models.CharField(_("what"), max_length=20, choices=Attribute)
    key = models.CharField(_("which medal, merchant or custom attribute"), max_length=60, blank=True)
    operator = models.CharField(_("how"), max_length=12, choices=Operator, default=Operator.IS)
    value = models.CharField(_("value"), max_length=500)

    class Meta:
        verbose_name = _("condition")
        verbose_name_plural = _("conditions")
        ordering = ["group", "id"]

    def __str__(self):
        return f"{self.get_attribute_display()} {self.get_operator_display()} {self.value}"


class SegmentSize(models.Model):
    """How large a segment was after a refresh, and how many entered and left."""

    segment = models.ForeignKey(
        Segment, models.CASCADE, related_name="sizes", db_index=False, verbose_name=_("segment")
    )
    at = models.DateTimeField(_("at"))
    size = models.PositiveBigIntegerField(_("members"))
    entered = models.PositiveBigIntegerField(_("entered"))
    gone = models.PositiveBigIntegerField(_("left"))

    class Meta:
        verbose_name = _("size of a segment")
        verbose_name_plural = _("sizes of segments")
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["segment", "at"], name="segment_size_once"),
            models.CheckConstraint(condition=Q(size__gte=0, entered__gte=0, gone__gte=0), name="segment_size_sane"),
        ]

    def __str__(self):
        return f"{self.segment_id}: {self.size}"
