"""The operators' overview: figures, two charts, and what somebody should look at."""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from common import clock
from common.admin import charts, words
from common.admin import jobs as job_pages
from loyalty.selectors import dashboard
from loyalty.selectors import programme as programmes

_KEPT_SECONDS = 60
_COLOURS = {"issued": "#2563eb", "spent": "#16a34a", "expired": "#f59e0b"}


def fill(request: HttpRequest, context: dict) -> dict:
    """Put the programme's numbers on the overview, for those who may see accounts; a minute old at most."""
    if not request.user.has_perm("loyalty.view_account"):
        return {**context, "may_see": False}
    now = timezone.now()
    numbers = cache.get_or_set("loyalty.dashboard", lambda: _numbers(now), _KEPT_SECONDS)
    health = dashboard.health(now)
    jobs = [(run, job_pages.title(run.job), job_pages.say(run.counts)) for run in health.jobs]
    return {**context, "may_see": True, **_shown(numbers), "health": health, "jobs": jobs, "search": _search_urls()}


def _numbers(now) -> dict:
    return {
        "at": now,
        "totals": dashboard.totals(),
        "flows": dashboard.flows(clock.local_date(now)),
        "expiring": dashboard.expiring(now),
    }


def _shown(numbers: dict) -> dict:
    programme, totals, flows = programmes.current(), numbers["totals"], numbers["flows"]
    figures = [
        (gettext("Outstanding"), totals.outstanding, gettext("members can still spend them")),
        (
            gettext("Liability"),
            words.money(programmes.money_of(programme, totals.outstanding)),
            gettext("what they are worth"),
        ),
        (gettext("Available"), totals.available, gettext("now")),
        (gettext("Pending"), totals.pending, gettext("become available later")),
        (gettext("Held"), totals.held, gettext("for open checkouts")),
        (gettext("Debt"), totals.owed, gettext("owed by members")),
        (gettext("Members"), totals.members, gettext("%s have points") % words.number(totals.holders)),
        (gettext("Orders"), totals.orders, gettext("paid or completed")),
    ]
    year = [
        (gettext("Issued"), flows.total("issued"), gettext("in twelve months")),
        (gettext("Spent"), flows.total("spent"), gettext("less what was given back")),
        (gettext("Expired"), flows.total("expired"), gettext("in twelve months")),
        (gettext("Clawed back"), flows.total("clawed_back"), gettext("after refunds")),
        (gettext("Adjusted"), flows.total("adjusted"), gettext("by staff")),
    ]
    return {
        "figures": [_figure(*figure) for figure in figures],
        "year": [_figure(*figure) for figure in year],
        "flow_chart": _flow_chart(flows),
        "expiry_chart": _expiry_chart(numbers["expiring"]),
        "has_flows": any(any(points) for points in flows.by_month.values()),
        "numbers_at": numbers["at"],
    }


def _figure(name: str, value: int | str, note: str) -> dict:
    return {"name": name, "value": value if isinstance(value, str) else words.number(value), "note": note}


def _flow_chart(flows: dashboard.Flows) -> dict:
    names = {"issued": gettext("Issued"), "spent": gettext("Spent"), "expired": gettext("Expired")}
    datasets = [
        {"label": names[flow], "data": flows.by_month[flow], "borderColor": colour, "backgroundColor": colour}
        for flow, colour in _COLOURS.items()
    ]
    return charts.chart([_month(month) for month in flows.months], datasets, legend=True)


def _expiry_chart(expiring: list) -> dict:
    data = [points for _month_, points in expiring]
    bars = [{"label": gettext("Points"), "data": data, "backgroundColor": _COLOURS["expired"]}]
    return charts.chart([_month(month) for month, _points in expiring], bars, legend=False)


def _month(month) -> str:
    return date_format(month, "YEAR_MONTH_FORMAT")


def _search_urls() -> dict:
    return {
        "dead": reverse("admin:common_delivery_changelist", query={"status__exact": "dead"}),
        "rejected": reverse("admin:common_rejectedevent_changelist"),
        "jobs": reverse("admin:common_jobrun_changelist"),
        "proof": reverse("admin:loyalty_proof_changelist"),
    }
