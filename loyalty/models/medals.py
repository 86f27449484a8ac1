from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .event_types import CustomEventType


class Medal(models.Model):
    """A status medal: for a part of what the shop sells, or for something members do (domain.md S1-33…37, F18).

    The score counts twelve whole calendar months: `per_money` for each whole `money_unit` of net cash (minor units,
    rounded down once, over the sum), `per_day` for each order day, `per_content` for each approved review in the
    medal's categories. A behaviour medal gives `per_content` for each time it was done. The weights are ours.
    """

    class Kind(models.TextChoices):
        CATEGORY = "category", _("What members buy")
        BEHAVIOUR = "behaviour", _("What members do")

    class Behaviour(models.TextChoices):
        REVIEW = "review", _("Reviews")
        PHOTO_REVIEW = "photo_review", _("Photo reviews")
        SHARE = "share", _("Days on which the member shared")
        EVENT = "event", _("Events of a type of your own")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    kind = models.CharField(_("given for"), max_length=10, choices=Kind, default=Kind.CATEGORY)
    description = models.CharField(_("description"), max_length=300, blank=True)
    colour = models.CharField(
        _("colour"),
        max_length=7,
        default="#b45309",
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Give a colour like #c9a227."))],
    )
    icon = models.CharField(
        _("icon"),
        max_length=40,
        default="military_tech",
        help_text=_("A Material Symbols name, for example menu_book, photo_camera, checkroom."),
    )
    behaviour = models.CharField(_("what is counted"), max_length=12, choices=Behaviour, blank=True)
    event_type = models.ForeignKey(
        CustomEventType, models.PROTECT, null=True, blank=True, related_name="medals", verbose_name=_("event type")
    )
    per_money = models.PositiveIntegerField(
        _("score for money"), default=1, validators=[MaxValueValidator(10_000)], help_text=_("For each whole unit.")
    )
    money_unit = models.PositiveIntegerField(
        _("unit of money"),
        default=1000,
        validators=[MinValueValidator(1)],
        help_text=_("Net cash after refunds; rounded down once, over the twelve months."),
    )
    per_day = models.PositiveIntegerField(_("score for a day with an order"), default=5)
    per_content = models.PositiveIntegerField(
        _("score for a review or deed"), default=1, help_text=_("For each approved review, or each time it was done.")
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Switched off, it is not counted or shown; levels stay as they are.")
    )

    class Meta:
        verbose_name = _("medal")
        verbose_name_plural = _("medals")
        ordering = ["kind", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="category", behaviour="") | (Q(kind="behaviour") & ~Q(behaviour="")),
                name="medal_behaviour",
            ),
            models.CheckConstraint(
                condition=Q(behaviour="event", event_type__isnull=False)
                | (~Q(behaviour="event") & Q(event_type__isnull=True)),
                name="medal_event_type",
            ),
            models.CheckConstraint(condition=Q(money_unit__gt=0), name="medal_money_unit"),
        ]

    def __str__(self):
        return self.name


class MedalCategory(models.Model):
    """A category of the shop that counts for a medal; an order line counts for every medal that names its category."""

    medal = models.ForeignKey(Medal, models.CASCADE, related_name="categories", db_index=False, verbose_name=_("medal"))
    category = models.CharField(_("category"), max_length=100, db_index=True, help_text=_("The shop's own code."))

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["category"]
        constraints = [models.UniqueConstraint(fields=["medal", "category"], name="medal_category_once")]

    def __str__(self):
        return self.category


class MedalLevel(models.Model):
    """A level of a medal: from a score on, or for the best so many per mille of those who have a score (F4).

    Number 1 is the lowest; a level asks also for what the levels below it ask for. `benefit_cost` is what the level's
    benefits cost for one member and year, in minor units.
    """

    medal = models.ForeignKey(Medal, models.CASCADE, related_name="levels", db_index=False, verbose_name=_("medal"))
    number = models.PositiveSmallIntegerField(
        _("level"), validators=[MinValueValidator(1)], help_text=_("1 is the lowest.")
    )
    name = models.CharField(_("name"), max_length=60)
    score = models.PositiveBigIntegerField(
        _("from a score of"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    share_permille = models.PositiveSmallIntegerField(
        _("or the best (‰)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text=_("Of the members who have a score; rounded down."),
    )
    benefits = models.CharField(_("benefits"), max_length=300, blank=True, help_text=_("As members read it."))
    benefit_cost = models.PositiveBigIntegerField(_("cost of the benefits"), default=0)

    class Meta:
        verbose_name = _("level")
        verbose_name_plural = _("levels")
        ordering = ["medal", "number"]
        constraints = [
            models.UniqueConstraint(fields=["medal", "number"], name="medal_level_number"),
            models.CheckConstraint(condition=Q(number__gt=0), name="medal_level_from_one"),
            models.CheckConstraint(
                condition=Q(score__isnull=False, score__gt=0, share_permille__isnull=True)
                | Q(score__isnull=True, share_permille__isnull=False, share_permille__gt=0, share_permille__lte=1000),
                name="medal_level_score_or_share",
                violation_error_message=_("Give a score or a share, one of the two."),
            ),
        ]

    def __str__(self):
        return f"{self.medal.name}: {self.name}"

    @staticmethod
    def faults(levels: Iterable[MedalLevel]) -> list[str]:
        """Why these cannot be the levels of one medal: a higher one must ask for more. Empty if they can."""
        found = []
        for below, above in pairwise(sorted(levels, key=lambda level: level.number)):
            names = {"below": below.name, "above": above.name}
            if above.score is not None and below.score is not None and above.score <= below.score:
                found.append(gettext("%(above)s must ask for a higher score than %(below)s.") % names)
            if above.share_permille and below.share_permille and above.share_permille >= below.share_permille:
                found.append(gettext("%(above)s must be for a smaller share than %(below)s.") % names)
        return found
