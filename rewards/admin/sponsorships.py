"""What sponsors' money has brought, month by month: the page and the file."""

from __future__ import annotations

import csv
import datetime as dt
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from common import clock
from common.admin import words
from common.admin.base import actor
from common.services import audit
from merchants.admin import purse_words
from rewards.admin import sponsor_payments, sponsor_words
from rewards.selectors import sponsor_payments as dues
from rewards.selectors import sponsorships
from rewards.selectors.sponsor_payments import Due
from rewards.selectors.sponsorships import Exposure

MONTHS = 12
_COLUMNS = ("taken", "given", "used", "members", "plays", "orders", "cash", "sponsor_cost", "platform_cost", "owed")


def view(admin: Any, request: HttpRequest) -> HttpResponse:
    """One month of all sponsors, or of the one that is asked for; `?format=csv` takes it along."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    now = timezone.now()
    this_month = clock.month_start(clock.local_date(now))
    months = [clock.months_after(this_month, -back) for back in range(MONTHS)]
    month = purse_words.month_of(request, this_month)
    chosen = request.GET.get("sponsor", "")
    everybody, accounts = sponsorships.of(month), dues.of_month(month)
    found, owing = [[one for one in all_ if chosen in ("", one.merchant.code)] for all_ in (everybody, accounts)]
    sponsors = sorted({one.merchant for one in (*everybody, *accounts)}, key=lambda merchant: merchant.name)
    if request.GET.get("format") == "csv":
        summary = gettext("Exported: what sponsors' money brought, %s") % f"{month:%Y-%m}"
        audit.record(actor(request), "rewards.sponsorships.export", None, summary, now)
        return _file(month, found)
    most = max((one.cost for one in found), default=0) or 1
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": gettext("What sponsors' money brought"),
        "months": [(f"{first:%Y-%m}", date_format(first, "YEAR_MONTH_FORMAT"), first == month) for first in months],
        "month": f"{month:%Y-%m}",
        "sponsors": [(merchant.code, merchant.name, merchant.code == chosen) for merchant in sponsors],
        "chosen": chosen,
        "is_over": month < this_month,
        "rows": [_row(one, most) for one in found],
        "dues": [_due(due, month, month < this_month) for due in owing],
        "may_record": sponsor_payments.may_record(request),
    }
    request.current_app = admin.admin_site.name
    return TemplateResponse(request, "rewards/sponsorships.html", context)


def _row(one: Exposure, most: int) -> dict[str, Any]:
    """A sponsor in words; the widths are those of a bar that the costliest sponsor fills."""
    return {
        "merchant": words.link(one.merchant),
        **{name: words.number(getattr(one, name)) for name in ("taken", "given", "used", "members", "plays", "orders")},
        **{name: words.money(getattr(one, name)) for name in ("cash", "sponsor_cost", "platform_cost", "cost")},
        "sponsor_width": one.sponsor_cost * 100 // most,
        "platform_width": one.platform_cost * 100 // most,
        "each": words.money(-(-one.cost // one.members)) if one.members else "–",
    }


def _due(due: Due, month: dt.date, is_over: bool) -> dict[str, Any]:
    """What a sponsor owes and has paid, and where a payment is written down while something is open."""
    return {
        "merchant": words.link(due.merchant),
        **{name: words.money(getattr(due, name)) for name in ("rewards", "benefits", "paid", "open")},
        "state": sponsor_words.state(due.owed, due.paid, is_over),
        "record": sponsor_payments.record_link(due, month) if is_over and due.open else "",
    }


def _file(month: dt.date, found: list[Exposure]) -> HttpResponse:
    """The same as CSV: codes of merchants, amounts in minor units."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="sponsors-{month:%Y-%m}.csv"'
    writer = csv.writer(answer)
    writer.writerow(["sponsor", *_COLUMNS])
    for one in found:
        writer.writerow([one.merchant.code, *(getattr(one, name) for name in _COLUMNS)])
    return answer
