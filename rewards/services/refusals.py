"""Why a reward or a redemption was refused, wherever it is asked."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from common.problems import NotFound, Problem
from rewards.selectors.catalogue import Reason


class RewardUnavailable(Problem):
    """The member cannot take the reward now. `code` is that of the gravest reason; `reasons` has them all."""

    code = "reward_unavailable"
    status = 409
    title = _("This reward cannot be taken now.")

    def __init__(self, reasons: Sequence[Reason]):
        first = dict(reasons[0])
        self.code = first.pop("code")
        super().__init__(first.pop("detail"), reasons=list(reasons), **first)


class UnknownReward(NotFound):
    """There is no such reward, or members do not see it now."""

    code = "unknown_reward"
    title = _("There is no such reward.")


class UnknownRedemption(NotFound):
    """There is no such redemption, or it is not the caller's."""

    code = "unknown_redemption"
    title = _("There is no such redemption.")


class WrongState(Problem):
    """The redemption is in a state from which this step does not lead on."""

    code = "redemption_state"
    status = 409
    title = _("The redemption is in a state that does not allow this.")


class RewardUsed(WrongState):
    """What was used is not given back (domain.md issue 5: only an unused reward is refunded)."""

    code = "reward_used"
    title = _("The reward has been used. Only an unused one is given back.")


class RewardExpired(WrongState):
    """What has expired can neither be used nor given back."""

    code = "reward_expired"
    title = _("The reward has expired.")
