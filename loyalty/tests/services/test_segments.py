"""Segments are refreshed: who meets the conditions enters, who does not any more leaves."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import clock
from common.models import AuditEntry, Fact, JobRun
from loyalty import facts
from loyalty.models import Segment, SegmentSize
from loyalty.selectors.criteria import UnreadableCondition
from loyalty.services import member_stats, segments
from loyalty.tests import stage
from loyalty.tests.shoppers import bought, member

pytestmark = pytest.mark.django_db

TODAY = dt.date(2026, 3, 1)
NOW = clock.day_start(TODAY)
DAY = dt.timedelta(days=1)


def ruled(*conditions: tuple, code: str = "keen", **values) -> Segment:
    """A segment chosen by conditions of one group: at least two orders, unless told otherwise."""
    segment = Segment.objects.create(code=code, name=code.capitalize(), kind="ruled", **values)
    for attribute, operator, value in conditions or [("orders", "at_least", "2")]:
        segment.conditions.create(attribute=attribute, operator=operator, value=value)
    return segment


def shop(name: str, orders: int, last: dt.date = TODAY - DAY) -> None:
    for number in range(orders):
        bought(name, last - number * DAY)


def refresh_all(at: dt.datetime = NOW) -> JobRun:
    member_stats.measure(at, at)
    return segments.refresh_all(at, at)


def names(segment: Segment) -> list[str]:
    return list(segment.members.order_by("external_id").values_list("external_id", flat=True))


def test_who_meets_the_conditions_enters_and_who_does_not_any_more_leaves():
    keen = ruled(("last_order", "less_than", "10"))
    shop("alice", 1)
    shop("bob", 1, TODAY - 9 * DAY)
    refresh_all()
    assert names(keen) == ["alice", "bob"]

    shop("charlie", 1, TODAY)
    refresh_all(NOW + DAY)

    assert names(keen) == ["alice", "charlie"]
    sizes = SegmentSize.objects.order_by("at").values_list("size", "entered", "gone")
    assert list(sizes) == [(2, 2, 0), (2, 1, 1)]
    keen.refresh_from_db()
    assert keen.refreshed_at == NOW + DAY


def test_running_it_twice_changes_nothing():
    keen = ruled()
    shop("alice", 2)
    refresh_all()
    refresh_all()

    assert names(keen) == ["alice"]
    assert SegmentSize.objects.count() == 1


def test_a_segment_listed_by_hand_is_left_alone():
    friends = Segment.objects.create(code="friends", name="Friends")
    segments.add(friends, [member("alice").pk], stage.STAFF, NOW)

    refresh_all()

    assert names(friends) == ["alice"]
    assert not SegmentSize.objects.exists()
    with pytest.raises(segments.ListedByHand):
        segments.refresh(friends, stage.STAFF, NOW)


def test_a_list_cannot_be_made_of_a_segment_that_conditions_choose():
    keen = ruled()

    for verb in (segments.add, segments.remove):
        with pytest.raises(segments.ChosenByConditions):
            verb(keen, [member("alice").pk], stage.STAFF, NOW)

    assert names(keen) == []


def test_a_list_is_changed_by_hand_and_written_down():
    friends = Segment.objects.create(code="friends", name="Friends")
    keys = [member("alice").pk, member("bob").pk]

    assert segments.add(friends, keys, stage.STAFF, NOW) == 2
    assert segments.remove(friends, keys[:1], stage.STAFF, NOW) == 1

    assert names(friends) == ["bob"]
    written = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(written) == ["loyalty.segments.add", "loyalty.segments.remove"]


def test_one_segment_is_refreshed_at_once_and_the_deed_is_written_down():
    keen, other = ruled(), ruled(code="other")
    shop("alice", 2)
    member_stats.measure(NOW, NOW)

    size = segments.refresh(keen, stage.STAFF, NOW)

    assert (size.size, size.entered, size.gone) == (1, 1, 0)
    assert names(other) == []
    assert AuditEntry.objects.get().action == "loyalty.segments.refresh"


def test_a_segment_that_tells_publishes_who_enters_and_leaves_and_others_do_not():
    ruled(("last_order", "less_than", "10"), publishes=True)
    ruled(("last_order", "less_than", "10"), code="quiet")
    shop("alice", 1, TODAY - 9 * DAY)
    refresh_all()
    refresh_all(NOW + DAY)

    told = [(fact.topic, fact.key, fact.payload) for fact in Fact.objects.filter(topic__startswith="segment.")]
    assert sorted(told) == [
        (facts.SegmentEntered.topic, "alice", {"segment": "keen"}),
        (facts.SegmentLeft.topic, "alice", {"segment": "keen"}),
    ]


def test_closed_and_merged_members_leave():
    keen = ruled()
    for name in ("alice", "bob", "charlie"):
        shop(name, 2)
    refresh_all()
    member("alice", status="closed")
    member("bob", status="merged", merged_into=member("charlie"))

    refresh_all(NOW + DAY)

    assert names(keen) == ["charlie"]


def test_a_condition_that_cannot_be_read_keeps_the_members_and_does_not_stop_the_others():
    broken, keen = ruled(code="broken"), ruled()
    shop("alice", 2)
    refresh_all()
    broken.conditions.update(value="many")
    shop("bob", 2)

    run = refresh_all(NOW + DAY)

    assert (names(broken), names(keen)) == (["alice"], ["alice", "bob"])
    assert run.counts["broken: unreadable"] == 1
    with pytest.raises(UnreadableCondition):
        segments.refresh(broken, stage.STAFF, NOW)


def test_a_refresh_that_was_killed_goes_on_and_tells_everybody_once(monkeypatch):
    monkeypatch.setattr(segments, "MEMBERS_PER_CHUNK", 2)
    keen = ruled(publishes=True)
    for number in range(6):
        shop(f"m-{number}", 2)
    whole, calls = segments._replace, []

    def dies(segment, first, *args):
        calls.append(first)
        if len(calls) == 2:
            whole(segment, first, *args)
            raise RuntimeError("the lights went out")
        return whole(segment, first, *args)

    monkeypatch.setattr(segments, "_replace", dies)
    with pytest.raises(RuntimeError):
        refresh_all()
    assert len(names(keen)) == 2
    monkeypatch.setattr(segments, "_replace", whole)

    run = segments.refresh_all(NOW, NOW + dt.timedelta(hours=1))

    assert run.counts == {"keen: entered": 6, "keen: left": 0}
    assert (SegmentSize.objects.get().size, SegmentSize.objects.get().entered) == (6, 6)
    told = list(Fact.objects.filter(topic="segment.entered").values_list("key", flat=True))
    assert sorted(told) == [f"m-{number}" for number in range(6)]


def test_the_number_of_statements_does_not_depend_on_the_number_of_members():
    def cost(at: dt.datetime) -> int:
        member_stats.measure(at, at)
        with CaptureQueriesContext(connection) as queries:
            segments.refresh_all(at, at)
        return len(queries)

    ruled(publishes=True)
    shop("alice", 2)
    few = cost(NOW)
    for number in range(20):
        shop(f"m-{number}", 2)

    assert cost(NOW + DAY) <= few


def test_an_earning_rule_pays_the_members_of_a_segment_that_conditions_choose():
    stage.a_rule("purchase", conditions=[("member.segment", "is", "keen")])
    ruled()
    shop("alice", 2)
    shop("bob", 1)
    refresh_all()

    for number, name in enumerate(["alice", "bob"]):
        stage.send("order.completed", name, NOW, **stage.order(f"o-{number}", stage.line(cash=50_00)))

    assert stage.balance("alice", NOW).available == 50
    assert stage.balance("bob", NOW).available == 0
