"""Codes that are handed out: made by ourselves, or claimed from a partner's pool; never twice."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Sequence

from django.db.models import F

from rewards.models import Code, Redemption, Reward
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
    return _claim(redemption, reward, at) if reward.codes == Reward.Codes.PARTNER else None


def _claim(redemption: Redemption, reward: Reward, at: dt.datetime) -> Code:
    """The code of the pool that expires first; one that another buyer is taking just now is passed over."""
    pool = catalogue.free_codes(at).filter(reward=reward).order_by(F("expires_at").asc(nulls_last=True), "id")
    code = pool.select_for_update(skip_locked=True).first()
    if code is None:
        raise RewardUnavailable([catalogue.out_of_stock()])
    code.status, code.redemption, code.claimed_at = Code.Status.CLAIMED, redemption, at
    code.save(update_fields=["status", "redemption", "claimed_at"])
    return code


def follow(redemption: Redemption, status: str) -> None:
    """The code goes where its redemption went: used, good again, expired, or void."""
    Code.objects.filter(redemption=redemption).update(status=status)
