import datetime as dt

import pytest
from django.utils import timezone

from common import clock
from config.demo import segments as demo
from config.tests import sample
from loyalty.models import LifecyclePolicy, MemberStats, Segment, SegmentCondition, Standing
from loyalty.services import editions, member_stats, segments
from loyalty.tests.shoppers import bought, member

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


@pytest.fixture
def now():
    """The ready-made segments over ten customers, each better than the one before, a sleeper and somebody who only looks."""
    now = timezone.now()
    today = clock.local_date(now)
    for number in range(1, 11):
        for order in range(number):
            bought(f"m-{number}", today - (60 - 5 * number + order) * DAY, number * 10_00)
        Standing.objects.create(member=member(f"m-{number}"))
    bought("sleeper", today - 200 * DAY, 5_00)
    member("looker")
    demo.set_up(sample.staff("olivia"), sample.staff("felix"), now)
    member_stats.measure(now, now)
    return now


def members(code: str, now: dt.datetime) -> list[str]:
    segments.refresh_all(now, now)
    return sorted(Segment.objects.get(code=code).members.values_list("external_id", flat=True))


def test_setting_up_twice_changes_nothing(now):
    before = (Segment.objects.count(), SegmentCondition.objects.count(), LifecyclePolicy.objects.count())
    demo.set_up(sample.staff("rita"), sample.staff("rob"), now)

    assert (Segment.objects.count(), SegmentCondition.objects.count(), LifecyclePolicy.objects.count()) == before
    assert editions.in_force(LifecyclePolicy, now).lapsed_days == 180


def test_every_ready_made_segment_can_be_read(now):
    run = segments.refresh_all(now, now)

    assert not [name for name in run.counts if "unreadable" in name]


def test_each_stage_has_its_segment(now):
    assert members("lapsed", now) == ["sleeper"]
    assert members("prospect", now) == ["looker"]


def test_high_value_is_active_contributing_and_of_low_risk(now):
    """S1-12: whoever returns much, or whose growth coefficient has fallen, is not among them."""
    assert members("high-value", now) == ["m-10", "m-7", "m-8", "m-9"]
    MemberStats.objects.filter(member__external_id="m-8").update(causeless_12m=3, lines_12m=8)
    Standing.objects.filter(member__external_id="m-9").update(coefficient_percent=0)

    assert members("high-value", now + DAY) == ["m-10", "m-7"]
