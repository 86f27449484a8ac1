"""The coming review as a list, before it happens: who is due until a day, what will happen to each, and the approval."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from common import clock
from common.admin import tags, words
from common.admin.base import Admin, actor
from common.models import Look
from loyalty.admin import amounts
from loyalty.models import Ladder, Tier
from loyalty.selectors import programme as programmes
from loyalty.services import approvals, editions, forecasts, tiers
from loyalty.services.forecasts import Verdict

_PER_PAGE = 50
_OUTCOMES = {"down": _("falls"), "grace": _("falls after the grace"), "kept": _("keeps the tier"), "up": _("rises")}
_COLOURS = {"down": tags.BAD, "grace": tags.WAITING, "kept": "", "up": tags.GOOD}


class UntilForm(forms.Form):
    """Which reviews to look at."""

    until = forms.DateField(label=_("due until"), widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))
    outcome = forms.ChoiceField(
        label=_("what will happen"),
        required=False,
        choices=[("", _("everything")), *_OUTCOMES.items()],
        widget=UnfoldAdminSelectWidget,
    )


def page(model_admin: Admin, request: HttpRequest) -> HttpResponse:
    """Show the list, hand it out as a file, or approve it."""
    now = timezone.now()
    today = clock.local_date(now)
    form = UntilForm(request.POST or request.GET or {"until": today})
    until = form.cleaned_data["until"] if form.is_valid() else today
    if request.method == "POST":
        return _approve(request, until, now)
    ladder = editions.in_force(Ladder, now)
    known = Tier.objects.in_bulk()
    found = forecasts.coming_review(ladder, clock.day_start(until)) if ladder else []
    counts = Counter(outcome(verdict, known) for verdict in found)
    wanted = form.cleaned_data.get("outcome") if form.is_valid() else ""
    chosen = [verdict for verdict in found if not wanted or outcome(verdict, known) == wanted]
    if "csv" in request.GET:
        model_admin.note_look(request, Look.Kind.EXPORT, rows=len(chosen))
        return _file(chosen, known, until)
    listed = Paginator(chosen, _PER_PAGE).get_page(request.GET.get("page"))
    model_admin.note_look(request, Look.Kind.LIST, rows=len(listed.object_list))
    programme = programmes.current()
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": gettext("Next review"),
        "form": form,
        "ladder": ladder,
        "until": until,
        "wanted": wanted or "",
        "counts": [(words_, words.number(counts[name]), _COLOURS[name]) for name, words_ in _OUTCOMES.items()],
        "total": len(found),
        "page": listed,
        "rows": [_row(verdict, known) for verdict in listed.object_list],
        "needs_approval": programme.review_needs_approval,
        "approved_until": programme.reviews_approved_until,
        "may_approve": programme.review_needs_approval and request.user.has_perm("loyalty.approve_standing"),
    }
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, "loyalty/next_review.html", context)


def outcome(verdict: Verdict, known: dict[int, Tier]) -> str:
    """What the review does, in one of four words."""
    before, after = (known[tier].rank if tier else -1 for tier in (verdict.tier_before, verdict.tier_after))
    if after == before:
        return "grace" if verdict.in_grace else "kept"
    return "up" if after > before else "down"


def _approve(request: HttpRequest, until: dt.date, now: dt.datetime) -> HttpResponse:
    """Let the reviews due by the start of the day happen, and carry out now what is due now."""
    if not request.user.has_perm("loyalty.approve_standing"):
        raise PermissionDenied
    approvals.approve(clock.day_start(until), actor(request), now)
    run = tiers.review(now, now, requested_by=request.user)
    done = words.number(run.counts.get("reviewed", 0))
    messages.success(request, gettext("Approved. Members reviewed: %s.") % done)
    return redirect("admin:loyalty_standing_next_review")


def _row(verdict: Verdict, known: dict[int, Tier]) -> dict:
    said = outcome(verdict, known)
    return {
        "verdict": verdict,
        "before": known.get(verdict.tier_before or 0),
        "after": known.get(verdict.tier_after or 0),
        "outcome": tags.tag(_OUTCOMES[said], _COLOURS[said]),
        "growth": amounts.growth(verdict.growth_before),
        "taken": amounts.change(verdict.growth_after - verdict.growth_before),
        "left": amounts.growth(verdict.growth_after),
    }


def _file(chosen: Sequence[Verdict], known: dict[int, Tier], until: dt.date) -> StreamingHttpResponse:
    """The list as a file for a spreadsheet."""
    answer = StreamingHttpResponse(_lines(chosen, known), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="reviews-{until}.csv"'
    return answer


class _Echo:
    """csv writes a line, and gets it back."""

    def write(self, text: str) -> str:
        return text


def _lines(chosen: Iterable[Verdict], known: dict[int, Tier]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(["member", "review", "from", "to", "outcome", "growth", "growth after"])
    for verdict in chosen:
        before, after = known.get(verdict.tier_before or 0), known.get(verdict.tier_after or 0)
        yield writer.writerow(
            [
                _harmless(verdict.external_id),
                clock.local_date(verdict.review_at).isoformat(),
                before.code if before else "",
                after.code if after else "",
                outcome(verdict, known),
                amounts.plain(verdict.growth_before),
                amounts.plain(verdict.growth_after),
            ]
        )


def _harmless(text: str) -> str:
    """A spreadsheet must not take a member's name for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text
