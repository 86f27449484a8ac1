"""Rewards are written by one person and activated by another; a retired one stays for those who have taken it."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.models import Staff
from common.problems import Problem
from common.services import audit
from loyalty.services.rules import SecondPersonNeeded
from rewards.models import Code, Reward

LOOKS = frozenset({"name", "description", "symbol", "colour", "picture", "visible_from", "visible_until"})
"""What may change without a second look: it costs nothing."""


class NotActive(Problem):
    """Only an active reward can be retired."""

    code = "reward_not_active"
    status = 409
    title = _("The reward is not active.")


class AlreadyActive(Problem):
    """The reward is active already."""

    code = "reward_active"
    status = 409
    title = _("The reward is active already.")


class EmptyPool(Problem):
    """A reward with a partner's codes needs some before members see it."""

    code = "empty_pool"
    status = 409
    title = _("There is no code in the pool. Import the partner's codes first.")


def changed(reward: Reward, author: Staff, fields: set[str]) -> bool:
    """A person is about to save changes: more than its looks needs a second person again. True if it left the catalogue.

    The caller saves the reward.
    """
    if reward.pk is None or fields - LOOKS:
        reward.created_by = author
        if reward.status == Reward.Status.ACTIVE:
            reward.status = Reward.Status.DRAFT
            return True
    return False


def activate(reward: Reward, actor: audit.Actor, at: dt.datetime) -> Reward:
    """Put a reward into the catalogue, by another person than its author.

    Raises AlreadyActive, SecondPersonNeeded, EmptyPool.
    """
    with transaction.atomic():
        reward = Reward.objects.select_for_update(of=("self",)).get(pk=reward.pk)
        if reward.status == Reward.Status.ACTIVE:
            raise AlreadyActive
        if actor.staff is None or actor.staff.pk == reward.created_by_id:
            raise SecondPersonNeeded
        if reward.codes == Reward.Codes.PARTNER and not Code.objects.filter(reward=reward, status="free").exists():
            raise EmptyPool
        reward.status, reward.activated_by = Reward.Status.ACTIVE, actor.staff
        reward.save(update_fields=["status", "activated_by"])
        summary = _("Activated: %(name)s") % {"name": reward}
        audit.record(actor, "rewards.rewards.activate", reward, summary, at)
    return reward


def retire(reward: Reward, actor: audit.Actor, at: dt.datetime) -> Reward:
    """Take a reward out of the catalogue; what was handed out stays good. Raises NotActive."""
    with transaction.atomic():
        reward = Reward.objects.select_for_update(of=("self",)).get(pk=reward.pk)
        if reward.status != Reward.Status.ACTIVE:
            raise NotActive
        reward.status = Reward.Status.RETIRED
        reward.save(update_fields=["status"])
        audit.record(actor, "rewards.rewards.retire", reward, _("Retired: %(name)s") % {"name": reward}, at)
    return reward
