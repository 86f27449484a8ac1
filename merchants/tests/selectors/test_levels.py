"""Segments of the programme may ask for levels at a merchant, which the floor below does not know."""

import pytest

from loyalty.models import Segment, SegmentCondition
from loyalty.selectors import criteria
from loyalty.services import segments
from loyalty.tests.stage import STAFF
from merchants.tests.buyers import NOON
from merchants.tests.campaigning import a_club, cards

pytestmark = pytest.mark.django_db


def who(operator: str, value: str, key: str = "acme") -> set[str]:
    condition = SegmentCondition(attribute="card_level", operator=operator, value=value, key=key)
    return set(criteria.members([condition], NOON).values_list("external_id", flat=True))


@pytest.fixture(autouse=True)
def house():
    club = a_club("acme")
    cards(club, "alice", level=3)
    cards(club, "bob", level=1)
    cards(club, "charlie", level=5, status="left", left_at=NOON)
    cards(a_club("other"), "bob", level=4)


def test_members_are_found_by_their_level_at_a_merchant():
    assert who("at_least", "2") == {"alice"}
    assert who("between", "1, 3") == {"alice", "bob"}
    assert who("less_than", "3") == {"bob"}
    assert who("at_least", "4", "other") == {"bob"}
    assert who("at_least", "4") == set()  # who has left is no member of the club


def test_an_unknown_merchant_is_refused():
    with pytest.raises(criteria.UnreadableCondition):
        who("at_least", "1", "nobody")


def test_a_segment_is_refreshed_by_it():
    segment = Segment.objects.create(code="top-at-acme", name="Top at Acme", kind="ruled")
    SegmentCondition.objects.create(segment=segment, attribute="card_level", operator="at_least", value="3", key="acme")
    segments.refresh(segment, STAFF, NOON)
    assert set(segment.members.values_list("external_id", flat=True)) == {"alice"}
