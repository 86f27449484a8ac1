from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.models.base import InsertOnlyModel
from members.models import Member

from .orders import OrderLine


class Review(models.Model):
    """A member's approved review of something bought (domain.md F13). Earns once; grows with honest likes if it has photos."""

    class Status(models.TextChoices):
        APPROVED = "approved", _("Approved")
        REMOVED = "removed", _("Removed")

    code = models.CharField(_("review"), max_length=100, unique=True)
    member = models.ForeignKey(Member, models.PROTECT, related_name="reviews", verbose_name=_("member"))
    order_line = models.ForeignKey(
        OrderLine, models.PROTECT, null=True, blank=True, related_name="reviews", verbose_name=_("order line")
    )
    sku = models.CharField(_("SKU"), max_length=100, blank=True)
    photos = models.PositiveSmallIntegerField(_("photos"), default=0)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.APPROVED)
    approved_at = models.DateTimeField(_("approved at"))
    removed_at = models.DateTimeField(_("removed at"), null=True, blank=True)
    refusal = models.CharField(_("not rewarded because"), max_length=20, blank=True)
    rewarded = models.BigIntegerField(_("points given"), default=0)
    likes_counted = models.PositiveIntegerField(_("likes counted"), default=0)
    next_like_check_at = models.DateTimeField(_("likes are counted next at"), null=True, blank=True)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(rewarded__gte=0), name="review_reward_not_negative")]
        indexes = [
            models.Index(fields=["member", "sku", "approved_at"], name="review_repeat"),
            models.Index(
                fields=["next_like_check_at"],
                name="review_like_check",
                condition=Q(next_like_check_at__isnull=False),
            ),
        ]

    def __str__(self):
        return self.code


class ReviewLike(InsertOnlyModel):
    """One like, once per (review, person), with the weight it was given and why: 100 counts, 0 does not."""

    review = models.ForeignKey(Review, models.PROTECT, related_name="likes", db_index=False, verbose_name=_("review"))
    by = models.CharField(_("by"), max_length=100, help_text=_("External id of the member who liked it."))
    device = models.CharField(_("device"), max_length=100, blank=True)
    at = models.DateTimeField(_("at"))
    weight = models.PositiveSmallIntegerField(_("weight (%)"), default=100)
    reason = models.CharField(_("reason"), max_length=30, blank=True)

    class Meta:
        verbose_name = _("like")
        verbose_name_plural = _("likes")
        constraints = [
            models.UniqueConstraint(fields=["review", "by"], name="review_like_once"),
            models.CheckConstraint(condition=Q(weight__lte=100), name="review_like_weight"),
        ]

    def __str__(self):
        return f"{self.review_id} ♥ {self.by}"
