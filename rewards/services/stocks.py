"""The stock of a reward: conditional updates of the one row that all its buyers share, as late as possible."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection
from django.db.models import F

from rewards.models import Redemption, Reward
from rewards.selectors import catalogue
from rewards.services.refusals import RewardUnavailable

_TAKE = "UPDATE rewards_reward SET {counter} = {counter} + 1 WHERE id = %s AND stock > sold + reserved"
"""In plain SQL, as every redemption asks it: putting it together took the ORM longer than PostgreSQL needs to run it."""


def take(reward: Reward, *, held: bool) -> None:
    """Take one from the stock: sold, or reserved for a hold. Raises RewardUnavailable (out_of_stock).

    The database decides, not what was read: two buyers of the last one are told apart here.
    """
    counter = "reserved" if held else "sold"
    with connection.cursor() as cursor:
        cursor.execute(_TAKE.format(counter=counter), [reward.pk])
        if not cursor.rowcount:
            raise RewardUnavailable([catalogue.out_of_stock()])


def take_many(wanted: Mapping[int, int]) -> dict[int, int]:
    """Take up to so many of each reward (by id) and say how many there were; rewards without a stock are left out.

    The rows are held until the transaction ends, in the order of their ids.
    """
    rows = Reward.objects.filter(pk__in=wanted, stock__isnull=False).select_for_update(of=("self",)).order_by("pk")
    taken = {}
    for reward in rows:
        taken[reward.pk] = min(wanted[reward.pk], reward.left or 0)
        Reward.objects.filter(pk=reward.pk).update(sold=F("sold") + taken[reward.pk])
    return taken


def sell(redemption: Redemption) -> None:
    """What was reserved is sold."""
    if redemption.from_stock:
        Reward.objects.filter(pk=redemption.reward_id).update(reserved=F("reserved") - 1, sold=F("sold") + 1)


def put_back(redemption: Redemption, *, held: bool) -> None:
    """One more can be taken again."""
    if redemption.from_stock:
        counter = "reserved" if held else "sold"
        Reward.objects.filter(pk=redemption.reward_id).update(**{counter: F(counter) - 1})
