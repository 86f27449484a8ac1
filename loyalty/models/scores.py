from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from members.models import Member

from .score_policies import ScorePolicy


class MemberState(models.Model):
    """What a score was told of the member's state; a change of it is a reason to count again."""

    real_name_verified = models.BooleanField(_("real name verified"), default=False)
    phone_verified = models.BooleanField(_("phone verified"), default=False)
    birthday_given = models.BooleanField(_("birthday given"), default=False)
    years = models.PositiveSmallIntegerField(_("full years as a member"), default=0)
    credit_score = models.PositiveIntegerField(_("credit score"), null=True, blank=True)

    class Meta:
        abstract = True


class Score(MemberState):
    """A member's value score (domain.md F6): provisional, counted nightly, and settled once a month. Whole numbers.

    The dimensions stand before their weights. Entitlements ask for the settled value (E28). `counted_on` is the day whose
    start the provisional value was counted for; it has not changed since. Without a policy it is counted anew tonight.
    """

    member = models.OneToOneField(
        Member, models.PROTECT, primary_key=True, related_name="score", verbose_name=_("member")
    )
    policy = models.ForeignKey(
        ScorePolicy,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("score policy"),
    )
    counted_on = models.DateField(_("counted for"))
    value = models.IntegerField(_("provisional score"))
    consumption = models.IntegerField(_("consumption"), default=0)
    activity = models.IntegerField(_("activity"), default=0)
    account = models.IntegerField(_("account"), default=0)
    reputation = models.IntegerField(_("reputation"), default=0)
    credit = models.IntegerField(_("credit"), default=0)
    settled = models.IntegerField(_("settled score"), null=True, blank=True)
    settled_month = models.DateField(
        _("settled for"),
        null=True,
        blank=True,
        help_text=_("The first of the month: the twelve months before it counted."),
    )
    settled_consumption = models.IntegerField(_("consumption, settled"), null=True, blank=True)
    settled_activity = models.IntegerField(_("activity, settled"), null=True, blank=True)
    settled_account = models.IntegerField(_("account, settled"), null=True, blank=True)
    settled_reputation = models.IntegerField(_("reputation, settled"), null=True, blank=True)
    settled_credit = models.IntegerField(_("credit, settled"), null=True, blank=True)

    class Meta:
        verbose_name = _("score")
        verbose_name_plural = _("scores")
        ordering = ["-settled", "member"]
        constraints = [
            models.CheckConstraint(
                condition=Q(settled__isnull=True, settled_month__isnull=True)
                | Q(settled__isnull=False, settled_month__isnull=False),
                name="score_settled_for_a_month",
            ),
        ]
        indexes = [models.Index(fields=["settled"], name="score_settled")]

    def __str__(self):
        return str(self.member)


class ScoreSnapshot(MemberState, InsertOnlyModel):
    """One settlement of one member: what the score was for a month, and from what. Never changed."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="+", db_index=False, verbose_name=_("member"))
    month = models.DateField(_("month"))
    value = models.IntegerField(_("score"))
    consumption = models.IntegerField(_("consumption"))
    activity = models.IntegerField(_("activity"))
    account = models.IntegerField(_("account"))
    reputation = models.IntegerField(_("reputation"))
    credit = models.IntegerField(_("credit"))
    policy = models.ForeignKey(
        ScorePolicy, models.PROTECT, related_name="+", db_index=False, verbose_name=_("score policy")
    )
    at = models.DateTimeField(_("settled at"))

    class Meta:
        verbose_name = _("settled score")
        verbose_name_plural = _("settled scores")
        ordering = ["-month", "member"]
        constraints = [models.UniqueConstraint(fields=["member", "month"], name="score_settled_once")]

    def __str__(self):
        return f"{self.member_id} {self.month:%Y-%m}: {self.value}"


class ScoreRestatement(InsertOnlyModel):
    """News that came after a settlement: what the settled score would now be (domain.md E29). It stays as it is."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="+", verbose_name=_("member"))
    month = models.DateField(_("month"))
    settled = models.IntegerField(_("settled score"))
    restated = models.IntegerField(_("would now be"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("late news of a score")
        verbose_name_plural = _("late news of scores")
        ordering = ["-id"]

    def __str__(self):
        return f"{self.member_id} {self.month:%Y-%m}: {self.settled} → {self.restated}"


class ScoreThreshold(models.Model):
    """A named line that other parts ask for: a member meets it by the settled score (domain.md 2.3, E28)."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    value = models.PositiveIntegerField(_("score"))
    is_strict = models.BooleanField(
        _("strictly above"), default=False, help_text=_("The score must exceed the line; else reaching it is enough.")
    )

    class Meta:
        verbose_name = _("score threshold")
        verbose_name_plural = _("score thresholds")
        ordering = ["value", "is_strict"]
        constraints = [models.UniqueConstraint(fields=["value", "is_strict"], name="score_threshold_once")]

    def __str__(self):
        return self.name

    @property
    def least(self) -> int:
        """The lowest whole score that meets it."""
        return self.value + 1 if self.is_strict else self.value

    def is_met_by(self, score: int | None) -> bool:
        """Whether a settled score meets it; no score meets nothing."""
        return score is not None and score >= self.least
