"""Purses in words and pictures, the same for operators and merchants."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Sequence
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from openpyxl import Workbook

from common import clock
from common.admin import tags, words
from loyalty.admin import pictures
from loyalty.selectors import programme as programmes
from merchants.models import PointPurchase, Purse, SettlementCell
from merchants.selectors import purses
from merchants.selectors.purses import Line, What

WHAT: dict[str, Any] = {
    What.BOUGHT: _("Bought"),
    What.PAID_BACK: _("Paid back"),
    What.SET_ASIDE: _("Set aside for a campaign"),
    What.RETURNED: _("Returned by a campaign"),
    What.GIVEN: _("Given to a member"),
    What.TAKEN_BACK: _("Taken back after a refund"),
    What.EXPIRED: _("Expired"),
    What.ADJUSTED: _("Adjusted by the platform"),
}
STATUS_COLOURS: dict[str, str] = {
    PointPurchase.Status.DRAFT: "",
    PointPurchase.Status.SUBMITTED: tags.WAITING,
    PointPurchase.Status.CREDITED: tags.GOOD,
    PointPurchase.Status.CANCELLED: tags.BAD,
}
KINDS = dict(SettlementCell.Kind.choices)
_PAGE = 50
_WIDTH, _HEIGHT, _GAP = 1000, 220, 10


def worth(points: int) -> str:
    """What points are worth, as money."""
    return words.money(programmes.money_of(programmes.current(), points))


def overview(purse: Purse, at: dt.datetime) -> dict:
    """What a page of a purse shows: figures, the picture of months, where the points are, and the lots."""
    found = purses.whereabouts(purse)
    available = purses.available(purse, at)
    return {
        "purse": purse,
        "available": words.number(available),
        "worth": worth(available),
        "set_aside": words.number(found.pockets),
        "low": bool(purse.low_at and available < purse.low_at),
        "low_at": words.number(purse.low_at) if purse.low_at else gettext("never"),
        "closed": purse.account.closed_at,
        "breakage": purse.get_breakage_display(),
        "parts": _parts(found),
        "bought": words.number(found.bought),
        "flows": picture(purses.flows(purse, clock.local_date(at))),
        "lots": _lots(purse, at),
    }


def _parts(found: purses.Whereabouts) -> list[dict]:
    parts = [
        (gettext("In the purse"), found.purse, "#0d9488"),
        (gettext("Set aside for campaigns"), found.pockets, "#5eead4"),
        (gettext("With members"), found.members + found.held, "#60a5fa"),
        (gettext("Used by members"), found.used, "#2563eb"),
        (gettext("Expired"), found.expired, "#f59e0b"),
        (gettext("Debts repaid, fines, corrections"), found.other, "#9ca3af"),
    ]
    whole = found.bought or 1
    return [
        {
            "name": name,
            "members": words.number(points),
            "percent": points * 100 // whole,
            "colour": colour,
            "share": pictures.share(points, whole),
        }
        for name, points, colour in parts
    ]


def _lots(purse: Purse, at: dt.datetime) -> list[dict]:
    return [
        {
            "left": words.number(lot.remaining),
            "of": words.number(lot.earned),
            "source": lot.get_source_display(),
            "since": words.day(lot.earned_at),
            "until": gettext("never") if purses.never_expires(lot) else words.day(words.last_day(lot.expires_at)),
        }
        for lot in purses.lots(purse, at)[:100]
    ]


def picture(flows: Sequence[tuple[dt.date, int, int]]) -> SafeString:
    """Two columns a month, in and out, and the same in numbers."""
    most = max((max(came, went) for _month, came, went in flows), default=0) or 1
    step = _WIDTH // max(len(flows), 1)
    bar = (step - _GAP) // 2
    columns = []
    for place, (month, came, went) in enumerate(flows):
        label = date_format(month, "YEAR_MONTH_FORMAT")
        sides = [
            {"x": place * step + side * bar, "y": _HEIGHT - height, "height": height, "colour": colour, "title": title}
            for side, (height, colour, title) in enumerate(
                [
                    (came * _HEIGHT // most, "#0d9488", f"{label}: +{words.number(came)}"),
                    (went * _HEIGHT // most, "#f59e0b", f"{label}: −{words.number(went)}"),
                ]
            )
        ]
        columns.append({"label": label, "sides": sides, "came": words.number(came), "went": words.number(went)})
    context = {
        "columns": columns, "width": _WIDTH, "height": _HEIGHT, "bar": bar, "most": words.number(most),
        "title": gettext("Points in and out, month by month"), "empty": not any(c or w for _m, c, w in flows),
    }  # fmt: skip
    return render_to_string("merchants/pictures/flows.html", context)


def month_of(request: HttpRequest, today: dt.date) -> dt.date:
    """The month that the address asks for, as 2026-11; else the current one."""
    try:
        return clock.month(request.GET.get("month", ""))
    except ValueError:
        return clock.month_start(today)


def statement(purse: Purse, request: HttpRequest, today: dt.date) -> dict:
    """One month of the statement, page by page, the oldest first."""
    found = purses.month(purse, month_of(request, today))
    page = Paginator(found.rows, _PAGE).get_page(request.GET.get("page"))
    opening = found.opening
    if page.object_list and page.number > 1:
        opening += purses.total(found.rows.filter(pk__lt=page.object_list[0].pk))
    return {
        "month": found.first,
        "month_words": date_format(found.first, "YEAR_MONTH_FORMAT"),
        "before": clock.months_after(found.first, -1),
        "after": clock.months_after(found.first, 1) if found.first < clock.month_start(today) else None,
        "opening": words.number(found.opening),
        "closing": words.number(found.closing),
        "page": page,
        "rows": [_row(line) for line in purses.lines(list(page.object_list), opening)],
    }


def _row(line: Line) -> dict:
    return {
        "at": words.instant(line.at),
        "what": WHAT[line.what],
        "about": line.about,
        "change": words.signed(line.change) if line.change else "",
        "colour": "lp-plus" if line.change > 0 else "lp-minus",
        "moved": words.number(abs(line.moved)) if line.moved else "",
        "total": words.number(line.total),
    }


def statement_file(purse: Purse, month: dt.date, kind: str) -> HttpResponse:
    """A month of the statement as CSV or XLSX: every row, with opening and closing."""
    found = purses.month(purse, month)
    told = purses.lines(list(found.rows), found.opening)
    head = [_("At"), _("What"), _("Campaign"), _("Change"), _("Moved between purse and campaigns"), _("Total")]
    rows = [
        [str(word) for word in head],
        ["", gettext("Opening"), "", "", "", found.opening],
        *(
            [clock.local(line.at).replace(tzinfo=None), str(WHAT[line.what]), _safe(line.about), line.change, line.moved,
             line.total]
            for line in told
        ),
        ["", gettext("Closing"), "", "", "", found.closing],
    ]  # fmt: skip
    return as_file(rows, f"statement-{purse.merchant.code}-{month:%Y-%m}", kind)


def as_file(rows: Sequence[Sequence[Any]], name: str, kind: str) -> HttpResponse:
    """Rows as a file to take along."""
    if kind == "xlsx":
        book = Workbook()
        sheet = book.active
        for row in rows:
            sheet.append(list(row))
        body = io.BytesIO()
        book.save(body)
        response = HttpResponse(
            body.getvalue(), content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        )
    else:
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        response = HttpResponse(text.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
        kind = "csv"
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return response


def _safe(text: str) -> str:
    """No spreadsheet takes a name for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
