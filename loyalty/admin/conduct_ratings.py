"""How members behaved, in words, for operators only; set by hand for a time when a member was right."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from common.admin import confirm, panels, tags, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.admin.filters import whether
from common.problems import Problem
from loyalty.models import ConductRating
from loyalty.services import conduct_ratings
from members.models import Member
from members.models.risk_words import Conduct as Band

COLOURS: dict[str, str] = {
    Band.GOOD: tags.GOOD, Band.ORDINARY: "", Band.DOUBTFUL: tags.WAITING, Band.POOR: tags.BAD,
}  # fmt: skip


class HandForm(forms.Form):
    band = forms.ChoiceField(label=_("conduct"), choices=Band.choices, widget=UnfoldAdminSelectWidget)
    days = forms.IntegerField(
        label=_("for (days)"),
        min_value=0,
        max_value=conduct_ratings.MOST_DAYS,
        initial=90,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("0: as the house rates from now on."),
    )
    note = forms.CharField(
        label=_("why so"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("The member may ask for the reason: write what can be said to the member."),
    )


class BandFilter(admin.SimpleListFilter):
    title = _("conduct")
    parameter_name = "band"

    def lookups(self, request, model_admin):
        return Band.choices

    def queryset(self, request, queryset):
        return queryset.of_band([self.value()], timezone.now()) if self.value() in Band.values else queryset


@admin.register(ConductRating)
class ConductRatingAdmin(ReadOnlyAdmin):
    """Who behaves well, and who does not; whoever is not here is ordinary."""

    empty = _("Everybody is ordinary. The schedule rates members at night, by returns, refusals and payments.")
    list_display = ["member_link", "band_label", "because", "rated_at", "hand_until", "hand_by"]
    list_filter = [BandFilter, whether("hand_until", _("By hand"), _("By the system"))]
    list_select_related = ["member", "hand_by"]
    search_fields = ["=member__external_id", "member__name"]
    search_help_text = _("A member's external id or name.")
    actions_detail = ["set_by_hand"]
    fields = [("member_link", "band_label"), "because", "rated_at", ("hand_until", "hand_by"), "note"]
    readonly_fields = ["member_link", "band_label", "because"]

    def has_override_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("loyalty.override_conductrating")

    @admin.display(description=_("member"), ordering="member__external_id")
    def member_link(self, rating):
        return words.link(rating.member)

    @tags.tagged(_("conduct"), COLOURS)
    def band_label(self, rating):
        return _band(rating)

    @admin.display(description=_("because"))
    def because(self, rating):
        return reasons(rating)

    @action(description=_("Set by hand"), icon="back_hand", permissions=["override"], url_path="set-by-hand")
    def set_by_hand(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The member contested it and was right: another word counts for a time."""
        rating = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = HandForm(request.POST or None, initial={"band": Band.ORDINARY})
        if request.method == "POST" and form.is_valid():
            try:
                conduct_ratings.set_by_hand(rating.member, **form.cleaned_data, actor=actor(request), at=timezone.now())
                messages.success(request, gettext("Set."))
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:loyalty_conductrating_change", object_id)
        return confirm.page(
            self,
            request,
            rating,
            title=gettext("Set the conduct by hand?"),
            says=[
                gettext(
                    "For that time this word counts for after-sales and audiences. The nightly rating goes on beneath."
                )
            ],
            facts=[(gettext("Rated"), _band(rating)[1]), (gettext("Because"), reasons(rating))],
            submit=gettext("Set"),
            form=form,
        )


def _band(rating: ConductRating) -> tuple[str, str]:
    band = Band(rating.stands(timezone.now()))
    return band, str(band.label)


def reasons(rating: ConductRating) -> str:
    """Why, in words; what was set by hand says who wrote what."""
    if rating.stands(timezone.now()) != rating.band:
        return gettext("Set by hand: %s") % rating.note
    return ", ".join(str(ConductRating.Reason(reason).label) for reason in rating.reasons) or "–"


def _rating(member: Member, request: HttpRequest) -> dict:
    """The word, why, and the way to change it."""
    rating = ConductRating.objects.select_related("member").filter(pk=member.pk).first()
    band, text = _band(rating) if rating else (Band.ORDINARY, str(Band.ORDINARY.label))
    return {
        "band": tags.tag(text, COLOURS[band]),
        "because": reasons(rating) if rating else gettext("Nothing out of the ordinary is known."),
        "link": words.link(rating, gettext("The rating")) if rating else "",
    }


panels.register_panel(
    Member._meta.label,
    panels.Panel(
        "rating",
        _("How the member behaves (only for us)"),
        "loyalty/panels/rating.html",
        _rating,
        "loyalty.view_conductrating",
        61,
    ),
)
