"""Closing an account from the member's page: what is lost is said before it is done."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from common.admin import confirm, words
from common.admin.base import Admin, actor, refuse
from common.problems import Problem
from members.models import Member
from members.selectors import leaving
from members.selectors.leaving import Waived
from members.services import closing

_KINDS = {
    "points": _("Points"),
    "tier": _("Tier"),
    "medal": _("Medal"),
    "plan": _("Plan"),
    "card": _("Card"),
    "reward": _("Reward"),
    "benefit": _("Benefit"),
    "tickets": _("Tickets"),
}


class CloseForm(forms.Form):
    waive = forms.BooleanField(
        label=_("The member gives all of this up"), widget=UnfoldBooleanSwitchWidget, help_text=_("She was told of it.")
    )
    reason = forms.CharField(label=_("reason"), max_length=300, widget=UnfoldAdminTextInputWidget)


def page(model_admin: Admin, request: HttpRequest, member: Member) -> HttpResponse:
    """Show, then close."""
    now = timezone.now()
    form = CloseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            closing.close(member, waive=True, actor=actor(request), at=now, reason=form.cleaned_data["reason"])
            messages.success(request, gettext("The account is closed; within minutes nothing says who it was."))
            return redirect("admin:members_member_change", member.pk)
        except Problem as problem:
            refuse(request, problem)
    found = leaving.of(member, now)
    hindered = bool(found.hindrances)
    says = [one.detail for one in found.hindrances] if hindered else [
        gettext("This is for good. Points expire, cards and plans end, and the personal data is erased; the books stay."),
        gettext("Who registers again is a new member. With the same real-name id there are no welcome gifts."),
    ]  # fmt: skip
    title = gettext("The account cannot be closed yet") if hindered else gettext("Close the account?")
    return confirm.page(
        model_admin,
        request,
        member,
        title=title,
        says=says,
        facts=[_say(one) for one in found.waived],
        submit="" if hindered else gettext("Close for good"),
        form=None if hindered else form,
    )


def _say(one: Waived) -> tuple[str, str]:
    parts = [one.title]
    if one.code == "plan":
        parts.append(gettext("%s days") % words.number(one.amount))
    elif one.code == "tier":
        parts.append(gettext("growth %s") % words.number(one.amount))
    elif one.code == "card":
        parts.append(gettext("%d points of the card") % one.amount)
    elif one.code == "points":
        parts = [f"{words.number(one.amount)} {one.title}"]
    elif one.amount > 1:
        parts.append(words.number(one.amount))
    if one.value:
        parts.append(gettext("worth %s") % words.money(one.value))
    if one.until:
        parts.append(gettext("good until %s") % words.day(words.last_day(one.until)))
    return str(_KINDS.get(one.code, one.code)), " · ".join(parts)
