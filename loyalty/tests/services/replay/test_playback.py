import datetime as dt

import pytest

from common.models import InboxEvent, JobRun
from loyalty.models import Account, Entry
from loyalty.services import proof
from loyalty.services.replay import envelopes, nights, opening, playback, summaries

pytestmark = pytest.mark.django_db
START = dt.datetime(2026, 3, 1, 2, tzinfo=dt.UTC)


def order(number, hours, cash=6660, subject="alice"):
    data = {"order": f"o{number}", "lines": [{"line": "1", "cash": cash, "sku": "mug"}]}
    return envelopes.seal("/test", f"e{number}", "order.completed", subject, START + dt.timedelta(hours=hours), data)


def refund(number, hours, subject="alice"):
    lines = [{"line": "1", "quantity": 1}]
    data = {"order": f"o{number}", "refund": "r", "reason": "no_reason", "cash": 100, "lines": lines}
    return envelopes.seal("/test", f"r{number}", "order.refunded", subject, START + dt.timedelta(hours=hours), data)


STREAM = [
    order(1, 0),
    order(2, 5, subject="bob"),
    order(3, 30),
    refund(1, 31),
    order(4, 80),
    refund(9, 81),
    order(5, 200),
]


@pytest.fixture(autouse=True)
def rules():
    opening.set_up(START)


def play(events=STREAM, until=None, **more):
    run = playback.Playback("replay:test", START, START, **{"size": 2} | more)
    run.play(iter(events), until)
    return run


def books():
    return (
        list(Entry.objects.order_by("account", "seq").values_list("account", "seq", "kind", "delta", "at")),
        list(Account.objects.order_by("pk").values_list("available", "pending", "owed", "version")),
    )


class Killed(BaseException):
    pass


def test_a_batch_never_crosses_a_local_day():
    told = [(day.isoformat(), [e["id"] for e in batch]) for day, batch in playback.batches(STREAM, 2)]
    assert told == [
        ("2026-03-01", ["e1", "e2"]),
        ("2026-03-02", ["e3", "r1"]),
        ("2026-03-04", ["e4", "r9"]),
        ("2026-03-09", ["e5"]),
    ]


def test_local_midnight_and_not_midnight_in_utc_ends_a_batch():
    # 15:30 and 16:30 UTC are 23:30 and 00:30 in Shanghai.
    events = [order(1, 13.5), order(2, 14.5)]
    assert [day.isoformat() for day, _batch in playback.batches(events, 10)] == ["2026-03-01", "2026-03-02"]


def test_batches_that_may_cross_days_still_end_with_the_last_day_that_is_asked_for():
    until = dt.date(2026, 3, 2)
    told = [
        (day.isoformat(), [e["id"] for e in batch])
        for day, batch in playback.batches(STREAM, 3, by_day=False, until=until)
    ]
    assert told == [("2026-03-01", ["e1", "e2", "e3"]), ("2026-03-02", ["r1"]), ("2026-03-04", ["e4", "r9", "e5"])]


def test_played_twice_it_doubles_nothing():
    play()
    before = books()
    again = play()
    assert books() == before
    assert again.sent == 0
    assert again.is_done


@pytest.mark.parametrize("batches_before", [1, 2, 3])
def test_killed_before_it_could_count_a_batch_it_ends_with_the_same_books(batches_before, monkeypatch):
    saved = playback.Playback._save
    left = [batches_before]

    def save_or_die(run):
        left[0] -= 1
        if left[0] <= 0:
            raise Killed
        saved(run)

    monkeypatch.setattr(playback.Playback, "_save", save_or_die)
    with pytest.raises(Killed):
        play()
    monkeypatch.undo()
    resumed = play()
    assert resumed.is_done
    assert InboxEvent.objects.count() == len(STREAM)
    points = summaries.points()
    assert (points.issued, points.clawed_back, points.outstanding) == (66 * 5, 66, 66 * 4)
    assert sum(resumed.counts[status] for status in ("applied", "ignored", "duplicate")) == len(STREAM)


def test_stopped_after_a_day_it_goes_on_with_the_next():
    first = play(until=dt.date(2026, 3, 2))
    assert first.counts["events"] == 4
    assert not first.is_done
    second = play()
    assert second.resumed_at == 4
    assert second.sent == 3
    assert second.is_done


def test_stopping_and_going_on_gives_the_same_books_as_one_go():
    play(until=dt.date(2026, 3, 4))
    play()
    assert {row[2] for row in books()[0]} == {"earn", "clawback"}
    points = summaries.points()
    assert points.issued - points.clawed_back == points.outstanding == 66 * 4


def test_every_night_between_two_events_is_lived_through(monkeypatch):
    lived: list[dt.datetime] = []

    def night(at):
        lived.append(at)
        return JobRun.objects.none()

    monkeypatch.setattr(nights, "_JOBS", ((night, None),))
    play()
    # From the evening of 1 March to the morning after 9 March, at Shanghai's midnight.
    assert [at.isoformat() for at in lived] == [f"2026-03-{day:02}T16:00:00+00:00" for day in range(1, 10)]


def test_points_expire_when_their_night_comes():
    play(until=dt.date(2028, 1, 1))
    points = summaries.points()
    assert points.expired == 66 * 4
    assert points.outstanding == 0


def test_without_jobs_no_night_is_lived_through():
    play(with_nights=False, until=dt.date(2028, 1, 1))
    assert summaries.points().expired == 0


def test_the_summary_balances_and_the_ledger_proves_itself():
    play()
    points = summaries.points()
    flow = points.issued - points.spent + points.restored - points.clawed_back - points.expired + points.adjusted
    assert flow == points.outstanding - points.debt
    events = summaries.events("/test")
    assert (events.applied, events.ignored, events.rejected) == (6, {"order_unknown": 1}, {})
    assert not proof.prove(START, START).proofs.filter(offenders__gt=0).exists()
