"""Members with a history, laid down as rows: a test of nightly statistics tells of years, not of events."""

from __future__ import annotations

import datetime as dt
from itertools import count

from common import clock
from loyalty.models import MemberStats, Order, OrderLine
from members.models import Member

LONG_AGO = dt.date(2015, 1, 1)

_numbers = count(1)


def member(name: str, *, registered_on: dt.date | None = None, **values) -> Member:
    """The member, entered long ago unless told otherwise; `values` are changed on the one there is."""
    found, _made = Member.objects.get_or_create(
        external_id=name, defaults={"registered_at": clock.day_start(registered_on or LONG_AGO)}
    )
    if values:
        Member.objects.filter(pk=found.pk).update(**values)
        found.refresh_from_db()
    return found


def bought(
    name: str,
    on: dt.date,
    cash: int = 10_00,
    *,
    refunded: int = 0,
    category: str = "books",
    store: str = "acme-1",
    channel: str = "app",
) -> Order:
    """A completed order of one line; `refunded` of its cash was paid back."""
    buyer = member(name)
    at = clock.day_start(on) + dt.timedelta(hours=12)
    order = Order.objects.create(
        code=f"shopper-{next(_numbers)}",
        member=buyer,
        status=Order.Status.COMPLETED,
        channel=channel,
        cash=cash,
        completed_at=at,
        completed_on=on,
    )
    OrderLine.objects.create(
        order=order,
        number="1",
        sku="sku-1",
        category=category,
        store_code=store,
        cash=cash,
        refunded_cash=refunded,
        refunded_quantity=int(refunded == cash > 0),
    )
    return order


def stats(name: str) -> MemberStats:
    """What the last night found out about a member."""
    return MemberStats.objects.get(member__external_id=name)
