"""Orders that are named when a benefit or a coupon is used: they must be the member's own."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from common.problems import Problem
from loyalty.models import Order
from members.models import Member
from members.selectors import kin
from members.services import members


class OrderOfAnother(Problem):
    """The order that is named was somebody else's."""

    code = "order_of_another"
    status = 409
    title = _("This order belongs to another member.")


def known(member: Member, code: str) -> Order | None:
    """The member's order, under any of her names; None if it was not told yet. Raises OrderOfAnother."""
    told = Order.objects.select_related("member").exclude(status=Order.Status.AWAITED)
    order = told.filter(code=code).first()
    if order is None or order.member_id == member.pk:
        return order
    if order.member_id not in kin.ids(members.remaining(member).pk):
        raise OrderOfAnother(order=code)
    return order
