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
from rewards.selectors import sponsorships
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
    everybody = sponsorships.of(month)
    chosen = request.GET.get("sponsor", "")
    found = [one for one in everybody if not chosen or one.merchant.code == chosen]
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
        "sponsors": [(one.merchant.code, one.merchant.name, one.merchant.code == chosen) for one in everybody],
        "chosen": chosen,
        "is_over": month < this_month,
        "rows": [_row(one, most) for one in found],
    }
    request.current_app = admin.admin_site.name
    return TemplateResponse(request, "rewards/sponsorships.html", context)


def _row(one: Exposure, most: int) -> dict[str, Any]:
    """A sponsor in words; the widths are those of a bar that the costliest sponsor fills."""
    return {
        "merchant": words.link(one.merchant),
        **{name: words.number(getattr(one, name)) for name in ("taken", "given", "used", "members", "plays", "orders")},
        **{name: words.money(getattr(one, name)) for name in ("cash", "sponsor_cost", "platform_cost", "cost", "owed")},
        "sponsor_width": one.sponsor_cost * 100 // most,
        "platform_width": one.platform_cost * 100 // most,
        "each": words.money(-(-one.cost // one.members)) if one.members else "–",
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
