from __future__ import annotations

import datetime as dt
from functools import partial

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget

from common import clock
from common.admin import confirm, tags, words
from common.admin.base import actor, refuse
from common.admin.money import MoneyField
from common.admin.preview import PreviewMixin
from common.admin.seen import SeenForm, agreed, whole
from common.problems import Problem
from merchants.admin import rebate_words
from merchants.admin.site import site
from merchants.models import Deed, Rebate, RebateScheme, RebateStep
from merchants.selectors import rebates as selector
from merchants.services import rebates

from .base import PortalAdmin, PortalInline, PortalReadOnlyAdmin, may
from .owned import OwnedForm, OwnedMixin

Status = RebateScheme.Status
_STARTS_OFFERED = 3


class RebateStepForm(forms.ModelForm):
    from_spend = MoneyField(label=_("From spend"), min_value=0)

    class Meta:
        model = RebateStep
        fields = ["from_spend", "percent"]


class RebateStepInline(PortalInline):
    model = RebateStep
    form = RebateStepForm
    edits = Deed.EDIT
    tab = False
    hide_title = True
    verbose_name_plural = _("Steps: the highest one that was reached counts for the whole amount")

    def _is_draft(self, obj) -> bool:
        return obj is None or obj.status == Status.DRAFT

    def has_add_permission(self, request, obj=None):
        return super().has_add_permission(request, obj) and self._is_draft(obj)

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and self._is_draft(obj)

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and self._is_draft(obj)


class RebateSchemeForm(OwnedForm):
    class Meta:
        model = RebateScheme
        fields = ["name", "period"]


class StartForm(SeenForm):
    """With which period it begins."""

    starts_on = forms.TypedChoiceField(
        label=_("starts on"), coerce=dt.date.fromisoformat, widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args, scheme: RebateScheme, today: dt.date, **kwargs):
        super().__init__(*args, **kwargs)
        first, _after = selector.period_of(scheme.period, today)
        months = selector.MONTHS[RebateScheme.Period(scheme.period)]
        starts = [clock.months_after(first, months * number) for number in range(_STARTS_OFFERED)]
        self.fields["starts_on"].choices = [(day.isoformat(), words.day(day)) for day in starts]


@admin.register(RebateScheme, site=site)
class RebateSchemeAdmin(OwnedMixin, PreviewMixin, PortalAdmin):
    """Points back for what business members spent in a month, quarter or year."""

    edits = Deed.EDIT
    empty = _("No rebate scheme yet. Business members who spend much in a period can get points back for it.")
    form = RebateSchemeForm
    list_display = ["name", "period", "steps_label", "status_label", "starts_on", "ends_on"]
    list_filter = ["status", "period"]
    search_fields = ["name"]
    search_help_text = _("A name.")
    inlines = [RebateStepInline]
    preview_template = "merchants/rebate_preview.html"
    fields = ["name", "period"]
    actions_detail = ["start", "stop"]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("steps")

    def has_change_permission(self, request, obj=None):
        """What was promised is not changed any more."""
        return super().has_change_permission(request, obj) and (obj is None or obj.status == Status.DRAFT)

    def _is(self, request, object_id, status: str) -> bool:
        scheme = self.get_object(request, str(object_id)) if may(request, Deed.START) else None
        return scheme is not None and scheme.status == status

    def has_begin_permission(self, request, object_id=None):
        return self._is(request, object_id, Status.DRAFT)

    def has_stop_permission(self, request, object_id=None):
        return self._is(request, object_id, Status.RUNNING)

    def preview(self, obj, inlines):
        return rebate_words.preview(obj, list(obj.steps.all()) if inlines is None else inlines)

    @admin.display(description=_("steps"))
    def steps_label(self, scheme):
        return rebate_words.steps(scheme)

    @tags.tagged(_("status"), rebate_words.SCHEMES)
    def status_label(self, scheme):
        return scheme.status, scheme.get_status_display()

    @action(description=_("Start"), icon="play_circle", permissions=["begin"])
    def start(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Put the scheme in force, after asking from when."""
        scheme = self._of(request, object_id)
        now = timezone.now()
        today = clock.local_date(now)
        form = StartForm(request.POST or None, initial={"seen": _mark(scheme)}, scheme=scheme, today=today)
        if request.method == "POST" and form.is_valid():
            day = form.cleaned_data["starts_on"]
            with transaction.atomic():
                draft = agreed(request, scheme, _mark)
                if draft is not None:
                    deed = partial(rebates.start, draft, day, actor(request), now)
                    return self._do(request, draft, deed, gettext("The scheme is on."))
            scheme = self._of(request, object_id)
            form = StartForm(initial={"seen": _mark(scheme)}, scheme=scheme, today=today)
        says = [
            gettext("From then on it is a promise: steps cannot be changed, and your purse pays after each period."),
            gettext("If the purse is short, rebates stay open and are paid when there are points."),
        ]
        return confirm.page(
            self,
            request,
            scheme,
            title=gettext("Start this rebate scheme?"),
            says=says,
            facts=[(gettext("Steps"), rebate_words.steps(scheme))],
            form=form,
            submit=gettext("Start"),
        )

    @action(description=_("Stop"), icon="stop_circle", permissions=["stop"])
    def stop(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Let it end with the running period, after asking."""
        scheme = self._of(request, object_id)
        if request.method == "POST":
            return self._do(
                request,
                scheme,
                lambda: rebates.stop(scheme, actor(request), timezone.now()),
                gettext("The scheme ends with the running period."),
            )
        says = [gettext("The period that runs now is settled and paid as promised; then it is over.")]
        return confirm.page(
            self, request, scheme, title=gettext("Stop this rebate scheme?"), says=says, submit=gettext("Stop")
        )

    def _of(self, request, object_id) -> RebateScheme:
        scheme = self.get_object(request, str(object_id))
        if scheme is None:
            self._get_obj_does_not_exist_redirect(request, self.opts, str(object_id))
        return scheme

    def _do(self, request, scheme, deed, done):
        try:
            deed()
            messages.success(request, done)
        except Problem as problem:
            refuse(request, problem)
        return redirect("merchant:merchants_rebatescheme_change", scheme.pk)


def _mark(scheme: RebateScheme) -> str:
    return whole(scheme, *scheme.steps.order_by("pk"))


@admin.register(Rebate, site=site)
class RebateAdmin(PortalReadOnlyAdmin):
    """What business members get for a period, and whether your purse has paid it."""

    tenant = "scheme__merchant"
    empty = _("No rebate yet. They are settled in the night after a period.")
    list_display = [
        "member",
        "scheme",
        "period",
        "spend_label",
        "percent",
        "correction",
        "points",
        "status_label",
        "why",
    ]
    list_filter = ["status", "reason", "scheme"]
    list_select_related = ["member", "scheme"]
    search_fields = ["=member__external_id", "member__name"]
    search_help_text = _("A member's customer number or name.")
    fields = [
        "member_name", "scheme", "period", "spend_label", "percent", "earned", "correction", "points", "status_label", "why",
        "settled_at", "paid_at",
    ]  # fmt: skip

    @admin.display(description=_("member"), ordering="member")
    def member_name(self, rebate):
        return str(rebate.member)

    @admin.display(description=_("period"), ordering="starts_on")
    def period(self, rebate):
        return f"{words.day(rebate.starts_on)} – {words.day(rebate.ends_on - dt.timedelta(days=1))}"

    @admin.display(description=_("net spend"), ordering="spend")
    def spend_label(self, rebate):
        return words.money(rebate.spend)

    @tags.tagged(_("status"), rebate_words.REBATES)
    def status_label(self, rebate):
        return rebate.status, rebate.get_status_display()

    @admin.display(description=_("open because"))
    def why(self, rebate):
        return rebate.get_reason_display() or "–"
