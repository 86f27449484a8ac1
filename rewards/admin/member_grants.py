"""Benefits given to one member: from the member's page, with a reason; and taken back."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from common import clock
from common.admin import confirm, tags, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.models import Look
from common.problems import Problem
from members.models import Member
from rewards.admin import allowances, benefit_words, reward_words
from rewards.models import Benefit, MemberGrant, Period
from rewards.services import member_grants


class GiveForm(forms.Form):
    """What, how often, until when, and why."""

    benefit = forms.ModelChoiceField(Benefit.objects.none(), label=_("benefit"), widget=UnfoldAdminSelectWidget)
    value = allowances.ValueField()
    quota = forms.IntegerField(
        label=_("how often"),
        required=False,
        min_value=1,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("In all, until the end. Empty: as often as the member likes."),
    )
    until_on = forms.DateField(label=_("until the end of"), widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))
    reason = forms.CharField(
        label=_("reason"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("The audit log keeps it."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        packs = Benefit.Kind.BIRTHDAY_PACK
        self.fields["benefit"].queryset = Benefit.objects.filter(is_active=True).exclude(kind=packs)

    def clean(self):
        data = super().clean()
        data["value"] = allowances.stored(self, data.get("benefit"), data.get("value"))
        return data


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("reason"), max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


@admin.register(MemberGrant)
class MemberGrantAdmin(ReadOnlyAdmin):
    """What single members were given, by hand or in a birthday pack."""

    empty = _("Nobody has been given a benefit by itself. It is done from a member's page.")
    list_display = ["member_link", "gives", "source", "why", "good_until", "state_label", "given_by"]
    list_display_links = ["gives"]
    list_filter = ["source", "benefit"]
    list_select_related = ["member", "benefit", "given_by"]
    search_fields = ["=member__external_id", "reason"]
    search_help_text = _("A member's external id, or words of the reason.")
    date_hierarchy = "given_at"
    fields = [
        "member_link",
        "gives",
        "source",
        "why",
        "starts_at",
        "good_until",
        "state_label",
        "given_by",
        "given_at",
    ]
    readonly_fields = ["member_link", "gives", "why", "good_until", "state_label"]
    actions_detail = ["take_back"]

    def get_urls(self):
        view = self.admin_site.admin_view(self.give_view)
        return [path("for/<int:member_id>/", view, name="rewards_membergrant_give"), *super().get_urls()]

    @admin.display(description=_("member"), ordering="member")
    def member_link(self, gift):
        return words.link(gift.member)

    @admin.display(description=_("reason"))
    def why(self, gift):
        """In the reader's language where the night gave it."""
        if gift.source == MemberGrant.Source.BIRTHDAY:
            return gettext("birthday in %s") % gift.reference.removeprefix("birthday:")
        return gift.reason

    @admin.display(description=_("good until"), ordering="ends_at")
    def good_until(self, gift):
        return reward_words.until(gift.ends_at)

    @admin.display(description=_("what"))
    def gives(self, gift):
        return benefit_words.gives(gift.benefit, gift)

    @tags.tagged(_("state"), {"on": tags.GOOD, "over": "", "revoked": tags.BAD})
    def state_label(self, gift):
        if gift.revoked_at:
            return "revoked", gettext("Taken back")
        return ("on", gettext("Good")) if gift.ends_at > timezone.now() else ("over", gettext("Over"))

    def give_view(self, request: HttpRequest, member_id: int) -> HttpResponse:
        """Give one member a benefit."""
        if not request.user.has_perm("rewards.give_membergrant"):
            raise PermissionDenied
        member = get_object_or_404(Member, pk=member_id)
        self.note_look(request, Look.Kind.PAGE, subject=member.external_id)
        form = GiveForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            try:
                member_grants.give(
                    member, data["benefit"], actor(request), timezone.now(), until=clock.day_end(data["until_on"]),
                    reason=data["reason"], value=data["value"], quota=data["quota"], period=Period.TERM,
                )  # fmt: skip
                messages.success(request, gettext("Given: %s.") % data["benefit"])
                return redirect("admin:members_member_change", member_id)
            except Problem as problem:
                refuse(request, problem)
        says = [gettext("The member has it at once, besides what the tier, a plan or other groups give.")]
        return confirm.page(
            self,
            request,
            None,
            title=gettext("Give %s a benefit") % member,
            says=says,
            submit=gettext("Give"),
            form=form,
        )

    def has_take_back_permission(self, request: HttpRequest, object_id=None) -> bool:
        may = request.user.has_perm("rewards.give_membergrant")
        return may and MemberGrant.objects.in_force(timezone.now()).filter(pk=object_id).exists()

    @action(description=_("Take back"), icon="undo", permissions=["take_back"])
    def take_back(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """End it now, with a reason."""
        gift = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                member_grants.take_back(gift, actor(request), timezone.now(), reason=form.cleaned_data["reason"])
                messages.success(request, gettext("Taken back."))
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:rewards_membergrant_change", object_id)
        says = [gettext("The member does not have it any more. What was used stays and is not charged.")]
        return confirm.page(
            self, request, gift, title=gettext("Take back?"), says=says, submit=gettext("Take back"), form=form
        )
