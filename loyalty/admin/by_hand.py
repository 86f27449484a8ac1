"""A tier set by hand, from the member's page: what it means is said before it is done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from common.admin import confirm, words
from common.admin.base import Admin, actor, refuse
from common.problems import Problem
from loyalty.admin.tiers import badge
from loyalty.models import Ladder, Standing, Tier
from loyalty.services import editions, overrides


class NoteForm(forms.Form):
    """Why."""

    note = forms.CharField(
        label=_("reason"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("The member's history and the audit log keep it."),
    )


class TierForm(NoteForm):
    """Which tier, until when, and why."""

    tier = forms.ModelChoiceField(label=_("tier"), queryset=Tier.objects.none(), widget=UnfoldAdminSelectWidget)
    until_on = forms.DateField(
        label=_("until the end of"),
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text=_("Afterwards growth decides again."),
    )
    field_order = ["tier", "until_on", "note"]

    def __init__(self, *args, ladder: Ladder | None, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["tier"].queryset = Tier.objects.filter(rungs__ladder=ladder)


def set_tier(model_admin: Admin, request: HttpRequest, standing: Standing) -> HttpResponse:
    """Ask, then set."""
    form = TierForm(request.POST or None, ladder=editions.in_force(Ladder, timezone.now()))
    says = [
        gettext(
            "The member has this tier at once. Until then nothing is reviewed or deducted; growth goes on as ever."
        ),
        gettext("The member is told of the change like of any other."),
    ]

    def deed(at: dt.datetime) -> None:
        data = form.cleaned_data
        overrides.set_tier(
            standing.member, data["tier"], data["until_on"], note=data["note"], actor=actor(request), at=at
        )

    return _page(model_admin, request, standing, form, deed, gettext("Set tier by hand"), says)


def lift(model_admin: Admin, request: HttpRequest, standing: Standing) -> HttpResponse:
    """Ask, then let growth decide."""
    form = NoteForm(request.POST or None)
    says = [gettext("From now on growth decides: the member comes to the tier that the growth of today reaches.")]

    def deed(at: dt.datetime) -> None:
        overrides.lift(standing.member, note=form.cleaned_data["note"], actor=actor(request), at=at)

    return _page(model_admin, request, standing, form, deed, gettext("End the tier set by hand"), says)


def _page(
    model_admin: Admin,
    request: HttpRequest,
    standing: Standing,
    form: forms.Form,
    deed: Callable[[dt.datetime], None],
    title: str,
    says: list[str],
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            deed(timezone.now())
            messages.success(request, gettext("The tier is set."))
            return redirect("admin:members_member_change", standing.pk)
        except Problem as problem:
            refuse(request, problem)
    facts = [
        (gettext("Member"), words.link(standing.member)),
        (gettext("Tier now"), badge(standing.tier)),
        (gettext("Growth"), words.number(standing.whole_growth)),
    ]
    return confirm.page(
        model_admin, request, standing.member, title=title, says=says, facts=facts, submit=title, form=form
    )
