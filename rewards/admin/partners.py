"""Partners who honour codes, what they are owed, and what was settled."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export import resources
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget

from common import clock
from common.admin import confirm, words
from common.admin.base import AuditedAdmin, ReadOnlyAdmin, actor, refuse
from common.admin.files import ExportAdminMixin
from common.problems import Problem
from rewards.models import Partner, Settlement
from rewards.selectors import settlements as owed
from rewards.services import settlements


def _month(day: dt.date) -> str:
    return date_format(day, "YEAR_MONTH_FORMAT")


class MonthForm(forms.Form):
    month = forms.ChoiceField(label=_("settle everything up to the end of"), widget=UnfoldAdminSelectWidget)

    def __init__(self, *args, months: list[dt.date], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["month"].choices = [(month.isoformat(), _month(month)) for month in months]


@admin.register(Partner)
class PartnerAdmin(AuditedAdmin):
    """Whoever honours codes that we hand out."""

    empty = _("No partner yet. A partner honours codes that members get for points, and is paid for those claimed.")
    list_display = ["name", "code", "instructions", "owed_now"]
    search_fields = ["name", "code"]
    search_help_text = _("A name or a code.")
    prepopulated_fields = {"code": ["name"]}
    actions_detail = ["settle"]

    def get_queryset(self, request):
        unsettled = Q(rewards__codes="partner", rewards__code_set__settlement=None)
        claimed = Q(rewards__code_set__status__in=owed.OWED, rewards__code_set__claimed_at__isnull=False)
        total = Sum("rewards__code_set__price", filter=unsettled & claimed, default=0)
        return super().get_queryset(request).annotate(owed_total=total)

    @admin.display(description=_("owed now"), ordering="owed_total")
    def owed_now(self, partner):
        return words.money(partner.owed_total)

    def get_readonly_fields(self, request, obj=None):
        return ["code"] if obj else []

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def has_delete_permission(self, request, obj=None):
        return False

    def has_settle_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("rewards.settle_partner")

    @action(description=_("Settle"), icon="payments", permissions=["settle"])
    def settle(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Show what is owed month by month, and settle up to the end of one."""
        partner = get_object_or_404(Partner, pk=object_id)
        today = clock.local_date(timezone.now())
        rows = [row for row in owed.owed() if row.partner == partner]
        months = [row.month for row in rows if row.month < clock.month_start(today)]
        form = MonthForm(request.POST or None, months=months)
        if request.method == "POST" and form.is_valid():
            month = dt.date.fromisoformat(form.cleaned_data["month"])
            try:
                done = settlements.settle(partner, month, actor=actor(request), at=timezone.now())
            except Problem as problem:
                refuse(request, problem)
                return redirect("admin:rewards_partner_change", object_id)
            messages.success(request, gettext("Settled: %s.") % words.money(done.amount))
            return redirect("admin:rewards_settlement_change", done.pk)
        facts = [
            (_month(row.month), gettext("%(codes)s codes, %(amount)s") % {
                "codes": words.number(row.codes), "amount": words.money(row.amount),
            })
            for row in rows
        ]  # fmt: skip
        says = [gettext("A code that was claimed is owed for, used or not; one that was given back is not.")]
        if not months:
            says.append(gettext("No month that is over is owed for."))
        title, submit = gettext("Settle with %s") % partner, gettext("Settle") if months else ""
        return confirm.page(
            self, request, partner, title=title, says=says, facts=facts, form=form if months else None, submit=submit
        )


class SettlementResource(resources.ModelResource):
    class Meta:
        model = Settlement
        fields = ("partner__code", "month", "codes", "amount", "at", "actor_label")


@admin.register(Settlement)
class SettlementAdmin(ExportAdminMixin, ReadOnlyAdmin):
    """What was paid to partners for the codes that members claimed."""

    resource_classes = [SettlementResource]
    empty = _("Nothing was settled yet. It is done on a partner's page when a month is over.")
    list_display = ["partner", "month_words", "codes", "money", "at", "actor_label"]
    list_filter = ["partner"]
    list_select_related = ["partner"]
    date_hierarchy = "month"
    fields = ["partner", "month_words", "codes", "money", "at", "actor_label"]
    readonly_fields = ["month_words", "money"]

    @admin.display(description=_("up to the end of"), ordering="month")
    def month_words(self, settlement):
        return _month(settlement.month)

    @admin.display(description=_("amount"), ordering="amount")
    def money(self, settlement):
        return words.money(settlement.amount)
