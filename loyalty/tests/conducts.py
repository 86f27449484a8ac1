"""Policies, orders and returns for the tests of conduct, in few words."""

from __future__ import annotations

import datetime as dt
from itertools import count

from common import clock
from loyalty.models import (
    CoefficientBand,
    CoefficientPolicy,
    Order,
    OrderLine,
    Refund,
    RefundLine,
    Standing,
)
from loyalty.tests import cast, stage
from members.models import Member

_numbers = count(1)
F2 = ((30, 130), (60, 120), (100, 110), (300, 100), (None, 0))


def a_policy(**values) -> CoefficientPolicy:
    """The policy of domain.md F2, in force since long ago."""
    policy = _published(**values)
    for up_to, percent in F2:
        CoefficientBand.objects.create(policy=policy, up_to_permille=up_to, percent=percent)
    return policy


def a_credit_policy(**values) -> CoefficientPolicy:
    """From 80 points on 1.2, from 30 on 1.0, else nothing."""
    policy = _published(source=CoefficientPolicy.Source.CREDIT_SCORE, **values)
    for score, percent in ((80, 120), (30, 100), (None, 0)):
        CoefficientBand.objects.create(policy=policy, from_score=score, percent=percent)
    return policy


def _published(**values) -> CoefficientPolicy:
    dates = dict.fromkeys(["drafted_at", "effective_at", "published_at"], stage.LONG_AGO)
    return CoefficientPolicy.objects.create(status=CoefficientPolicy.Status.PUBLISHED, **dates | values)


def member(name: str) -> Member:
    """A member with a wallet and a standing."""
    account = cast.account(name)
    Standing.objects.get_or_create(member=account.wallet.member)
    return account.wallet.member


def an_order(name: str, at: dt.datetime, *, lines: int = 1, completed: bool = True) -> Order:
    """An order of so many lines at 100.00, completed unless told otherwise."""
    done = {"completed_at": at, "completed_on": clock.local_date(at)} if completed else {}
    order = Order.objects.create(
        code=f"o-{next(_numbers)}",
        member=member(name),
        status=Order.Status.COMPLETED if completed else Order.Status.PAID,
        paid_at=at,
        **done,
    )
    rows = [OrderLine(order=order, number=str(n + 1), sku=f"sku-{n + 1}", cash=100_00) for n in range(lines)]
    OrderLine.objects.bulk_create(rows)
    return order


def give_back(order: Order, lines: int, *, reason: str = Refund.Reason.NO_REASON, code: str = "f-1") -> Refund:
    """The first so many lines come back."""
    nothing = dict.fromkeys(
        ("cash", "clawed_back", "forgiven", "cash_deduction", "debt", "restored", "not_restored"), 0
    )
    refund = Refund.objects.create(order=order, code=code, reason=reason, at=order.paid_at, **nothing)
    for line in order.lines.order_by("pk")[:lines]:
        RefundLine.objects.create(refund=refund, line=line, quantity=1, cash=line.cash, points=0)
    return refund
