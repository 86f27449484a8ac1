"""Promises that members did not keep, and excusing them."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.admin import confirm, tags, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.admin.filters import whether
from common.problems import Problem
from loyalty.admin.conduct_cases import NoteForm
from loyalty.models import Breach
from loyalty.services import breaches


@admin.register(Breach)
class BreachAdmin(ReadOnlyAdmin):
    """What counts in conduct beside returns. A person may excuse it; then the member is rated again."""

    empty = _("Every promise was kept: the goods of all instant refunds came back in time.")
    list_display = ["at", "who", "kind", "order_code", "state_label", "note"]
    list_filter = ["kind", whether("excused_at", _("Excused"), _("Not excused"))]
    list_select_related = ["member"]
    search_fields = ["=member__external_id", "=order_code"]
    search_help_text = _("A member's external id, or an order.")
    date_hierarchy = "at"
    fields = ["who", "kind", "order_code", "at", "state_label", ("excused_by", "excused_at"), "note"]
    readonly_fields = ["who", "state_label"]
    actions_detail = ["excuse"]

    def has_excuse_permission(self, request: HttpRequest, object_id=None) -> bool:
        may = request.user.has_perm("loyalty.decide_conductcase")
        return may and Breach.objects.filter(pk=object_id, excused_at=None).exists()

    @admin.display(description=_("member"), ordering="member__external_id")
    def who(self, breach):
        return words.link(breach.member)

    @tags.tagged(_("state"), {"counts": tags.BAD, "excused": tags.GOOD})
    def state_label(self, breach):
        return ("excused", gettext("Excused")) if breach.excused_at else ("counts", gettext("Counts"))

    @action(description=_("Excuse"), icon="rule", permissions=["excuse"])
    def excuse(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask why, then let the service rate the member again."""
        breach = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = NoteForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                breaches.excuse(breach, form.cleaned_data["note"], actor(request), timezone.now())
                messages.success(request, gettext("It no longer counts; %s was rated again.") % breach.member)
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:loyalty_breach_change", object_id)
        says = [gettext("It is held against %s no longer; the rating follows at once.") % breach.member]
        title = gettext("Excuse this?")
        return confirm.page(self, request, breach, title=title, says=says, submit=gettext("Excuse"), form=form)
