from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from common.admin import confirm, tags, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.problems import Problem
from merchants.models import BrandMember
from merchants.services import links

COLOURS = {"linked": tags.GOOD, "conflict": tags.BAD, "waiting": tags.NEWS, "refused": tags.WAITING}
NOBODY = "nobody"


class DecideForm(forms.Form):
    """Who it is, and why."""

    member = forms.ChoiceField(label=_("who it is"), widget=UnfoldAdminRadioSelectWidget)
    reason = forms.CharField(
        label=_("because"), max_length=200, widget=UnfoldAdminTextInputWidget, help_text=_("Stays in the audit log.")
    )

    def __init__(self, *args, row: BrandMember, **kwargs):
        super().__init__(*args, **kwargs)
        self.candidates = {str(member.pk): member for member in links.candidates(row)}
        self.fields["member"].choices = [
            *((key, str(member)) for key, member in self.candidates.items()),
            (NOBODY, gettext("Nobody: it is not linked")),
        ]

    def clean_member(self):
        return self.candidates.get(self.cleaned_data["member"])


@admin.register(BrandMember)
class BrandMemberAdmin(ReadOnlyAdmin):
    """Members of brands outside the platform. Conflicts are decided here; merchants only see that there is one."""

    empty = _("No member of a brand yet. Merchants import them; members are matched who agreed to it.")
    list_display = [
        "external_card",
        "club",
        "source",
        "state",
        "reason",
        "points_brought",
        "member_link",
        "imported_at",
    ]
    list_select_related = ["club__merchant", "card__member"]
    list_filter = ["status", "reason", "source"]
    search_fields = ["=external_card", "club__name", "club__merchant__name"]
    search_help_text = _("A card of the brand, a membership or a merchant.")
    fields = [
        "club", ("external_card", "source"), ("state", "reason"), ("level_name", "points_brought"), "member_link",
        ("imported_at", "decided_at", "decided_by"),
    ]  # fmt: skip
    readonly_fields = ["state", "points_brought", "member_link"]
    actions_detail = ["decide"]

    def has_decide_permission(self, request, object_id=None):
        if not request.user.has_perm("merchants.decide_brandmember"):
            return False
        row = None if object_id is None else self.get_object(request, str(object_id))
        return object_id is None or (row is not None and row.status in ("conflict", "waiting"))

    @tags.tagged(_("status"), COLOURS)
    def state(self, row):
        return row.status, row.get_status_display()

    @admin.display(description=_("points at the brand"), ordering="points")
    def points_brought(self, row):
        return words.number(row.points)

    @admin.display(description=_("member"))
    def member_link(self, row):
        return words.link(row.card.member if row.card else None)

    @action(description=_("Decide"), icon="gavel", permissions=["decide"])
    def decide(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Show whom it may be, then link one of them or nobody."""
        row = get_object_or_404(BrandMember.objects.select_related("club__merchant"), pk=object_id)
        form = DecideForm(request.POST or None, row=row)
        if request.method == "POST" and form.is_valid():
            try:
                data = form.cleaned_data
                options = {"actor": actor(request), "reason": data["reason"], "at": timezone.now()}
                row = links.resolve(row, data["member"], **options)
                messages.success(request, gettext("Decided: %s.") % row.get_status_display())
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:merchants_brandmember_change", object_id)
        says = [
            gettext("The brand's card is noted on the member's card, and %s points of the brand are taken over, once.")
            % words.number(row.points),
            gettext("Only members who agreed to be linked with this merchant are offered."),
        ]
        facts = [(gettext("Membership"), row.club), (gettext("Why it waits"), row.get_reason_display() or "–")]
        title, submit = gettext("Whose card is this?"), gettext("Decide")
        return confirm.page(self, request, row, title=title, says=says, facts=facts, submit=submit, form=form)
