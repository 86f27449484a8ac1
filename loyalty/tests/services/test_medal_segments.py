import pytest

from common.models import AuditEntry
from loyalty.models import Segment
from loyalty.services import medal_segments, medals
from loyalty.tests import medal_case as case
from loyalty.tests.medal_case import NOON, TONIGHT
from loyalty.tests.stage import STAFF

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader():
    reader = case.medal()
    for name, cash in (("alice", 25_00), ("bob", 12_00), ("charlie", 11_00)):
        case.buy(name, cash)
    medals.award(TONIGHT, NOON)
    return reader


def gather(level, code="readers"):
    return medal_segments.gather(level, code=code, name="Readers", actor=STAFF, at=NOON)


def test_a_segment_lists_who_holds_exactly_the_level(reader, monkeypatch):
    monkeypatch.setattr(medal_segments, "_AT_ONCE", 1)
    segment = gather(case.level(reader, 1))

    assert sorted(segment.members.values_list("external_id", flat=True)) == ["bob", "charlie"]
    entry = AuditEntry.objects.get(action="loyalty.medal_segments.gather")
    assert (entry.object_key, entry.data) == ("readers", {"members": 2})


def test_a_code_that_is_taken_is_refused_and_the_other_segment_keeps_its_members(reader):
    Segment.objects.create(code="readers", name="Old").members.add(case.member("dora"))
    with pytest.raises(medal_segments.SegmentExists):
        gather(case.level(reader, 1))
    assert list(Segment.objects.get().members.values_list("external_id", flat=True)) == ["dora"]


def test_a_level_that_nobody_holds_makes_no_segment(reader):
    empty = reader.levels.create(number=3, name="Top", score=1000)
    with pytest.raises(medal_segments.LevelIsEmpty):
        gather(empty)
    assert not Segment.objects.exists()
