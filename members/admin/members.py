from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.admin import tags, words
from common.admin.base import actor
from common.admin.panels import ExtendedAdmin
from common.models import Look
from members.admin import closing, merging
from members.models import Member
from members.services import exports

STATUS_COLOURS = {"active": tags.GOOD, "closed": tags.WAITING, "merged": tags.NEWS}


@admin.register(Member)
class MemberAdmin(ExtendedAdmin):
    """Everything about a member on one page. Profiles change by events, so nothing is typed here."""

    empty = _("No member yet. Members come with events, or are created over the API.")
    list_display = ["external_id", "name", "status_label", "kind", "registered_at"]
    list_filter = ["status", "kind"]
    search_fields = ["=external_id", "name__istartswith"]
    search_help_text = _("The shop's customer number, or the beginning of a name.")
    date_hierarchy = "registered_at"
    readonly_fields = ["status_label", "attributes_table", "merged_link"]
    actions_detail = ["export_data", "close_account", "merge", "unmerge"]

    def get_fieldsets(self, request, obj=None):
        """What there is to say; nothing is said of what there is not."""
        rows: list[tuple[str, ...]] = [
            ("external_id", "name"),
            ("status_label", "kind"),
            ("registered_at", "birthday"),
            ("phone_verified", "real_name_verified"),
        ]
        rows += [("closed_at", "erased_at")] if obj and obj.closed_at else []
        rows += [("has_returned",)] if obj and obj.has_returned else []
        rows += [("merged_link",)] if obj and obj.merged_into_id else []
        rows += [("attributes_table",)] if obj and obj.attributes else []
        return [(None, {"fields": rows})]

    def has_export_data_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("members.export_member")

    @action(description=_("Export all data"), icon="download", permissions=["export_data"])
    def export_data(self, request: HttpRequest, object_id: str) -> StreamingHttpResponse:
        """All that is kept about the member, as a file to hand over (PIPL 45); written down twice."""
        member = self.get_object(request, str(object_id))
        if member is None:
            raise Http404
        self.note_look(request, Look.Kind.DATA, subject=member.external_id)
        return StreamingHttpResponse(
            exports.export(member, actor(request), timezone.now()),
            content_type="application/json",
            headers={
                "Content-Disposition": f'attachment; filename="member-{member.uuid}.json"',
                "Cache-Control": "no-store",
            },
        )

    def has_close_account_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("members.close_member") and self._is(object_id, Member.Status.ACTIVE)

    @action(description=_("Close the account"), icon="person_off", permissions=["close_account"])
    def close_account(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What is lost and what hinders it; then the deed."""
        return closing.page(self, request, get_object_or_404(Member, pk=object_id))

    def has_merge_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("members.merge_member") and self._is(object_id, Member.Status.ACTIVE)

    @action(description=_("Merge into another member"), icon="merge", permissions=["merge"])
    def merge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Both sides and what will be; then the deed."""
        return merging.merge_page(self, request, get_object_or_404(Member, pk=object_id))

    def has_unmerge_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("members.merge_member") and self._is(object_id, Member.Status.MERGED)

    @action(description=_("Undo the merge"), icon="call_split", permissions=["unmerge"])
    def unmerge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What comes back and what cannot; then the deed."""
        return merging.unmerge_page(self, request, get_object_or_404(Member, pk=object_id))

    def _is(self, object_id, status: str) -> bool:
        """Whether the member at hand has the status; the list asks without one."""
        return object_id is None or Member.objects.filter(pk=object_id, status=status).exists()

    @tags.tagged(_("status"), STATUS_COLOURS)
    def status_label(self, member):
        return member.status, member.get_status_display()

    @admin.display(description=_("custom attributes"))
    def attributes_table(self, member):
        return words.pairs(member.attributes)

    @admin.display(description=_("merged into"))
    def merged_link(self, member):
        return words.link(member.merged_into)
