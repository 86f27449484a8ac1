import pytest
from django.db import IntegrityError, transaction

from common.models import AuditEntry
from loyalty.services.rules import NotADraft, SecondPersonNeeded
from loyalty.tests.stage import DAY, NOON, give
from rewards.models import Game, GameVersion, SeedPeriod
from rewards.services import draws, games
from rewards.tests.arcade import a_draft, a_game, a_lottery, new_seed, person, play

pytestmark = pytest.mark.django_db


def activate(version, name="felix", at=NOON):
    return games.activate(version, person(name), at, new_seed)


def test_a_second_person_puts_a_version_in_force():
    version = a_draft()
    with pytest.raises(SecondPersonNeeded):
        activate(version, "olivia")
    activate(version)
    version.refresh_from_db()
    assert (version.status, version.activated_by.username, version.activated_at) == ("active", "felix", NOON)
    assert AuditEntry.objects.get(action="rewards.games.activate").data["commitment"]


def test_activating_commits_to_a_seed():
    period = activate(a_draft()).seed_periods.get()
    assert period.commitment == draws.commitment(period.server_seed)
    assert (period.closed_at, period.revealed_seed) == (None, None)


def test_a_version_that_breaks_a_rule_is_refused_with_the_rule():
    with pytest.raises(games.GameNotSound) as refused:
        activate(a_draft(cost_cap_percent=64))
    assert [reason["code"] for reason in refused.value.extra["reasons"]] == ["cost_above_cap"]
    assert "average" in str(refused.value.detail)
    assert GameVersion.objects.get().status == "draft"
    assert not SeedPeriod.objects.exists()


def test_a_top_prize_above_the_law_is_refused_on_activation():
    car = {"kind": "gift", "name": "Car", "price": 5_000_001, "weight": 1}
    with pytest.raises(games.GameNotSound) as refused:
        activate(a_draft(stake=10**6, weight_total=10**6, prizes=[car]))
    assert [reason["code"] for reason in refused.value.extra["reasons"]] == ["top_prize_too_high"]


def test_a_version_whose_end_has_passed_is_not_activated():
    with pytest.raises(games.GameOver):
        activate(a_draft(), at=NOON + 31 * DAY)


def test_a_new_version_replaces_the_one_in_force_and_reveals_its_seed():
    first = a_game()
    second = a_draft()
    activate(second)
    first.refresh_from_db()
    assert first.status == "replaced"
    assert first.seed_periods.get().closed_at == NOON
    assert second.seed_periods.get().closed_at is None
    with pytest.raises(NotADraft):
        activate(first)


def test_two_versions_of_a_game_cannot_be_in_force_whatever_the_code_does():
    a_game()
    other = a_draft()
    with pytest.raises(IntegrityError), transaction.atomic():
        GameVersion.objects.filter(pk=other.pk).update(status="active")


def test_a_stopped_game_reveals_its_seed_and_may_go_on_with_another():
    version = a_game()
    games.stop(version, person("olivia"), NOON)
    assert version.seed_periods.get().revealed_seed
    with pytest.raises(games.NotRunning):
        games.stop(version, person("olivia"), NOON)
    activate(version)
    assert [period.closed_at is None for period in version.seed_periods.all()] == [True, False]


def test_a_draft_from_a_version_says_the_same_and_there_is_one_at_a_time():
    version = a_game(daily_limit=2)
    draft = games.draft_from(version, person("bob"), NOON)
    assert (draft.number, draft.status, draft.daily_limit) == (2, "draft", 2)
    assert (draft.created_by.username, draft.activated_by) == ("bob", None)
    same = ["name", "weight", "points", "position"]
    assert list(draft.prizes.values(*same)) == list(version.prizes.values(*same))
    assert games.draft_from(version, person("olivia"), NOON) == draft


def test_a_lottery_with_tickets_out_is_drawn_before_it_is_replaced():
    lottery = a_lottery()
    draft = games.draft_from(lottery, person("olivia"), NOON)
    give(100)
    play("lottery")
    with pytest.raises(games.TicketsAreSold):
        activate(draft)
    games.stop(lottery, person("olivia"), NOON)
    assert lottery.seed_periods.get().revealed_seed is None
    with pytest.raises(games.TicketsAreSold):
        activate(draft)
    assert Game.objects.get().is_lottery
