"""What happens to a redemption after it was placed: packed, sent, handed out, used."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.problems import Problem
from common.services import audit, outbox
from common.services.audit import Actor
from loyalty.models import Order
from rewards import facts
from rewards.models import Code, Redemption, Reward
from rewards.services import codes, orders, redemptions
from rewards.services.redemption_states import Status, check, lock, move, write
from rewards.services.refusals import RewardExpired, WrongState


class NoParcel(WrongState):
    """Only gifts are packed and sent."""

    code = "no_parcel"
    title = _("Only gifts are packed and sent; this reward was handed out when it was placed.")


class OrderIsCancelled(Problem):
    """A coupon is not used up by an order that was cancelled, however late the shop says so (domain.md E14)."""

    code = "order_cancelled"
    status = 409
    title = _("The order was cancelled; what was to be used for it stays good.")


@transaction.atomic
def fulfil(redemption_uuid: uuid.UUID, *, actor: Actor, at: dt.datetime) -> Redemption:
    """Begin to pack a gift: from now on the member cannot cancel it. Raises UnknownRedemption, NoParcel, WrongState."""
    return _step(redemption_uuid, "fulfil", actor, at)


@transaction.atomic
def ship(redemption_uuid: uuid.UUID, *, tracking: str = "", actor: Actor, at: dt.datetime) -> Redemption:
    """The parcel is on its way. Raises UnknownRedemption, NoParcel, WrongState."""
    return _step(redemption_uuid, "ship", actor, at, tracking=tracking)


@transaction.atomic
def deliver(redemption_uuid: uuid.UUID, *, actor: Actor, at: dt.datetime) -> Redemption:
    """The gift has arrived. Raises UnknownRedemption, NoParcel, WrongState."""
    return _step(redemption_uuid, "deliver", actor, at)


@transaction.atomic
def use(redemption_uuid: uuid.UUID, *, reason: str = "", order: str = "", actor: Actor, at: dt.datetime) -> Redemption:
    """What was handed out is used: at the till, or as the partner tells. From now on it is not given back.

    `reason` says where; `order` names the order it was used for. Used again for the same order it stays used; a second
    order, or a second till, is refused; so is a coupon for the order of somebody else, as the quote would.
    Raises UnknownRedemption, RewardUsed, RewardExpired, OrderIsCancelled, OrderOfAnother, WrongState.
    """
    redemption = lock(redemption_uuid)
    if redemption.status == Status.USED and order and order == redemption.order_code:
        return redemption
    check(redemption, "use", at)
    if order and _is_cancelled(order):
        raise OrderIsCancelled(order=order)
    if order and redemption.reward.kind == Reward.Kind.COUPON:
        orders.known(redemption.member, order)
    redemption.order_code = order
    codes.follow(redemption, Code.Status.USED)
    return _write(redemption, "use", actor, at, reason, redemptions.told(facts.RedemptionUsed, redemption))


def _is_cancelled(order: str) -> bool:
    """Whether the order was cancelled as a whole, be it before it was paid."""
    unpaid = Q(status=Order.Status.AWAITED, parked__type="order.cancelled")
    return Order.objects.filter(Q(status=Order.Status.CANCELLED) | unpaid, code=order).exists()


@transaction.atomic
def reinstate(redemption_uuid: uuid.UUID, *, reason: str = "", actor: Actor, at: dt.datetime) -> Redemption:
    """The order a coupon was used for was cancelled as a whole: it is good again, until its end (domain.md E14).

    A partly refunded order keeps its coupon used; a term of a plan and a donation are never taken back so.
    Raises UnknownRedemption, RewardExpired, WrongState.
    """
    redemption = lock(redemption_uuid)
    if redemption.status == Status.DELIVERED:
        return redemption
    if redemption.reward.codes == Reward.Codes.NONE:
        raise WrongState(redemption_status=redemption.status)
    check(redemption, "reinstate", at)
    if redemption.expires_at is not None and redemption.expires_at <= at:
        raise RewardExpired(redemption_status=redemption.status)
    redemption.order_code = ""
    codes.follow(redemption, Code.Status.CLAIMED)
    until = redemption.expires_at.isoformat() if redemption.expires_at else None
    fact = redemptions.told(facts.RedemptionReinstated, redemption, until=until)
    return _write(redemption, "reinstate", actor, at, reason, fact)


@transaction.atomic
def reinstate_for(order: str, *, actor: Actor, at: dt.datetime) -> None:
    """An order was cancelled as a whole: the coupons it used are good again; those that have expired stay used (E14)."""
    good = Q(expires_at__isnull=True) | Q(expires_at__gt=at)
    used = Redemption.objects.filter(good, order_code=order, status=Status.USED).exclude(reward__codes="none")
    # Locked at once: one that was made good and used for another order meanwhile is none of these.
    for redemption_uuid in list(used.order_by("pk").select_for_update(of=("self",)).values_list("uuid", flat=True)):
        reinstate(redemption_uuid, reason=f"order_cancelled:{order}", actor=actor, at=at)


def _step(redemption_uuid: uuid.UUID, verb: str, actor: Actor, at: dt.datetime, *, tracking: str = "") -> Redemption:
    """One step of a parcel. Taken again it changes nothing."""
    redemption = lock(redemption_uuid)
    if redemption.reward.kind != Reward.Kind.GIFT:
        raise NoParcel(redemption_status=redemption.status)
    if redemption.status == _GOALS[verb]:
        return redemption
    check(redemption, verb, at)
    redemption.tracking = tracking or redemption.tracking
    told = {"status": _GOALS[verb], "tracking": redemption.tracking}
    fact = (
        redemptions.told(facts.RedemptionDelivered, redemption, until=None)
        if verb == "deliver"
        else redemptions.told(facts.RedemptionFulfilled, redemption, **told)
    )
    return _write(redemption, verb, actor, at, tracking, fact)


_GOALS = {"fulfil": Status.FULFILLING, "ship": Status.SHIPPED, "deliver": Status.DELIVERED}


def _write(redemption: Redemption, verb: str, actor: Actor, at: dt.datetime, reason: str, fact: Any) -> Redemption:
    event = move(redemption, verb, at, actor=actor, reason=reason)
    redemption.save(update_fields=["status", "tracking", "order_code"])
    write([event])
    outbox.publish([fact], at)
    if actor.staff is not None:
        summary = f"{redemption.reward}: {redemption.get_status_display()}"
        audit.record(actor, f"rewards.fulfilment.{verb}", redemption, summary, at, reason=reason)
    return redemption
