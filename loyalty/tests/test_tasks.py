"""The doors read the clock and make one call; a nightly job works for the start of the local day."""

import datetime as dt

import pytest

from common.models import JobRun
from loyalty import tasks

NOW = dt.datetime(2026, 3, 1, 16, 5, 7, 9, tzinfo=dt.UTC)  # 2026-03-02 00:05 in Shanghai
TONIGHT = dt.datetime(2026, 3, 1, 16, 0, tzinfo=dt.UTC)


class Work:
    """Something that is due."""

    def exists(self):
        return True


@pytest.mark.parametrize(
    ("task", "service", "as_of"),
    [
        ("expire_points", "expiring.expire", TONIGHT),
        ("remind_of_expiry", "reminders.remind", TONIGHT),
        ("count_likes", "likes.count", TONIGHT),
        ("award_medals", "medals.award", TONIGHT),
        ("measure_members", "member_stats.measure", TONIGHT),
        ("refresh_segments", "segments.refresh_all", TONIGHT),
        ("score_members", "scores.count", TONIGHT),
        ("settle_scores", "score_settlements.settle", TONIGHT),
        ("prove", "proof.prove", TONIGHT),
        ("mature_lots", "maturing.mature", dt.datetime(2026, 3, 1, 16, 5, tzinfo=dt.UTC)),
        ("lapse_holds", "lapsing.lapse", dt.datetime(2026, 3, 1, 16, 5, tzinfo=dt.UTC)),
    ],
)
def test_a_task_makes_one_call(monkeypatch, task, service, as_of):
    calls = []
    module, function = service.split(".")
    monkeypatch.setattr(getattr(tasks, module), function, lambda *args: calls.append(args))
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOW)
    for often in (tasks.lapsing, tasks.maturing):
        monkeypatch.setattr(often, "due", lambda as_of: Work())

    getattr(tasks, task)()

    assert calls == [(as_of, NOW)]


@pytest.mark.django_db
@pytest.mark.parametrize("task", ["mature_lots", "lapse_holds"])
def test_a_task_that_runs_often_leaves_no_run_when_there_is_nothing_to_do(task):
    getattr(tasks, task)()

    assert not JobRun.objects.exists()
