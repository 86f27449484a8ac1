"""The first of the nine rules against abuse (domain.md S2-49): coupons are for bronze and above."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from members.admin.safeguards import Safeguard, register
from rewards.models import Reward


def _coupons() -> str:
    coupons = Reward.objects.filter(kind=Reward.Kind.COUPON, status=Reward.Status.ACTIVE)
    known = {"all": coupons.count(), "own": coupons.filter(least_tier__isnull=False).count()}
    return gettext("%(all)d active coupons ask for bronze, or for a tier of their own (%(own)d).") % known


register(Safeguard(1, _("Coupons are for bronze members and above."), "rewards_reward_changelist", _coupons))
