"""PLUS on sale, in few words."""

from __future__ import annotations

import datetime as dt

from common import clock
from common.models import Staff
from common.services.audit import Actor
from members.models import Member, Plan, PlanDiscount, PlanOffer, SalesChannel, VoucherBatch
from members.services import plan_purchases, plan_quotes, vouchers
from members.services.plan_quotes import Buyer

NOON = dt.datetime(2026, 3, 1, 4, 0, tzinfo=dt.UTC)  # 12:00 in Shanghai
DAY = dt.timedelta(days=1)
FEE = 14_900
BOB = Actor("Bob")


def a_member(name: str = "alice", **values) -> Member:
    """A member of long standing."""
    return Member.objects.create(external_id=name, registered_at=NOON - 400 * DAY, **values)


def until(days: int, start: dt.datetime = NOON) -> dt.datetime:
    """The end of a local day so many days after the one of `start`."""
    return clock.day_end(clock.local_date(start) + days * DAY)


def a_batch(offer: PlanOffer, *, channel: SalesChannel | None = None, size: int = 3, **values) -> VoucherBatch:
    """Codes that were released, good for thirty days."""
    values = {"price": 12_000, "expires_at": NOON + 30 * DAY, "name": "Acme"} | values
    batch = VoucherBatch.objects.create(
        channel=channel or direct(), offer=offer, size=size, created_by=staff("olivia").staff, **values
    )
    return vouchers.release(batch, staff("felix"), NOON)


def a_channel(code: str = "bank", **values) -> SalesChannel:
    return SalesChannel.objects.create(code=code, **({"name": code.title(), "kind": "bank"} | values))


def direct() -> SalesChannel:
    """The shop's own checkout."""
    return SalesChannel.objects.get_or_create(code="direct", defaults={"name": "Checkout"})[0]


def plus(*, discounts=(), **values) -> PlanOffer:
    """PLUS for a year at 149.00, on sale; with discounts as dicts."""
    plan, _new = Plan.objects.get_or_create(code="plus", defaults={"name": "PLUS"})
    values = {"code": "plus-year", "name": "PLUS, a year", "fee": FEE, "starts_at": NOON - 30 * DAY} | values
    offer = PlanOffer.objects.create(plan=plan, status=PlanOffer.Status.ACTIVE, **values)
    for discount in discounts:
        PlanDiscount.objects.create(offer=offer, **discount)
    return offer


def buy(member: Member, offer: PlanOffer, at: dt.datetime = NOON, *, payment: str = "pay-1", **scores):
    """Quoted, asked for and paid in one breath."""
    quote = plan_quotes.quote(member, offer, direct(), Buyer(**scores), at)
    return plan_purchases.pay(plan_purchases.ask(member, quote.uuid, at).uuid, payment, at)


def staff(name: str) -> Actor:
    """Somebody of the operators."""
    return Actor(name, Staff.objects.get_or_create(username=name)[0])
