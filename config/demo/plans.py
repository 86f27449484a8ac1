"""PLUS on sale: a year, a month, and a joint card with a year of video; by the shop's checkout and a bank's own program."""

from __future__ import annotations

import contextlib
import datetime as dt

from common.models import Staff
from common.services.audit import Actor
from members.models import Member, Plan, PlanDiscount, PlanOffer, PlanPurchase, SalesChannel, VoucherBatch
from members.services import plan_offers, plan_purchases, plan_quotes, plan_renewals, voucher_sales, vouchers
from rewards.models import PlanRight, Reward
from rewards.selectors import plan_buyers
from rewards.services import plan_refunds, plan_rights

JOINT = "plus-video"
BUYERS = 9
Delivery = VoucherBatch.Delivery


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
    for name, delivery in (("Card holders", Delivery.FILE), ("The bank's app", Delivery.API)):
        batch = VoucherBatch.objects.create(
            channel=bank, offer=year, name=name, size=200, price=11_900, delivery=delivery,
            expires_at=end + dt.timedelta(days=180), created_by=author,
        )  # fmt: skip
        vouchers.release(batch, Actor(approver.username, approver), start)


def set_up_joint_card(author: Staff, approver: Staff, start: dt.datetime) -> None:
    """PLUS with a year of video (C20), after the catalogue is there."""
    if PlanRight.objects.exists():
        return
    plan, video = Plan.objects.get(code="plus"), Reward.objects.get(code="video-year")
    joint = _offer(plan, JOINT, "PLUS and a year of video", 365, 19_900, start, author, refunds=PlanOffer.Refunds.LEAST)
    PlanRight.objects.create(offer=joint, reward=video, price=6_000)
    plan_offers.activate(joint, Actor(approver.username, approver), start)


def sell(names: list[str], approver: Staff, at: dt.datetime) -> None:
    """Some buy the joint card at the checkout, some a code of the bank's; videos are claimed; two give their plan back."""
    if PlanPurchase.objects.exists():
        return
    checkout, bank = SalesChannel.objects.get(code="direct"), SalesChannel.objects.get(code="bank")
    joint = PlanOffer.objects.get(code=JOINT)
    free = Member.objects.filter(external_id__in=names, subscriptions=None, status=Member.Status.ACTIVE)
    for number, member in enumerate(free.order_by("pk")[:BUYERS]):
        bought = at - dt.timedelta(days=BUYERS - number)
        buyer = plan_buyers.of(member, bought)
        if number % 3 == 2:
            code = voucher_sales.sell(bank, f"BANK-{number:04d}", bought, offer="plus-year")[0].code
            purchase = plan_purchases.redeem(member, code, buyer, bought)
        else:
            quote = plan_quotes.quote(member, joint, checkout, buyer, bought)
            purchase = plan_purchases.pay(
                plan_purchases.ask(member, quote.uuid, bought).uuid, f"PAY-{number:04d}", bought
            )
            if number % 2:
                plan_rights.claim(member, purchase.uuid, "video-year", bought)
            else:
                plan_renewals.agree(member, joint, bought)
        if number in (3, 5):
            actor = Actor(approver.username, approver)
            with contextlib.suppress(plan_purchases.NothingToRefund):
                plan_refunds.refund(purchase.uuid, reason="Changed their mind", actor=actor, at=at)


def _offer(
    plan: Plan, code: str, name: str, days: int, fee: int, start: dt.datetime, author: Staff, **values
) -> PlanOffer:
    return PlanOffer.objects.create(
        plan=plan, code=code, name=name, term_days=days, fee=fee, starts_at=start, created_by=author, **values
    )
