"""Rewards that are given and not paid for: out of packs and as prizes. They are redemptions like all others, of no points."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from common import clock, sql
from common.services import outbox
from common.services.audit import Actor
from members.models import Member
from rewards import facts
from rewards.models import Code, Redemption, Reward
from rewards.services import codes, redemption_states, redemptions, stocks

KINDS = (Reward.Kind.COUPON, Reward.Kind.GIFT, Reward.Kind.PARTNER)
"""What can be given."""
BASIS = "gift"
"""What a redemption says in place of the price it was taken for."""


class Want(NamedTuple):
    """One reward for one member, and why: the history says it."""

    member: Member
    reward: Reward
    because: str


def give(wants: Sequence[Want], *, actor: Actor, at: dt.datetime) -> list[Redemption | None]:
    """Give each want its reward, in their order; None where none is left, or the reward is not in the catalogue.

    Coupons and partners' rights are handed out with their codes at once, gifts go to be packed. Runs in the caller's
    transaction, in a number of statements that depends on how many rewards there are, not on how many wants.
    """
    places: dict[Reward, list[int]] = defaultdict(list)
    for place, want in enumerate(wants):
        if want.reward.status == Reward.Status.ACTIVE and want.reward.kind in KINDS:
            places[want.reward].append(place)
    rewards = sorted(places, key=lambda reward: reward.pk)
    pools = {reward: _codes(reward, len(places[reward]), at) for reward in rewards}
    left = stocks.take_many({reward.pk: _most(places[reward], pools[reward]) for reward in rewards})
    given: list[Redemption | None] = [None] * len(wants)
    handed: list[tuple[Code, Redemption]] = []
    for reward in rewards:
        pool = pools[reward]
        most = left.get(reward.pk, _most(places[reward], pool))
        for number, place in enumerate(places[reward][:most]):
            made = given[place] = _new(wants[place], at)
            if pool is not None:
                handed.append((_claim(pool[number], made, at), made))
    _write([(want, made) for want, made in zip(wants, given, strict=True) if made], handed, actor, at)
    return given


def _codes(reward: Reward, count: int, at: dt.datetime) -> list[Code] | None:
    """As many codes as there are, up to `count`; None if the reward has no codes."""
    if reward.codes == Reward.Codes.PARTNER:
        return codes.free(reward, count, at)
    if reward.codes == Reward.Codes.OWN:
        return [Code(reward=reward, code=codes.spell(), added_at=at) for _number in range(count)]
    return None


def _most(places: Sequence[int], pool: Sequence[Code] | None) -> int:
    return len(places) if pool is None else min(len(places), len(pool))


def _new(want: Want, at: dt.datetime) -> Redemption:
    reward = want.reward
    return Redemption(
        member=want.member,
        reward=reward,
        status="",
        points=0,
        basis=BASIS,
        unit_cost=reward.unit_cost,
        merchant=reward.merchant,
        merchant_cost=reward.merchant_cost,
        from_stock=reward.stock is not None,
        created_at=at,
        taken_on=clock.local_date(at),
        expires_at=None if reward.kind == Reward.Kind.GIFT else redemptions.good_until(reward, at),
    )


def _claim(code: Code, redemption: Redemption, at: dt.datetime) -> Code:
    """The code is the redemption's; the sooner end of the two holds for it."""
    ends = [end for end in (redemption.expires_at, code.expires_at) if end is not None]
    redemption.expires_at = min(ends, default=None)
    code.status, code.redemption, code.claimed_at = Code.Status.CLAIMED, redemption, at
    if code.pk is None:
        code.expires_at = redemption.expires_at
    return code


def _write(
    given: Sequence[tuple[Want, Redemption]],
    handed: Sequence[tuple[Code, Redemption]],
    actor: Actor,
    at: dt.datetime,
) -> None:
    events, told = [], []
    for want, redemption in given:
        events.append(redemption_states.move(redemption, "place", at, actor=actor, reason=want.because))
        told.append(redemptions.told(facts.RewardGiven, redemption, kind=want.reward.kind, because=want.because))
        if want.reward.kind != Reward.Kind.GIFT:
            events.append(redemption_states.move(redemption, "deliver", at, actor=actor))
            until = redemption.expires_at.isoformat() if redemption.expires_at else None
            told.append(redemptions.told(facts.RedemptionDelivered, redemption, until=until))
    sql.insert([redemption for _want, redemption in given])
    redemption_states.write(events)
    for code, redemption in handed:
        code.redemption_id = redemption.pk
    known = [code for code, _redemption in handed if code.pk is not None]
    sql.insert([code for code, _redemption in handed if code.pk is None])
    if known:
        sql.update_rows(known, ["status", "redemption", "claimed_at"])
    outbox.publish(told, at)
