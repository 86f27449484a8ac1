"""A sponsor's own page on the merchants' site: what it helps to pay for, what came of it, and what it owes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext

from common import clock
from common.admin import words
from common.admin.base import actor
from common.services import audit
from merchants.admin import purse_words
from merchants.admin.portal.base import PortalReadOnlyAdmin, may, merchant_of
from merchants.admin.site import site
from merchants.models import Merchant
from rewards.admin import benefit_words, reward_words, sponsor_words
from rewards.models import Benefit, Reward, SponsorPayment
from rewards.selectors import sponsor_payments, sponsor_statements, sponsorships
from rewards.selectors.sponsor_statements import Line

MONTHS = 36


@admin.register(Reward, site=site)
class SponsorStatementAdmin(PortalReadOnlyAdmin):
    """One statement a merchant, so the list of its rewards is that page."""

    def changelist_view(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        """One month in detail, and every month in which something was taken, used or given back; or a month as a file."""
        if not may(request, self.looks):
            raise PermissionDenied
        merchant, now = merchant_of(request), timezone.now()
        this_month = clock.month_start(clock.local_date(now))
        lines = sponsor_statements.of(
            merchant, clock.months_after(this_month, 1 - MONTHS), clock.months_after(this_month, 1)
        )
        paid = sponsor_payments.paid(merchant)
        months = sorted({this_month, *(line.month for line in lines), *paid}, reverse=True)
        chosen = next((month for month in months if f"{month:%Y-%m}" == request.GET.get("month")), this_month)
        of_month = [line for line in lines if line.month == chosen]
        if kind := request.GET.get("export"):
            summary = gettext("Exported: what the sponsor owes, %s") % f"{chosen:%Y-%m}"
            audit.record(actor(request), "rewards.sponsor_statement.export", None, summary, now)
            return purse_words.as_file(_file(of_month), f"sponsor-{merchant.code}-{chosen:%Y-%m}", kind)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("What you sponsor"),
            "month": f"{chosen:%Y-%m}",
            "month_words": sponsor_words.month(chosen),
            "is_over": chosen < this_month,
            "figures": _figures(merchant, chosen, of_month, paid[chosen]),
            "rewards": _rewards(merchant, of_month),
            "benefits": _benefits(merchant, of_month),
            "months": [_sums(month, lines, paid[month], month < this_month) for month in months],
            "payments": _payments(merchant, chosen),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "rewards/sponsor_statement.html", context)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """A reward's own address leads to the statement."""
        return redirect("merchant:rewards_reward_changelist")


def _figures(merchant: Merchant, month: dt.date, lines: Sequence[Line], paid: int) -> list[tuple[str, str, str]]:
    """(name, value, note): what is owed and paid, and what that brought (S2-58c)."""
    owed = sum(line.owed for line in lines)
    name = gettext("You get") if owed < 0 else gettext("You owe")
    found = [
        (name, words.money(abs(owed)), gettext("for rewards and benefits together")),
        (gettext("Paid so far"), words.money(abs(paid)), gettext("unpaid: %s") % words.money(abs(owed - paid))),
    ]
    for one in sponsorships.of(month, [merchant.pk]):
        found += [
            (gettext("Members"), words.number(one.members), gettext("took a reward or were given one")),
            (gettext("Used so far"), words.number(one.used), gettext("of the month's rewards")),
            (
                gettext("Orders in your stores"),
                words.number(one.orders),
                gettext("with such a coupon: %s") % words.money(one.cash),
            ),
        ]
        if one.plays:
            found.append((gettext("Games played"), words.number(one.plays), gettext("with a prize of yours")))
    return found


def _rewards(merchant: Merchant, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """The rewards that it sponsors now, and those of the month."""
    now = Reward.objects.filter(merchant=merchant, status=Reward.Status.ACTIVE)
    return [
        {
            "name": reward_words.badge(reward),
            "share": gettext("%(percent)d %%, %(money)s each")
            % {"percent": reward.merchant_percent, "money": words.money(reward.merchant_cost)}
            if reward.merchant_id == merchant.pk
            else "–",
            **_counts(line),
        }
        for reward, line in _with_lines(now, [line for line in lines if isinstance(line.subject, Reward)])
    ]


def _benefits(merchant: Merchant, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """The benefits that it issues now, those of the month, and last what its stores honour for others."""
    now = Benefit.objects.filter(issuer=merchant, is_active=True)
    found = [
        {
            "name": benefit_words.badge(benefit),
            "share": words.money(benefit.settlement_price) if benefit.issuer_id == merchant.pk else "–",
            **_counts(line),
        }
        for benefit, line in _with_lines(now, [line for line in lines if isinstance(line.subject, Benefit)])
    ]
    name = gettext("Benefits of others, used at your stores")
    return found + [{"name": name, "share": "", **_counts(line)} for line in lines if line.subject is None]


def _with_lines(now, lines: Sequence[Line]) -> list[tuple[Any, Line | None]]:
    """What there is now and what has a line, by name."""
    found: dict[Any, Line | None] = dict.fromkeys(now)
    found.update((line.subject, line) for line in lines)
    return sorted(found.items(), key=lambda pair: pair[0].name)


def _counts(line: Line | None) -> dict[str, str]:
    taken, back, owed = (line.taken, line.back, line.owed) if line else (0, 0, 0)
    return {"taken": words.number(taken), "back": words.number(back), "owed": words.money(owed)}


def _payments(merchant: Merchant, month: dt.date) -> list[dict[str, Any]]:
    """What the operators have written down for the month, the newest first; what was withdrawn counts for nothing."""
    standing = SponsorPayment.objects.filter(merchant=merchant, month=month, withdraws=None, withdrawal=None)
    return [
        {"day": words.day(row.paid_on), "reference": row.reference, "amount": words.money(row.amount)}
        for row in standing
    ]


def _sums(month: dt.date, lines: Sequence[Line], paid: int, is_over: bool) -> dict[str, Any]:
    """A month in one row: the money of all and how it stands, how many rewards, how many of the own benefits."""
    found = [line for line in lines if line.month == month]
    rewards = [line for line in found if isinstance(line.subject, Reward)]
    benefits = [line for line in found if isinstance(line.subject, Benefit)]
    owed = sum(line.owed for line in found)
    return {
        "code": f"{month:%Y-%m}",
        "name": sponsor_words.month(month),
        "counts": [
            words.number(sum(numbers))
            for numbers in (
                [line.taken for line in rewards],
                [line.back for line in rewards],
                [line.taken for line in benefits],
                [line.back for line in benefits],
            )
        ],
        "owed": words.money(owed),
        "paid": words.money(paid),
        "state": sponsor_words.state(owed, paid, is_over),
    }


def _file(lines: Sequence[Line]) -> list[list[Any]]:
    """A month's lines as rows of a file."""
    head = [
        gettext("Month"), gettext("What"), gettext("Code"), gettext("Taken or used"), gettext("Given back"),
        gettext("You owe (minor units)"),
    ]  # fmt: skip
    return [head, *([f"{line.month:%Y-%m}", *_named(line), line.taken, line.back, line.owed] for line in lines)]


def _named(line: Line) -> tuple[str, str]:
    """What a line is about, and its code: names could be taken for formulas."""
    if line.subject is None:
        return gettext("Benefits of others, used at your stores"), ""
    return str(line.subject._meta.verbose_name), line.subject.code
