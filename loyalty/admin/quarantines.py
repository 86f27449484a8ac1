"""Points that are looked into: set aside from the list of lots, then released or taken back in one go."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from common.admin import confirm, tags, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.problems import Problem
from loyalty.admin import holders
from loyalty.models import Hold, Lot, Quarantine
from loyalty.services import quarantines

Status = Quarantine.Status
_CHOSEN = "quarantine_lots"
_SHOWN = 50


class CaseForm(forms.Form):
    title = forms.CharField(label=_("case"), max_length=100, widget=UnfoldAdminTextInputWidget)
    evidence = forms.CharField(
        label=_("evidence"),
        max_length=4000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text=_("What points to it: orders, devices, a bank's letter. Whoever decides reads this; members do not."),
    )


class NoteForm(forms.Form):
    note = forms.CharField(
        label=_("why so"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("The member may ask for the reason: write what can be said to the member."),
    )


@admin.register(Quarantine)
class QuarantineAdmin(ReadOnlyAdmin):
    """Cases: who set which points aside, why, and how it ended."""

    empty = _("Nothing is being looked into. Choose lots in the list of lots, then “Set aside”.")
    list_display = ["title", "state", "points", "members", "opened_at", "opened_by", "decided_by"]
    list_filter = ["status"]
    list_select_related = ["opened_by", "decided_by"]
    search_fields = ["title", "evidence", "=holds__hold__account__wallet__member__external_id"]
    search_help_text = _("A case, words of the evidence, or a member's external id.")
    date_hierarchy = "opened_at"
    actions_detail = ["release", "reverse"]
    fieldsets = [
        (None, {"fields": [("title", "state"), "evidence", ("opened_at", "opened_by"), ("points", "members")]}),
        (_("Decision"), {"fields": [("decided_at", "decided_by"), "note"]}),
        (_("Points"), {"fields": ["what"]}),
    ]
    readonly_fields = ["state", "points", "members", "what"]

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows.annotate(total=Sum("holds__hold__points"), people=Count("holds__hold__account", distinct=True))

    def get_urls(self):
        view = self.admin_site.admin_view(self.open_view)
        return [path("open/", view, name="loyalty_quarantine_open"), *super().get_urls()]

    def has_decide_permission(self, request: HttpRequest, object_id=None) -> bool:
        may = request.user.has_perm("loyalty.decide_quarantine")
        return may and Quarantine.objects.filter(pk=object_id, status=Status.OPEN).exists()

    @tags.tagged(_("state"), {Status.OPEN: tags.WAITING, Status.RELEASED: tags.GOOD, Status.REVERSED: tags.BAD})
    def state(self, case):
        return case.status, case.get_status_display()

    @admin.display(description=_("points"), ordering="total")
    def points(self, case):
        return words.number(case.total)

    @admin.display(description=_("members"), ordering="people")
    def members(self, case):
        return words.number(case.people)

    @admin.display(description=_("points of"))
    def what(self, case):
        """Each member with the points, the most first."""
        holds = (
            Hold.objects.filter(quarantined__quarantine=case).select_related(*holders.ACCOUNT).order_by("-points", "pk")
        )
        rows = format_html_join(
            "", "<tr><td>{}</td><td>{}</td></tr>",
            ((holders.link(hold.account), words.number(hold.points)) for hold in holds[:_SHOWN]),
        )  # fmt: skip
        more = case.people - _SHOWN
        tail = gettext("… and %d more") % more if more > 0 else ""
        return format_html('<table class="lp-table">{}</table>{}', rows, tail)

    def open_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for name and evidence, then let the service set the chosen lots aside."""
        if not request.user.has_perm("loyalty.open_quarantine"):
            raise PermissionDenied
        chosen = request.session.get(_CHOSEN, [])
        lots = Lot.objects.filter(pk__in=chosen, is_open=True)
        form = CaseForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                case = quarantines.open(chosen, **form.cleaned_data, actor=actor(request), at=timezone.now())
                request.session.pop(_CHOSEN, None)
                messages.success(request, gettext("The points are set aside."))
                return redirect("admin:loyalty_quarantine_change", case.pk)
            except Problem as problem:
                refuse(request, problem)
        sums = lots.aggregate(points=Sum("remaining"), people=Count("account", distinct=True))
        numbers = {"points": words.number(sums["points"] or 0), "people": words.number(sums["people"])}
        return confirm.page(
            self,
            request,
            None,
            title=gettext("Set points aside?"),
            says=[
                gettext("%(points)s points of %(people)s members cannot be spent until somebody has decided.")
                % numbers,
                gettext("Their time stands still meanwhile. The members are told that points are being looked into."),
            ],
            submit=gettext("Set aside"),
            form=form,
        )

    @action(description=_("Release"), icon="lock_open", permissions=["decide"], url_path="release")
    def release(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say what will happen, then give the points back."""
        says = gettext("%(points)s points of %(people)s members can be spent again, with the time they had left.")
        return self._decide(
            request, object_id, quarantines.release, gettext("Release the points?"), says, gettext("Release")
        )

    @action(description=_("Take back"), icon="gavel", permissions=["decide"], url_path="reverse")
    def reverse(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say what will happen, then take the points back, by a second person."""
        says = gettext(
            "%(points)s points of %(people)s members are taken back; what merchants had funded returns to them. "
            "This cannot be undone."
        )
        return self._decide(
            request, object_id, quarantines.reverse, gettext("Take the points back?"), says, gettext("Take back")
        )

    def _decide(self, request, object_id, verb, title, says, submit) -> HttpResponse:
        case = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = NoteForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                done = verb(case, note=form.cleaned_data["note"], actor=actor(request), at=timezone.now())
                messages.success(
                    request, gettext("%(case)s: %(state)s.") % {"case": done, "state": done.get_status_display()}
                )
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:loyalty_quarantine_change", object_id)
        numbers = {"points": words.number(case.total or 0), "people": words.number(case.people)}
        facts = [(gettext("Evidence"), case.evidence), (gettext("Opened by"), case.opened_by or "–")]
        return confirm.page(
            self, request, case, title=title, says=[says % numbers], facts=facts, submit=submit, form=form
        )


def choose(request: HttpRequest, lots) -> HttpResponse:
    """The bulk action of the list of lots: remember what was chosen and ask for the case."""
    chosen = list(lots.values_list("pk", flat=True)[: quarantines.MOST + 1])
    if len(chosen) > quarantines.MOST:
        messages.error(request, gettext("At most %d lots can be set aside at once.") % quarantines.MOST)
        return redirect("admin:loyalty_lot_changelist")
    request.session[_CHOSEN] = chosen
    return redirect(reverse("admin:loyalty_quarantine_open"))
