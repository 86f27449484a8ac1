"""The list of cards that a campaign or a message means, pasted in."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from common.admin import confirm
from common.admin.base import actor
from common.admin.seen import digest, whole
from common.problems import InvalidInput
from merchants.models import Audience, Reach
from merchants.services import audiences

_SHOWN = 10


class CardsForm(forms.Form):
    cards = forms.CharField(
        label=_("Cards"),
        widget=UnfoldAdminTextareaWidget({"rows": 12}),
        help_text=_("One a line: the number of your own card, or the card's code here. It replaces the list there is."),
    )

    def clean_cards(self):
        lines = [line.strip() for line in self.cleaned_data["cards"].replace(",", "\n").splitlines()]
        return [line for line in lines if line]


def open_for(reach: Reach | None) -> bool:
    """Whether it is a draft that means a list."""
    return reach is not None and reach.status == "draft" and reach.audience == Audience.LIST


def mark(reach: Reach) -> str:
    """All that a draft says and the cards it means, for who starts or sends it."""
    return digest(whole(reach), *reach.listed.order_by("pk").values_list("pk", flat=True))


def page(model_admin, request: HttpRequest, reach: Reach) -> HttpResponse:
    """Ask for the list; every row that is no card is named, and then nothing has changed."""
    form = CardsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            count = audiences.list_cards(reach, form.cleaned_data["cards"], actor(request), timezone.now())
        except InvalidInput as problem:
            told = [error["detail"] for error in problem.errors] or [str(problem.detail)]
            more = [gettext("… and %d more.") % (len(told) - _SHOWN)] if len(told) > _SHOWN else []
            form.add_error("cards", [*told[:_SHOWN], *more])
        else:
            messages.success(request, ngettext("%d card is listed.", "%d cards are listed.", count) % count)
            return redirect(f"merchant:merchants_{reach._meta.model_name}_change", reach.pk)
    title = gettext("List the cards")
    return confirm.page(model_admin, request, reach, title=title, submit=gettext("Make this the list"), form=form)
