"""Merging members, and undoing it, from the member's page: both sides are shown before it is done."""

from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from common.admin import confirm
from common.admin.base import Admin, actor, refuse
from common.models import Look
from common.problems import Problem
from members.models import Member
from members.selectors import merging
from members.services import members


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("reason"), max_length=300, widget=UnfoldAdminTextInputWidget)


class MergeForm(ReasonForm):
    """Into whom, and why."""

    into = forms.CharField(
        label=_("Into the member"),
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("External id of the member that remains. Names of both then stand for it."),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    field_order = ["into", "reason", "seen"]

    def __init__(self, *args, source: Member, **kwargs):
        super().__init__(*args, **kwargs)
        self.source = source

    def clean_into(self) -> Member:
        try:
            target = members.active(self.cleaned_data["into"].strip())
        except Problem as problem:
            raise ValidationError(str(problem.title)) from None
        if target == self.source:
            raise ValidationError(gettext("This is the member at hand."))
        return target


def merge_page(model_admin: Admin, request: HttpRequest, source: Member) -> HttpResponse:
    """Ask into whom, show both sides, then merge: only the second step changes anything."""
    form, sides, says = MergeForm(request.POST or None, source=source), [], []
    title, submit = gettext("Merge into another member"), gettext("Show both sides")
    if request.method == "POST" and form.is_valid():
        target = form.cleaned_data["into"]
        if form.cleaned_data["seen"] == target.external_id:
            deed = lambda at: members.merge(  # noqa: E731
                source.external_id, target.external_id, at, actor(request), form.cleaned_data["reason"]
            )
            if _done(request, deed, gettext("Merged into %s.") % target):
                return redirect("admin:members_member_change", target.pk)
        model_admin.note_look(request, Look.Kind.PAGE, subject=target.external_id)
        sides = merging.of_merge(source, target, timezone.now())
        form.data = {**form.data.dict(), "seen": target.external_id}
        says = [
            gettext("%(source)s goes into %(target)s, whose name stays.") % {"source": source, "target": target},
            gettext("It can be undone, but not what is spent or changed meanwhile."),
        ]
        submit = gettext("Merge")
    return confirm.page(
        model_admin, request, source, title=title, says=says, submit=submit, form=form,
        template="members/merge.html", sides=sides, last=gettext("After"),
    )  # fmt: skip


def unmerge_page(model_admin: Admin, request: HttpRequest, source: Member) -> HttpResponse:
    """Show what comes back and what cannot, then part."""
    form, target = ReasonForm(request.POST or None), source.merged_into
    if target is None:
        return redirect("admin:members_member_change", source.pk)
    if request.method == "POST" and form.is_valid():
        deed = lambda at: members.unmerge(source.external_id, at, actor(request), form.cleaned_data["reason"])  # noqa: E731
        if _done(request, deed, gettext("The two are two again.")):
            return redirect("admin:members_member_change", source.pk)
    return confirm.page(
        model_admin,
        request,
        source,
        title=gettext("Undo the merge?"),
        says=[
            gettext("%(source)s stands for itself again; %(target)s keeps the rest.")
            % {"source": source, "target": target}
        ],
        submit=gettext("Undo the merge"),
        form=form,
        template="members/merge.html",
        sides=merging.of_parting(source, target, timezone.now()),
        last=gettext("What cannot come back"),
    )


def _done(request: HttpRequest, deed: Callable, says: str) -> bool:
    try:
        deed(timezone.now())
    except Problem as problem:
        refuse(request, problem)
        return False
    messages.success(request, says)
    return True
