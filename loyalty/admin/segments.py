from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from common.admin import confirm, words
from common.admin.base import AuditedAdmin, actor
from common.services import audit
from loyalty.models import Segment
from members.models import Member

_NAMED = 5


class AddMembersForm(forms.Form):
    """External ids, one a line or separated by commas; unknown ones are refused by name."""

    external_ids = forms.CharField(
        label=_("members' external ids"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 12}),
        help_text=_("One a line, or separated by commas."),
    )

    def clean_external_ids(self):
        names = set(self.cleaned_data["external_ids"].replace(",", " ").replace("，", " ").split())
        found = dict(Member.objects.filter(external_id__in=names).values_list("external_id", "pk"))
        unknown = sorted(names - found.keys())
        if unknown:
            shown = ", ".join(unknown[:_NAMED]) + ("…" if len(unknown) > _NAMED else "")
            raise forms.ValidationError(gettext("No such member: %s") % shown)
        return sorted(found.values())


@admin.register(Segment)
class SegmentAdmin(AuditedAdmin):
    """Named groups of members that rules can ask for."""

    empty = _("No segment yet. A segment is a named list of members.")
    list_display = ["name", "code", "member_count"]
    search_fields = ["name", "code"]
    fields = ["name", "code", "member_count", "some_members"]
    readonly_fields = ["member_count", "some_members"]
    prepopulated_fields = {"code": ["name"]}
    actions_detail = ["add_members", "remove_members"]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(size=Count("members"))

    def get_fields(self, request, obj=None):
        return self.fields if obj else ["name", "code"]

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def has_edit_members_permission(self, request, object_id=None) -> bool:
        return request.user.has_perm("loyalty.change_segment")

    @admin.display(description=_("members"), ordering="size")
    def member_count(self, segment):
        return words.number(segment.size)

    @admin.display(description=_("some of them"))
    def some_members(self, segment):
        return ", ".join(str(member) for member in segment.members.all()[:20]) or gettext(
            "Nobody yet. Use “Add members”."
        )

    @action(description=_("Add members"), icon="person_add", permissions=["edit_members"])
    def add_members(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Add a list of members by external id."""
        return self._edit(request, object_id, gettext("Add members"), "add")

    @action(description=_("Remove members"), icon="person_remove", permissions=["edit_members"])
    def remove_members(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Take a list of members out by external id."""
        return self._edit(request, object_id, gettext("Remove members"), "remove")

    def _edit(self, request, object_id, title, verb):
        segment = get_object_or_404(Segment, pk=object_id)
        form = AddMembersForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            keys = form.cleaned_data["external_ids"]
            with transaction.atomic():
                getattr(segment.members, verb)(*keys)
                summary = f"{title}: {segment} ({len(keys)})"
                audit.record(actor(request), f"loyalty.segments.{verb}_members", segment, summary, timezone.now())
            messages.success(request, summary)
            return redirect("admin:loyalty_segment_change", object_id)
        return confirm.page(self, request, segment, title=title, submit=title, form=form)
