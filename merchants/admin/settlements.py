"""The month between merchants and platform: compute, look, close."""

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
from unfold.widgets import UnfoldAdminTextInputWidget

from common import clock
from common.admin import confirm, tags, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.problems import Problem
from merchants.admin import purse_words, settlement_words
from merchants.models import Settlement
from merchants.services import settlements


class MonthForm(forms.Form):
    month = forms.CharField(
        label=_("month"),
        widget=UnfoldAdminTextInputWidget(attrs={"type": "month"}),
        help_text=_("For example 2026-11."),
    )

    def clean_month(self):
        try:
            month = clock.month(self.cleaned_data["month"])
        except ValueError:
            raise forms.ValidationError(gettext("Write a month like 2026-11.")) from None
        if month > clock.local_date(timezone.now()):
            raise forms.ValidationError(gettext("This month has not begun."))
        return month


@admin.register(Settlement)
class SettlementAdmin(ReadOnlyAdmin):
    """Whose points were used at whose stores, month by month."""

    empty = _("No month has been computed yet. It is done at night after a month's end, or here.")
    list_display = ["name", "state", "as_of", "closed_by_label"]
    list_filter = ["status"]
    fields = ["name", "state", "as_of", "value", "closed_at", "closed_by_label"]
    readonly_fields = ["name", "state", "value"]
    change_form_template = "merchants/settlement.html"
    actions_list = ["compute"]
    actions_detail = ["export", "close"]

    def get_urls(self):
        view = self.admin_site.admin_view(self.compute_view)
        return [path("compute/", view, name="merchants_settlement_compute"), *super().get_urls()]

    @admin.display(description=_("month"), ordering="month")
    def name(self, settlement):
        return str(settlement)

    @tags.tagged(_("status"), {"closed": tags.GOOD, "open": tags.WAITING, "half": tags.BAD})
    def state(self, settlement):
        if settlement.status == Settlement.Status.OPEN and not settlement.is_complete:
            return "half", gettext("not computed to the end")
        return settlement.status, settlement.get_status_display()

    @admin.display(description=_("value of points"))
    def value(self, settlement):
        return gettext("%(points)s points are worth %(money)s") % {
            "points": words.number(settlement.value_points), "money": words.money(settlement.value_money),
        }  # fmt: skip

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context["table"] = settlement_words.table(obj) if obj else {}
        return super().render_change_form(request, context, add, change, form_url, obj)

    def has_settle_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("merchants.close_settlement")

    @action(description=_("Compute a month"), icon="calculate", permissions=["settle"])
    def compute(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:merchants_settlement_compute")

    def compute_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a month, then compute it as far as it is posted."""
        if not self.has_settle_permission(request):
            raise PermissionDenied
        now = timezone.now()
        last = clock.months_after(clock.month_start(clock.local_date(now)), -1)
        form = MonthForm(request.POST or None, initial={"month": f"{last:%Y-%m}"})
        if request.method == "POST" and form.is_valid():
            try:
                found = settlements.compute(form.cleaned_data["month"], now, requested_by=request.user)
                messages.success(request, gettext("The month is computed."))
                return redirect("admin:merchants_settlement_change", found.pk)
            except Problem as problem:
                refuse(request, problem)
        says = [
            gettext("What was posted in the month is counted anew; nothing is paid and nothing is final."),
            gettext("A closed month cannot be computed again."),
        ]
        return confirm.page(
            self, request, None, title=gettext("Compute a month"), says=says, form=form, submit=gettext("Compute")
        )

    @action(description=_("Export (XLSX)"), icon="download", permissions=["view"])
    def export(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Every cell as a file."""
        settlement = get_object_or_404(Settlement, pk=object_id)
        return purse_words.as_file(settlement_words.rows(settlement), f"settlement-{settlement}", "xlsx")

    def has_close_permission(self, request: HttpRequest, object_id=None) -> bool:
        settlement = self.get_object(request, object_id) if self.has_settle_permission(request) else None
        if settlement is None or settlement.status == Settlement.Status.CLOSED:
            return False
        return settlements.may_close(settlement, timezone.now())

    @action(description=_("Close the month"), icon="lock", permissions=["close"])
    def close(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Make the numbers final, after a look at what they come to."""
        settlement = get_object_or_404(Settlement, pk=object_id)
        if request.method == "POST":
            try:
                settlements.close(settlement, actor=actor(request), at=timezone.now())
                messages.success(request, gettext("The month is closed."))
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:merchants_settlement_change", object_id)
        found = settlement_words.table(settlement)
        says = [
            gettext("These numbers become final: a closed month never changes, later news belongs to the next one."),
            gettext("Each merchant then sees its own row and column."),
        ]
        return confirm.page(
            self,
            request,
            settlement,
            title=gettext("Close %s?") % settlement,
            says=says,
            facts=[*found["net"], (gettext("All together"), found["sum"])],
            submit=gettext("Close the month"),
        )
