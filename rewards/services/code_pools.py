"""Pools of partners' codes: filled from files, and codes put back by a person when nobody has used them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput, Problem
from common.services import audit
from rewards.models import Code, Reward
from rewards.services import plan_rights, redemptions
from rewards.services.redemption_states import Status
from rewards.services.refusals import RewardUsed


class NotUnassignable(Problem):
    """Only a partner's code that was handed out, is not used and not paid for yet goes back to the pool."""

    code = "not_unassignable"
    status = 409
    title = _("Only a partner's code that was handed out, not used and not settled goes back to the pool.")


@dataclass(frozen=True, slots=True)
class NewCode:
    """One code as the partner sent it; `price` in minor units, None = what the reward costs."""

    reward: Reward
    code: str
    expires_at: dt.datetime | None = None
    price: int | None = None


def add(new: Sequence[NewCode], at: dt.datetime) -> None:
    """Put codes into the pools of their rewards. The database refuses one that is there already."""
    Code.objects.bulk_create(
        [
            Code(
                reward=one.reward,
                code=one.code,
                expires_at=one.expires_at,
                price=one.reward.unit_cost if one.price is None else one.price,
                added_at=at,
            )
            for one in new
        ],
        batch_size=1000,
    )


@transaction.atomic
def unassign(code: Code, *, reason: str, actor: audit.Actor, at: dt.datetime) -> Code:
    """Put an unused code back into the pool; a redemption that still has it is returned, with points and all.

    Its holder has seen it: do this only if the partner confirms that nobody can have used it.
    Raises InvalidInput (no reason), RewardUsed, RewardExpired, NotUnassignable.
    """
    if not reason.strip():
        raise InvalidInput(_("Say why the code is put back."))
    if code.redemption is not None and code.redemption.status == Status.DELIVERED:
        redemptions.give_back(code.redemption.uuid, reason=reason, actor=actor, at=at)
    if code.claim is not None and code.status == Code.Status.CLAIMED:
        plan_rights.withdraw(code.claim.uuid, reason=reason, actor=actor, at=at)
    code = Code.objects.select_for_update(of=("self",)).select_related("reward", "claim").get(pk=code.pk)
    if code.status == Code.Status.USED:
        raise RewardUsed
    is_ours = code.claim is not None and code.claim.account
    if code.status != Code.Status.VOID or code.reward.codes != Reward.Codes.PARTNER or code.settlement_id or is_ours:
        raise NotUnassignable
    holder = code.redemption or code.claim
    held_by = str(holder.uuid) if holder else ""
    code.status, code.redemption, code.claim, code.claimed_at = Code.Status.FREE, None, None, None
    code.save(update_fields=["status", "redemption", "claim", "claimed_at"])
    summary = _("Back in the pool: %(code)s") % {"code": code}
    audit.record(actor, "rewards.code_pools.unassign", code, summary, at, reason=reason, data={"redemption": held_by})
    return code
