from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .clubs import Club


class LevelScheme(models.Model):
    """The levels of a club as they are from a day on (domain.md section 2.6, E48).

    Rules change at most once in 30 days, from the next day, while no campaign runs. Published ones are never edited.
    """

    class Basis(models.TextChoices):
        AMOUNT = "amount", _("By what was spent")
        ORDERS = "orders", _("By the number of orders")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")

    club = models.ForeignKey(Club, models.PROTECT, related_name="schemes", verbose_name=_("membership"))
    basis = models.CharField(_("members rise"), max_length=6, choices=Basis, default=Basis.AMOUNT)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.DRAFT)
    effective_on = models.DateField(_("in force from"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("published by"),
    )

    class Meta:
        verbose_name = _("levels")
        verbose_name_plural = _("levels")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["club", "effective_on"], name="level_scheme_day_once"),
            models.UniqueConstraint(fields=["club"], name="level_scheme_one_draft", condition=Q(status="draft")),
            models.CheckConstraint(
                condition=Q(status="draft", effective_on__isnull=True, published_at__isnull=True)
                | Q(status="published", effective_on__isnull=False, published_at__isnull=False),
                name="level_scheme_published_has_day",
            ),
        ]

    def __str__(self):
        return f"{self.club}: {self.get_status_display()}"


class Level(models.Model):
    """One of at most five levels. Level 1 is everybody who opened a card; the others ask for more, in ascending order."""

    scheme = models.ForeignKey(LevelScheme, models.CASCADE, related_name="levels", verbose_name=_("levels"))
    number = models.PositiveSmallIntegerField(_("level"), validators=[MinValueValidator(1), MaxValueValidator(5)])
    name = models.CharField(_("name"), max_length=5, help_text=_("At most five characters."))
    threshold = models.PositiveBigIntegerField(
        _("from"), default=0, help_text=_("Minor units of cash, or a number of orders.")
    )
    multiplier_percent = models.PositiveSmallIntegerField(
        _("points of the card count (%)"), default=100, validators=[MinValueValidator(100), MaxValueValidator(1000)]
    )
    benefits = models.CharField(_("what it brings"), max_length=200, blank=True)
    colour = models.CharField(
        _("colour of the card"),
        max_length=7,
        default="#0f766e",
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Give a colour like #c9a227."))],
    )

    class Meta:
        verbose_name = _("level")
        verbose_name_plural = _("levels")
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["scheme", "number"], name="level_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1, number__lte=5), name="level_number_within_five"),
            models.CheckConstraint(
                condition=Q(number=1, threshold=0) | Q(number__gt=1, threshold__gt=0), name="level_first_is_open_to_all"
            ),
        ]

    def __str__(self):
        return f"{self.number} {self.name}"
