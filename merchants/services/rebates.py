"""Rebates for business members: settled after each period, paid as points from the merchant's purse (domain.md S2-44).

Settling counts what was bought in the period, less what came back. What came back later lowers (and what was booked late
raises) the next rebate: all rebates of a scheme together are what its periods give as they stand now, never less than 0
at a time. Both steps can be stopped, repeated and run twice.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from django.db import transaction
from django.db.models import F, Sum
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext_lazy as _

from common import clock
from common.models import JobRun, Staff
from common.problems import Conflict, InvalidInput
from common.services import audit, jobs
from loyalty import facts
from loyalty.models import Order, OrderLine
from loyalty.selectors import programme as programmes
from loyalty.selectors import spans
from loyalty.services.desk import Desk
from members.models import Member
from members.selectors import kin
from merchants.models import Merchant, Rebate, RebateScheme, Store
from merchants.selectors import rebates as selector
from merchants.services import pockets, purses

JOB = "settle-rebates"
MEMBERS_PER_CHUNK = 1000
PAID_AT_ONCE = 200

Status, Reason = Rebate.Status, Rebate.Reason


class RebateSchemeState(Conflict):
    """The scheme is not in a state that allows this."""

    code = "rebate_scheme_state"
    title = _("The rebate scheme is not in a state that allows this.")


def start(scheme: RebateScheme, starts_on: dt.date, actor: audit.Actor, at: dt.datetime) -> RebateScheme:
    """Put a draft in force from the first day of a period, the running one at the earliest.

    Raises RebateSchemeState, InvalidInput (no steps, a higher step that gives less, not the first day of a period).
    """
    with transaction.atomic():
        scheme = RebateScheme.objects.select_for_update().get(pk=scheme.pk)
        if scheme.status != RebateScheme.Status.DRAFT:
            raise RebateSchemeState
        shares = list(scheme.steps.order_by("from_spend").values_list("percent", flat=True))
        if not shares or shares != sorted(set(shares)):
            raise InvalidInput(_("Give at least one step, and more percent for each higher one."))
        running, _after = selector.period_of(scheme.period, clock.local_date(at))
        if selector.period_of(scheme.period, starts_on)[0] != starts_on or starts_on < running:
            raise InvalidInput(_("Start with the first day of a period, the running one at the earliest."))
        scheme.status, scheme.starts_on = RebateScheme.Status.RUNNING, starts_on
        scheme.save(update_fields=["status", "starts_on"])
        audit.record(actor, "merchants.rebates.start", scheme, f"Rebate scheme {scheme} starts on {starts_on}", at)
        return scheme


def stop(scheme: RebateScheme, actor: audit.Actor, at: dt.datetime) -> RebateScheme:
    """Let a scheme end with the period that runs now, which is settled as promised. Raises RebateSchemeState."""
    with transaction.atomic():
        scheme = RebateScheme.objects.select_for_update().get(pk=scheme.pk)
        if scheme.status != RebateScheme.Status.RUNNING:
            raise RebateSchemeState
        assert scheme.starts_on is not None
        _first, after = selector.period_of(scheme.period, clock.local_date(at))
        has_begun = scheme.starts_on <= clock.local_date(at)
        scheme.status = RebateScheme.Status.STOPPED
        scheme.ends_on = after if has_begun else scheme.starts_on
        scheme.save(update_fields=["status", "ends_on"])
        audit.record(
            actor, "merchants.rebates.stop", scheme, f"Rebate scheme {scheme} ends before {scheme.ends_on}", at
        )
        return scheme


# Settling ---------------------------------------------------------------------------------------------------


def settle(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Write the rebates of all periods that were over at `as_of` and are not settled yet, in chunks of business members."""
    today = clock.local_date(as_of)
    due = _due(today)
    run = jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(_businesses(), MEMBERS_PER_CHUNK, by="id") if due else [],
        work=lambda first, last: _settle_span(due, first, last, today, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )
    for scheme in due:
        *_earlier, (_first, after) = selector.closed_periods(scheme, today)
        RebateScheme.objects.filter(pk=scheme.pk).update(settled_until=after)
    return run


def _due(today: dt.date) -> list[RebateScheme]:
    """Schemes with a period that is over and not settled."""
    schemes = RebateScheme.objects.exclude(status=RebateScheme.Status.DRAFT).prefetch_related("steps").order_by("pk")
    found = []
    for scheme in schemes:
        closed = list(selector.closed_periods(scheme, today))
        if closed and (scheme.settled_until is None or scheme.settled_until < closed[-1][1]):
            found.append(scheme)
    return found


def _businesses():
    return Member.objects.filter(kind=Member.Kind.BUSINESS, status=Member.Status.ACTIVE)


def _settle_span(due: Sequence[RebateScheme], first: int, last: int, today: dt.date, at: dt.datetime) -> dict[str, int]:
    """One range of members: what they spent by merchant and month, what they were given, and what is left."""
    owners = _owners(first, last)
    spent = _spent(due, owners, today)
    given = _given(due, owners)
    programme = programmes.current()
    rows: list[Rebate] = []
    for scheme in due:
        steps = [(step.from_spend, step.percent) for step in scheme.steps.all()]
        closed = list(selector.closed_periods(scheme, today))
        for member_id in sorted(set(owners.values())):
            months = spent.get((scheme.merchant_id, member_id), {})
            known = given.get((scheme.pk, member_id), {})
            if not months and not known:
                continue
            owed, granted = 0, sum(known.values())
            for starts_on, ends_on in closed:
                spend = sum(cash for month, cash in months.items() if starts_on <= month < ends_on)
                share = selector.percent(steps, spend)
                earned = selector.points(programme, spend, share)
                if starts_on not in known:
                    correction = owed - granted
                    points = max(earned + correction, 0)
                    granted += points
                    rows.append(
                        Rebate(
                            scheme=scheme,
                            member_id=member_id,
                            starts_on=starts_on,
                            ends_on=ends_on,
                            spend=spend,
                            percent=share,
                            earned=earned,
                            correction=correction,
                            points=points,
                            status=Status.OPEN if points else Status.NOTHING,
                            settled_at=at,
                        )
                    )
                owed += earned
    rows = [row for row in rows if row.spend or row.points]
    Rebate.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
    return {"rebates": len(rows), "points": sum(row.points for row in rows)}


def _owners(first: int, last: int) -> dict[int, int]:
    """Business members of a range, and who was merged into them, by whose purchases count as whose (E58)."""
    return kin.heirs(list(_businesses().filter(pk__range=(first, last)).values_list("pk", flat=True)))


def _spent(
    due: Sequence[RebateScheme], owners: Mapping[int, int], today: dt.date
) -> dict[tuple[int, int], dict[dt.date, int]]:
    """Net cash by (merchant, member) and month. One query."""
    merchants = {scheme.merchant_id for scheme in due}
    stores = dict(Store.objects.filter(merchant__in=merchants).values_list("code", "merchant_id"))
    rows = (
        OrderLine.objects.filter(
            order__member__in=owners,
            order__status=Order.Status.COMPLETED,
            order__completed_on__gte=min(scheme.starts_on for scheme in due if scheme.starts_on),
            order__completed_on__lt=today,
            store_code__in=Store.objects.filter(merchant__in=merchants).values("code"),
        )
        .order_by()
        .annotate(month=TruncMonth("order__completed_on"))
        .values_list("order__member", "store_code", "month")
        .annotate(net=Sum(F("cash") - F("refunded_cash")))
    )
    found: dict[tuple[int, int], dict[dt.date, int]] = defaultdict(lambda: defaultdict(int))
    for member_id, code, month, net in rows:
        found[stores[code], owners[member_id]][month] += net
    return found


def _given(due: Sequence[RebateScheme], owners: Mapping[int, int]) -> dict[tuple[int, int], dict[dt.date, int]]:
    """Points of earlier rebates by (scheme, member) and period. One query."""
    rows = Rebate.objects.filter(scheme__in=due, member__in=owners)
    found: dict[tuple[int, int], dict[dt.date, int]] = defaultdict(lambda: defaultdict(int))
    for scheme_id, member_id, starts_on, points in rows.values_list("scheme_id", "member_id", "starts_on", "points"):
        found[scheme_id, owners[member_id]][starts_on] += points
    return found


# Paying -----------------------------------------------------------------------------------------------------


def pay(at: dt.datetime) -> int:
    """Pay open rebates, the oldest first, as far as each purse goes; return how many. The rest keeps the reason and is

    tried again next time. A transaction holds some members' wallets by id and, last, one purse.
    """
    paid = 0
    for merchant in Merchant.objects.filter(rebate_schemes__rebates__status=Status.OPEN).distinct().order_by("pk"):
        tried = 0
        while True:
            done, tried = _pay_some(merchant, tried, at)
            paid += done
            if not tried:
                break
    return paid


@transaction.atomic
def _pay_some(merchant: Merchant, after: int, at: dt.datetime) -> tuple[int, int]:
    """Some rebates of one merchant after an id; how many were paid, and the last id tried (0 = there are no more)."""
    rows = list(
        Rebate.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(status=Status.OPEN, scheme__merchant=merchant, pk__gt=after)
        .select_related("member", "scheme")
        .order_by("pk")[:PAID_AT_ONCE]
    )
    if not rows:
        return 0, 0
    desk = Desk([row.member.external_id for row in rows], at)
    purse = purses.of(merchant)
    pockets.lock(desk.book, [purse.account_id])
    desk.book.settle(purse.account_id)
    account = desk.book.accounts[purse.account_id]
    expires_at = desk.expires_at(None, at)
    paid = 0
    for row in rows:
        wallet = desk.wallets[row.member.external_id]
        row.reason = ""
        if account.closed_at is not None:
            row.reason = Reason.PURSE_CLOSED
        elif wallet.member.status != Member.Status.ACTIVE:
            row.reason = Reason.MEMBER_LEFT
        elif account.available < row.points:
            row.reason = Reason.PURSE_SHORT
        else:
            reference = f"rebate:{row.scheme_id}:{row.starts_on}"
            pockets.give(
                desk.book,
                [purse.account_id],
                wallet.account_id,
                row.points,
                reference=reference,
                expires_at=expires_at,
            )
            desk.publish(facts.PointsEarned(wallet.member.external_id, row.points, 0, reference))
            row.status, row.paid_at = Status.PAID, at
            paid += 1
    Rebate.objects.bulk_update(rows, ["status", "reason", "paid_at"])
    desk.close()
    purses.watch(at, purse)
    return paid, rows[-1].pk
