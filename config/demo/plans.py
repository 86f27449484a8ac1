"""PLUS on sale: a year and a month, cheaper for high scores, by the shop's checkout, a bank and a company."""

from __future__ import annotations

import datetime as dt

from common.models import Staff
from common.services.audit import Actor
from members.models import Plan, PlanDiscount, PlanOffer, SalesChannel, VoucherBatch
from members.services import plan_offers, vouchers


def set_up(author: Staff, approver: Staff, start: dt.datetime, end: dt.datetime) -> None:
    """Domain.md section 7: 149.00 a year, 50.00 less above a score of 4,500; once."""
    plan, _new = Plan.objects.get_or_create(code="plus", defaults={"name": "PLUS"})
    if plan.offers.exists():
        return
    SalesChannel.objects.create(code="direct", name="Checkout")
    bank = SalesChannel.objects.create(code="bank", name="Bank of the River 江河银行", kind=SalesChannel.Kind.BANK)
    year = _offer(plan, "plus-year", "PLUS, a year", 365, 14_900, start, author, trial_days=30)
    PlanDiscount.objects.create(offer=year, kind=PlanDiscount.Kind.SCORE, above=4_500, amount=5_000)
    month = _offer(plan, "plus-month", "PLUS, a month", 30, 1_990, start, author, refunds=PlanOffer.Refunds.PRORATA)
    for offer in (year, month):
        plan_offers.activate(offer, Actor(approver.username, approver), start)
    batch = VoucherBatch.objects.create(
        channel=bank, offer=year, name="Card holders", size=200, price=11_900,
        expires_at=end + dt.timedelta(days=180), created_by=author,
    )  # fmt: skip
    vouchers.release(batch, Actor(approver.username, approver), start)


def _offer(
    plan: Plan, code: str, name: str, days: int, fee: int, start: dt.datetime, author: Staff, **values
) -> PlanOffer:
    return PlanOffer.objects.create(
        plan=plan, code=code, name=name, term_days=days, fee=fee, starts_at=start, created_by=author, **values
    )
