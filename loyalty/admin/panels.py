"""What this floor adds to a member's page and to the list of members."""

from __future__ import annotations

import datetime as dt

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin import panels, words
from loyalty.admin import adjustments, holders, sentences, standing_panel
from loyalty.admin.tiers import badge
from loyalty.models import Activity, Entry, Hold, Lot, Order, Review, Shortfall, Standing, Tier, Wallet
from loyalty.selectors import balances, explanations, origins
from loyalty.selectors import programme as programmes
from loyalty.selectors.explanations import Explanation, Position
from members.admin import risk_words
from members.models import Member

MEMBER = Member._meta.label
_PAGE = 20


def _wallet(member: Member) -> Wallet | None:
    return Wallet.objects.select_related("account").filter(member=member).first()


def _balance(member: Member, request: HttpRequest) -> dict:
    """What the member has now, right even when the nightly jobs are late, and what expires next."""
    wallet, now = _wallet(member), timezone.now()
    balance = balances.of(wallet.account, now) if wallet else balances.Balance()
    return {
        "balance": balance,
        "unit": programmes.current().unit_name,
        "worth": words.money(programmes.money_of(programmes.current(), balance.available)),
        "expiring": [(words.day(day), words.number(points)) for day, points in balance.expiring[:6]],
        "more": max(len(balance.expiring) - 6, 0),
        "may_adjust": adjustments.limit(request) != 0,
    }


def _lots(member: Member, request: HttpRequest) -> dict:
    """Lots that still hold points, in the order in which they will be spent."""
    lots = Lot.objects.filter(account__wallet__member=member, is_open=True).order_by("expires_at", "lot_seq")
    total = lots.count()
    now = timezone.now()
    shown = list(lots.select_related("rule_version__rule", "funder__wallet__member")[:50])
    because = holders.references(lot.reference for lot in shown)
    rows = [
        {
            "lot": lot,
            "expires": words.day(words.last_day(lot.expires_at)),
            "due": lot.expires_at <= now,
            "pending": lot.available_at > now,
            "because": because[lot.reference],
        }
        for lot in shown
    ]
    return {"rows": rows, "total": total}


def _statement(member: Member, request: HttpRequest) -> dict:
    """Every movement, the newest first, page by page."""
    entries = Entry.objects.filter(account__wallet__member=member).order_by("-seq")
    page = Paginator(entries, _PAGE).get_page(request.GET.get("statement"))
    entries = list(page.object_list)
    because = holders.references(entry.reference for entry in entries)
    rows = [
        {"entry": entry, "change": words.signed(entry.delta), "because": because[entry.reference]} for entry in entries
    ]
    return {"page": page, "rows": rows}


def _holds(member: Member, request: HttpRequest) -> dict:
    return {
        "holds": list(
            Hold.objects.filter(account__wallet__member=member, status=Hold.Status.OPEN).order_by("expires_at")[:_PAGE]
        )
    }


def _orders(member: Member, request: HttpRequest) -> dict:
    orders = list(Order.objects.filter(member=member).order_by("-id")[:_PAGE])
    return {"rows": [{"order": order, "cash": words.money(order.cash), "link": words.link(order)} for order in orders]}


def _reviews(member: Member, request: HttpRequest) -> dict:
    reasons = dict(Shortfall.Reason.choices)
    reviews = list(Review.objects.filter(member=member).order_by("-id")[:_PAGE])
    return {
        "rows": [{"review": r, "link": words.link(r), "refusal": reasons.get(r.refusal, r.refusal)} for r in reviews]
    }


def _activities(member: Member, request: HttpRequest) -> dict:
    return {"activities": list(Activity.objects.filter(member=member).order_by("-id")[:_PAGE])}


def _explain(member: Member, request: HttpRequest) -> dict:
    """Every grant with its rule version, funder and what became of it; every refusal with its reason."""
    wallet = _wallet(member)
    found = explanations.of(wallet.account_id, _PAGE + 1, _position(request.GET.get("explain", ""))) if wallet else []
    shown = found[:_PAGE]
    because = holders.references((x.lot or x.shortfall).reference for x in shown if not x.refusal)
    funders = origins.funders(x.lot.funder_id for x in shown if x.lot)
    rows = [_explained(explanation, because, funders) for explanation in shown]
    last = found[_PAGE - 1].position if len(found) > _PAGE else None
    return {
        "rows": rows,
        "next": f"{last.at.isoformat()}|{last.rank}|{last.pk}" if last else "",
        "paged": "explain" in request.GET,
    }


def _position(text: str) -> Position | None:
    at, _bar, rest = text.partition("|")
    rank, _bar, pk = rest.partition("|")
    try:
        return Position(dt.datetime.fromisoformat(at.replace(" ", "+")), int(rank), int(pk))
    except ValueError:
        return None


def _explained(explanation: Explanation, because: dict[str, str], funders: dict[int, str]) -> dict:
    lot, shortfall, refusal = explanation.lot, explanation.shortfall, explanation.refusal
    if refusal:
        return {
            "at": refusal.at,
            "refusal": refusal,
            "outcome": risk_words.DONE[refusal.outcome],
            "because": words.link(refusal, refusal.get_action_display()),
            "rule": words.link(refusal.version or refusal.listing),
        }
    if shortfall:
        return {
            "at": shortfall.at,
            "shortfall": shortfall,
            "because": because[shortfall.reference],
            "rule": words.link(shortfall.rule_version),
        }
    kinds = dict(Entry.Kind.choices)
    return {
        "at": lot.earned_at,
        "lot": lot,
        "because": because[lot.reference],
        "rule": words.link(lot.rule_version) if lot.rule_version_id else lot.get_source_display(),
        "rule_words": sentences.event(lot.rule_version.event_type) if lot.rule_version_id else "",
        "paid_by": funders.get(lot.funder_id) or gettext("purse %d") % lot.funder_id
        if lot.funder_id
        else gettext("the platform"),
        "expires": words.day(words.last_day(lot.expires_at)),
        "fate": "; ".join(f"{kinds[entry.kind]} {words.number(points)}" for entry, points in explanation.draws[:8]),
    }


class TierFilter(admin.SimpleListFilter):
    title = _("tier")
    parameter_name = "tier"

    def lookups(self, request, model_admin):
        return [(str(tier.pk), tier.name) for tier in Tier.objects.all()]

    def queryset(self, request, queryset):
        return queryset.filter(standing__tier=self.value()) if (self.value() or "").isdecimal() else queryset


def _tiers(keys) -> dict:
    rows = Standing.objects.filter(member__in=keys, tier__isnull=False).select_related("tier")
    return {standing.pk: badge(standing.tier) for standing in rows}


def _available(keys) -> dict:
    rows = Wallet.objects.filter(member__in=keys).values_list("member_id", "account__available")
    return {key: words.number(points) for key, points in rows}


panels.register_columns(
    MEMBER,
    panels.Column("tier", _("tier"), _tiers),
    panels.Column("available", _("available points"), _available),
)
panels.register_filter(MEMBER, TierFilter)
for _order, (_code, _title, _load, _permission) in enumerate(
    [
        ("balance", _("Balance"), _balance, "loyalty.view_account"),
        ("standing", _("Standing"), standing_panel.load, "loyalty.view_standing"),
        ("holds", _("Open checkouts"), _holds, "loyalty.view_hold"),
        ("lots", _("Points by expiry"), _lots, "loyalty.view_lot"),
        ("statement", _("Statement"), _statement, "loyalty.view_entry"),
        (
            "explain",
            _("Explain: where each point came from, and why some were not given"),
            _explain,
            "loyalty.view_lot",
        ),
        ("orders", _("Last orders"), _orders, "loyalty.view_order"),
        ("reviews", _("Last reviews"), _reviews, "loyalty.view_review"),
        ("activities", _("Last activities"), _activities, "loyalty.view_activity"),
    ]
):
    panels.register_panel(
        MEMBER, panels.Panel(_code, _title, f"loyalty/panels/{_code}.html", _load, _permission, _order)
    )
