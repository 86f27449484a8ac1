"""Rewards are activated by a second person."""

from __future__ import annotations

import pytest

from common.models import Staff
from common.services.audit import Actor
from loyalty.services.rules import SecondPersonNeeded
from loyalty.tests.stage import NOON
from rewards.services import rewards
from rewards.tests.shop import a_pool, a_reward

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia():
    return Staff.objects.create_user("olivia")


@pytest.fixture
def felix():
    return Staff.objects.create_user("felix")


def test_a_draft_is_activated_by_somebody_else_than_its_author(olivia, felix):
    reward = a_reward(status="draft", created_by=olivia)
    for actor in (Actor("olivia", olivia), Actor("nobody")):
        with pytest.raises(SecondPersonNeeded):
            rewards.activate(reward, actor, NOON)
    reward = rewards.activate(reward, Actor("felix", felix), NOON)
    assert (reward.status, reward.activated_by) == ("active", felix)
    with pytest.raises(rewards.AlreadyActive):
        rewards.activate(reward, Actor("felix", felix), NOON)


def test_a_change_of_more_than_its_looks_asks_for_a_second_person_again(olivia, felix):
    reward = a_reward(created_by=olivia)
    assert rewards.changed(reward, felix, {"name", "picture"}) is False
    assert (reward.status, reward.created_by) == ("active", olivia)
    assert rewards.changed(reward, felix, {"name", "points"}) is True
    assert (reward.status, reward.created_by) == ("draft", felix)


def test_a_partners_reward_is_not_activated_with_an_empty_pool(olivia, felix):
    video = a_reward(kind="partner", status="draft", created_by=olivia)
    with pytest.raises(rewards.EmptyPool):
        rewards.activate(video, Actor("felix", felix), NOON)
    a_pool(video, "V-1")
    assert rewards.activate(video, Actor("felix", felix), NOON).status == "active"


def test_only_an_active_reward_is_retired(felix):
    actor = Actor("felix", felix)
    reward = rewards.retire(a_reward(), actor, NOON)
    assert reward.status == "retired"
    with pytest.raises(rewards.NotActive):
        rewards.retire(reward, actor, NOON)
