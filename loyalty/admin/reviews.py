from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from common.admin import tags, words
from common.admin.base import ReadOnlyAdmin, ReadOnlyInline
from common.admin.filters import whether
from loyalty.models import Review, ReviewLike, Shortfall


class LikeInline(ReadOnlyInline):
    model = ReviewLike
    fields = ["by", "device", "at", "weight", "reason"]
    ordering = ["at", "pk"]
    tab = False


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    """Approved reviews, what they earned, and why not if they did not. Likes that do not count are kept with the reason."""

    empty = _("No review yet. The shop sends review.approved events.")
    list_display = [
        "code",
        "member_link",
        "sku",
        "photos",
        "status_label",
        "points_given",
        "refusal_words",
        "likes_counted",
        "approved_at",
    ]
    list_filter = ["status", whether("refusal", _("Refused"), _("Not refused"))]
    list_select_related = ["member", "order_line__order"]
    search_fields = ["=code", "=member__external_id", "=sku"]
    search_help_text = _("A review, a product or a member's external id.")
    date_hierarchy = "approved_at"
    fields = [
        "code", "member_link", "sku", "order_link", "photos", "status_label", "points_given", "refusal_words", "likes_counted",
        "approved_at", "removed_at", "next_like_check_at",
    ]  # fmt: skip
    readonly_fields = ["member_link", "order_link", "status_label", "points_given", "refusal_words"]
    inlines = [LikeInline]

    @admin.display(description=_("member"))
    def member_link(self, review):
        return words.link(review.member)

    @admin.display(description=_("order"))
    def order_link(self, review):
        return words.link(review.order_line.order) if review.order_line_id else "–"

    @tags.tagged(_("status"), {"approved": tags.GOOD, "removed": tags.BAD})
    def status_label(self, review):
        return review.status, review.get_status_display()

    @admin.display(description=_("points given"), ordering="rewarded")
    def points_given(self, review):
        return words.number(review.rewarded)

    @admin.display(description=_("not rewarded because"))
    def refusal_words(self, review):
        return dict(Shortfall.Reason.choices).get(review.refusal, review.refusal) or "–"
