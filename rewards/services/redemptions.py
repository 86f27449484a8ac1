"""Redemptions: a reward is quoted, held, placed and handed out, or cancelled and given back with points and all.

Points leave and return through the ledger, under the lock of the member's account; after it come the redemption, the
code and, last, the stock (docs/locking.md).
"""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from common import clock, sql
from common.prepared import prepared
from common.problems import Problem
from common.services import audit, outbox
from common.services.audit import Actor
from loyalty import facts as points_facts
from loyalty.models import Hold, Wallet
from loyalty.services import tenders
from loyalty.services.desk import Desk
from loyalty.services.ledger import Contra, Kind
from members.models import Member
from members.selectors import kin
from members.services import members, plans
from rewards import facts
from rewards.models import Code, Redemption, Reward
from rewards.selectors import catalogue
from rewards.selectors.catalogue import Offer, Shopper
from rewards.services import codes, stocks
from rewards.services.redemption_states import Status, check, lock, move, write
from rewards.services.refusals import RewardUnavailable, UnknownRedemption, UnknownReward, WrongState


class KeyReused(Problem):
    """The key stands for the redemption of another reward."""

    code = "idempotency_key_reused"
    status = 422
    title = _("This idempotency key was used for another reward.")


class PaymentMissing(Problem):
    """A reward with a cash part is held first; it is placed when the shop has been paid."""

    code = "payment_missing"
    status = 409
    title = _("This reward also costs money: it is held until the shop is paid.")


class HoldOver(WrongState):
    """Nobody paid in time: the points went back."""

    code = "redemption_lapsed"
    title = _("The redemption has waited too long for its payment; the points went back.")


class HandedOver(WrongState):
    """A member cannot undo what is being packed, or a code that works at a partner's: the shop can."""

    code = "handed_over"
    title = _("This has been handed over already. Ask the shop to take it back.")


def quote(member: Member, code: str, at: dt.datetime) -> Offer:
    """One visible reward as an offer to the member; nothing is written. Raises UnknownReward."""
    return catalogue.offers(member, at, [_visible(code, at)])[0]


@transaction.atomic
def redeem(name: str, code: str, *, key: str = "", actor: Actor, at: dt.datetime) -> Redemption:
    """Take a reward for the member of that name: placed and handed out at once, or held if it costs cash besides.

    The same key takes it once. Raises UnknownMember, ClosedMember, UnknownReward, RewardUnavailable, KeyReused.
    """
    return _take(name, code, key, actor, at)


@transaction.atomic
def hold(name: str, code: str, *, key: str = "", actor: Actor, at: dt.datetime) -> Redemption:
    """Set a reward and its points aside for the programme's hold time; after that both let go by themselves.

    Raises what `redeem` raises.
    """
    return _take(name, code, key, actor, at, hold=True)


@transaction.atomic
def place(redemption_uuid: uuid.UUID, *, payment: str = "", actor: Actor, at: dt.datetime) -> Redemption:
    """Spend the held points and hand the reward out; `payment` is the shop's name for the cash part.

    Placed again by the same payment it stays placed. Raises UnknownRedemption, PaymentMissing, HoldOver, WrongState.
    """
    desk, redemption = _open(redemption_uuid, at)
    held = redemption.hold.status if redemption.hold else ""
    if held == Hold.Status.CAPTURED and redemption.payment == payment:
        return redemption
    if held in (Hold.Status.LAPSED, Hold.Status.RELEASED):
        raise HoldOver(redemption_status=Status.CANCELLED)
    check(redemption, "place", at)
    if redemption.cash and not payment:
        raise PaymentMissing(cash=redemption.cash)
    assert redemption.hold is not None  # whatever is held has one, the database says
    desk.book.capture(redemption.hold, redemption.reference)
    redemption.payment = payment
    return _place(desk, redemption, actor)


@transaction.atomic
def cancel(
    redemption_uuid: uuid.UUID, *, reason: str = "", by: Member | None = None, actor: Actor, at: dt.datetime
) -> Redemption:
    """Undo a redemption before anything was handed over: the points go back to the very lots they came from.

    `by` is the member, if it is she who asks: she may also hand an unused coupon of ours back, but not undo what is being
    packed or works at a partner's. Cancelled again it stays cancelled. Raises UnknownRedemption, RewardUsed,
    RewardExpired, HandedOver, WrongState.
    """
    desk, redemption = _open(redemption_uuid, at)
    if by is not None:
        _belongs(redemption, by)
    if redemption.status in catalogue.GONE:
        return redemption
    verb = "cancel"
    if by is not None and redemption.status in (Status.FULFILLING, Status.SHIPPED, Status.DELIVERED):
        if redemption.reward.codes != Reward.Codes.OWN:
            raise HandedOver(redemption_status=redemption.status)
        verb = "give_back"
    return _undo(desk, redemption, verb, reason, actor)


@transaction.atomic
def give_back(redemption_uuid: uuid.UUID, *, reason: str, actor: Actor, at: dt.datetime) -> Redemption:
    """Take back what was handed out and not used: a parcel that came back, a code nobody used. Points as in `cancel`.

    Returned again it stays returned. Raises UnknownRedemption, RewardUsed, RewardExpired, WrongState.
    """
    desk, redemption = _open(redemption_uuid, at)
    if redemption.status == Status.RETURNED:
        return redemption
    return _undo(desk, redemption, "give_back", reason, actor)


@transaction.atomic
def let_go(hold_uuid: uuid.UUID, *, actor: Actor, at: dt.datetime) -> Redemption | None:
    """The ledger has let a hold go: what waited for it is cancelled, and its place in the stock is free again."""
    waiting = Redemption.objects.filter(hold__uuid=hold_uuid, status=Status.HELD).values_list("uuid", flat=True).first()
    return cancel(waiting, reason="unpaid", actor=actor, at=at) if waiting else None


@transaction.atomic
def drop(external_id: str, *, actor: Actor, at: dt.datetime) -> None:
    """A member has left: what waits for a payment is cancelled, under any name."""
    waiting = catalogue.of_member(Member.objects.get(external_id=external_id)).filter(status=Status.HELD)
    for redemption_uuid in list(waiting.order_by("pk").values_list("uuid", flat=True)):
        cancel(redemption_uuid, reason="member_left", actor=actor, at=at)


# Steps ------------------------------------------------------------------------------------------------------


def _take(name: str, code: str, key: str, actor: Actor, at: dt.datetime, *, hold: bool = False) -> Redemption:
    desk = Desk([name], at, register=False)
    wallet = desk.wallet(name)
    if key and (known := _known(wallet.member_id, key)):
        if known[0].reward.code != code:
            raise KeyReused
        return known[0]
    desk.book.settle(wallet.account_id)
    reward = _visible(code, at)
    available = desk.book.accounts[wallet.account_id].available
    offer = Shopper(wallet.member, [reward], at, available=available, unit=desk.programme).offer(reward)
    if not offer.available:
        raise RewardUnavailable(offer.reasons)
    redemption = _new(wallet, offer, key, at)
    if hold or redemption.cash:
        return _hold(desk, redemption, actor)
    redemption.seq, _portions = desk.book.take(
        wallet.account_id,
        redemption.points,
        kind=Kind.REDEEM,
        contra=Contra.REDEEMED,
        reference=redemption.reference,
    )
    return _place(desk, redemption, actor)


@prepared
def _known(member_id: int, key: str) -> QuerySet[Redemption]:
    """What the key has taken before, by whatever name of the member (E58)."""
    return catalogue.taken_by(member_id).filter(key=key).select_related("reward")


def _visible(code: str, at: dt.datetime) -> Reward:
    reward = catalogue.priced(code)
    if reward is None or not reward.is_visible(at):
        raise UnknownReward
    return reward


def _new(wallet: Wallet, offer: Offer, key: str, at: dt.datetime) -> Redemption:
    reward = offer.reward
    return Redemption(
        member=wallet.member,
        reward=reward,
        status="",
        points=offer.price.points,
        cash=offer.price.cash,
        basis=offer.price.basis,
        unit_cost=reward.unit_cost,
        merchant_id=reward.merchant_id,
        merchant_cost=reward.merchant_cost,
        from_stock=reward.stock is not None,
        key=key,
        account=wallet.account,
        created_at=at,
        taken_on=clock.local_date(at),
    )


def _hold(desk: Desk, redemption: Redemption, actor: Actor) -> Redemption:
    assert redemption.account_id is not None  # only gifts have none
    until = desk.at + dt.timedelta(minutes=desk.programme.hold_minutes)
    redemption.hold = desk.book.hold(
        redemption.account_id, redemption.points, order_code="", expires_at=until, reference=redemption.reference
    )
    redemption.seq = redemption.hold.seq
    paid = {"points": redemption.points, "cash": redemption.cash}
    desk.publish(told(facts.RedemptionHeld, redemption, until=until.isoformat(), **paid))
    desk.close()
    redemption.steps = [move(redemption, "hold", desk.at, actor=actor)]
    sql.insert([redemption])
    write(redemption.steps)
    codes.set_aside(redemption, redemption.reward, desk.at)
    if redemption.from_stock:
        stocks.take(redemption.reward, held=True)
    return redemption


def _place(desk: Desk, redemption: Redemption, actor: Actor) -> Redemption:
    """The points are spent: hand out what needs no parcel, and take it from the stock."""
    reward, at, was_held = redemption.reward, desk.at, redemption.status == Status.HELD
    member = redemption.member
    paid = {"kind": reward.kind, "points": redemption.points, "cash": redemption.cash}
    desk.publish(
        points_facts.PointsSpent(member.external_id, redemption.points, redemption.reference),
        told(facts.RewardRedeemed, redemption, **paid),
    )
    events = [move(redemption, "place", at, actor=actor)]
    if reward.kind != Reward.Kind.GIFT:
        redemption.expires_at = good_until(reward, at)
        events.append(move(redemption, "deliver", at, actor=actor))
    if reward.kind in (Reward.Kind.PLAN, Reward.Kind.DONATION):
        events.append(move(redemption, "use", at, actor=actor))
    desk.close()
    if was_held:
        redemption.save()
    else:
        sql.insert([redemption])
        redemption.steps = events
    write(events)
    if reward.plan is not None and reward.validity_days is not None:
        plans.extend(members.remaining(member), reward.plan, reward.validity_days, at)
    _hand_out(redemption, at)
    if was_held:
        stocks.sell(redemption)
    elif redemption.from_stock:
        stocks.take(reward, held=False)
    return redemption


def _hand_out(redemption: Redemption, at: dt.datetime) -> None:
    """Give the code, which may end sooner than the redemption would."""
    code = codes.hand_out(redemption, redemption.reward, at)
    ends = [end for end in (redemption.expires_at, code.expires_at if code else None) if end]
    if ends and min(ends) != redemption.expires_at:
        redemption.expires_at = min(ends)
        redemption.save(update_fields=["expires_at"])
    if redemption.status == Status.DELIVERED:
        until = redemption.expires_at.isoformat() if redemption.expires_at else None
        outbox.publish([told(facts.RedemptionDelivered, redemption, until=until)], at)


def good_until(reward: Reward, at: dt.datetime) -> dt.datetime | None:
    """The end of what is handed out at an instant: the end of the local day so many days on. None = no end of ours."""
    if reward.validity_days is None or reward.kind == Reward.Kind.PLAN:
        return None
    return clock.day_end(clock.local_date(at) + dt.timedelta(days=reward.validity_days))


def _open(redemption_uuid: uuid.UUID, at: dt.datetime) -> tuple[Desk, Redemption]:
    """Lock the accounts of the member (where the points were and, after a merge, where they are), then the redemption."""
    found = Redemption.objects.filter(uuid=redemption_uuid).values_list("account_id", "member__external_id").first()
    if found is None:
        raise UnknownRedemption
    account_id, subject = found
    desk = Desk([subject], at)
    desk.lock({account_id} - {None} - desk.book.accounts.keys())
    for locked in sorted(desk.book.accounts):
        desk.book.settle(locked)
    redemption = lock(redemption_uuid)
    if redemption.hold is not None:
        (redemption.hold,) = desk.book.know([redemption.hold])
    return desk, redemption


def _belongs(redemption: Redemption, member: Member) -> None:
    """Raises UnknownRedemption if it is somebody else's."""
    if redemption.member_id not in kin.ids(member.pk):
        raise UnknownRedemption


def _undo(desk: Desk, redemption: Redemption, verb: str, reason: str, actor: Actor) -> Redemption:
    at, was_held = desk.at, redemption.status == Status.HELD
    check(redemption, verb, at)
    restored, lost = _release(desk, redemption) if was_held else _restore(desk, redemption)
    event = move(redemption, verb, at, actor=actor, reason=reason)
    fact = facts.RedemptionCancelled if redemption.status == Status.CANCELLED else facts.RedemptionReturned
    desk.publish(told(fact, redemption, restored=restored, not_restored=lost, reason=reason))
    desk.close()
    redemption.restored = restored
    redemption.save(update_fields=["status", "restored"])
    write([event])
    if was_held:
        codes.let_go(redemption)
    else:
        codes.follow(redemption, Code.Status.VOID)
    stocks.put_back(redemption, held=was_held)
    summary = _("%(reward)s: %(points)d points back") % {"reward": redemption.reward, "points": restored}
    audit.record(actor, f"rewards.redemptions.{verb}", redemption, summary, at, reason=event.why)
    return redemption


def _release(desk: Desk, redemption: Redemption) -> tuple[int, int]:
    """Held points go back to their lots, unless the ledger has let them go already."""
    hold = redemption.hold
    if hold is not None and hold.status == Hold.Status.OPEN:
        desk.book.release(hold, redemption.reference)
    return redemption.points, 0


def _restore(desk: Desk, redemption: Redemption) -> tuple[int, int]:
    """Spent points go back to the very lots, as a refund's do. A member who has left gets none; a gift has cost none."""
    if redemption.account_id is None or redemption.seq is None:
        return 0, 0
    wallet = desk.wallets[redemption.member.external_id]
    if wallet.member.status == Member.Status.CLOSED:
        return 0, redemption.points
    portions = desk.book.drawn(redemption.account_id, redemption.seq)
    reference = redemption.reference
    restored, lost = tenders.restore(desk, portions, redemption.account_id, wallet.account_id, reference)
    if restored:
        desk.publish(points_facts.PointsRestored(wallet.member.external_id, restored, reference))
    return restored, lost


def told(fact: type, redemption: Redemption, **more):
    """A fact about a redemption."""
    return fact(
        key=redemption.member.external_id, redemption=str(redemption.uuid), reward=redemption.reward.code, **more
    )
