"""Codes that are handed out: made by ourselves, or claimed from a partner's pool; never twice."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Sequence

from django.db.models import F

from rewards.models import Code, Redemption, Reward, RightClaim
from rewards.selectors import catalogue
from rewards.services.refusals import RewardUnavailable

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""What nobody mixes up when reading it aloud: no 0, O, 1, I and L."""
LENGTH = 16
"""31^16 codes: nobody guesses one, and two are never the same (the database makes sure)."""

Choose = Callable[[Sequence[str]], str]


def spell(choose: Choose = secrets.choice) -> str:
    """A new code that cannot be guessed, in groups of four."""
    text = "".join(choose(ALPHABET) for _ in range(LENGTH))
    return "-".join(text[at : at + 4] for at in range(0, LENGTH, 4))


def set_aside(redemption: Redemption, reward: Reward, at: dt.datetime) -> None:
    """Keep a partner's code for a redemption that waits for its payment: who pays gets one. Raises RewardUnavailable."""
    if reward.codes == Reward.Codes.PARTNER:
        code = _first(reward, at)
        code.status, code.redemption = Code.Status.RESERVED, redemption
        code.save(update_fields=["status", "redemption"])


def let_go(redemption: Redemption) -> None:
    """What was set aside is in the pool again: nobody has seen it."""
    kept = Code.objects.filter(redemption=redemption, status=Code.Status.RESERVED)
    kept.update(status=Code.Status.FREE, redemption=None)


def hand_out(redemption: Redemption, reward: Reward, at: dt.datetime) -> Code | None:
    """Give the redemption its code, if the reward has codes. Raises RewardUnavailable if the pool is empty."""
    if reward.codes == Reward.Codes.OWN:
        return Code.objects.create(
            reward=reward,
            code=spell(),
            status=Code.Status.CLAIMED,
            redemption=redemption,
            expires_at=redemption.expires_at,
            added_at=at,
            claimed_at=at,
        )
    if reward.codes == Reward.Codes.PARTNER:
        if redemption.hold_id is not None:
            let_go(redemption)  # and take it, or one that ends sooner, below: nobody else sees it free
        return claim(reward, at, redemption=redemption)
    Redemption._meta.get_field("code").set_cached_value(redemption, None)  # who reads it need not ask the database
    return None


def claim(
    reward: Reward, at: dt.datetime, *, redemption: Redemption | None = None, right: RightClaim | None = None
) -> Code:
    """The code of the pool that expires first, for a redemption or a plan's right.

    One that another buyer is taking just now is passed over. Raises RewardUnavailable if the pool is empty.
    """
    code = _first(reward, at)
    code.status, code.redemption, code.claim, code.claimed_at = Code.Status.CLAIMED, redemption, right, at
    code.save(update_fields=["status", "redemption", "claim", "claimed_at"])
    return code


def _first(reward: Reward, at: dt.datetime) -> Code:
    code = next(iter(free(reward, 1, at)), None)
    if code is None:
        raise RewardUnavailable([catalogue.out_of_stock()])
    return code


def free(reward: Reward, count: int, at: dt.datetime) -> list[Code]:
    """Up to so many codes of the pool, locked, the soonest to expire first; those that others are taking are passed over."""
    pool = catalogue.free_codes(at).filter(reward=reward).order_by(F("expires_at").asc(nulls_last=True), "id")
    return list(pool.select_for_update(skip_locked=True)[:count])


def book(right: RightClaim, at: dt.datetime) -> Code:
    """A code of our own that names, to the partner, what is to be switched on for an account; owed for as any other."""
    return Code.objects.create(
        reward=right.right.reward,
        code=spell(),
        status=Code.Status.CLAIMED,
        claim=right,
        price=right.right.price,
        expires_at=right.expires_at,
        added_at=at,
        claimed_at=at,
    )


def follow(redemption: Redemption, status: str) -> None:
    """The code goes where its redemption went: used, good again, expired, or void."""
    Code.objects.filter(redemption=redemption).update(status=status)
