"""Two workers at once share the award and give every medal once."""

import datetime as dt

import pytest

from common.models import JobRun
from loyalty.models import MedalAward, MedalCut
from loyalty.selectors import spans
from loyalty.services import medals
from loyalty.tests import medal_case as case
from loyalty.tests.medal_case import NOON, TONIGHT
from loyalty.tests.services.test_jobs_under_fire import together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

NEXT_MONTH = dt.datetime(2026, 3, 31, 16, 0, tzinfo=dt.UTC)


@pytest.fixture
def reader(monkeypatch):
    """Forty members with different scores, three a chunk; half of them are the best half."""
    monkeypatch.setattr(spans.of, "__defaults__", (3,))
    reader = case.medal()
    case.shares(reader, 500)
    for number in range(40):
        case.buy(f"m-{number}", (number + 1) * 1_00)
    return reader


def test_two_workers_at_once_share_the_chunks(reader):
    runs = together(*[lambda: medals.award(TONIGHT, NOON)] * 2)

    assert [run.status for run in runs] == [JobRun.Status.DONE] * 2
    assert JobRun.objects.get(job=medals.JOB).counts == {"awarded": 20, "lost": 0}
    assert case.levels(reader) == {f"m-{number}": 1 for number in range(20, 40)}
    assert (MedalAward.objects.count(), MedalCut.objects.count(), len(case.told())) == (20, 1, 20)


def test_two_months_at_once_leave_the_levels_of_the_later_one(reader):
    together(lambda: medals.award(TONIGHT, NOON), lambda: medals.award(NEXT_MONTH, NOON))

    assert case.levels(reader) == {f"m-{number}": 1 for number in range(20, 40)}
    held = MedalAward.objects.order_by("member", "as_of").values_list("member", "before__number", "after__number")
    for member in {row[0] for row in held}:
        steps = [row[1:] for row in held if row[0] == member]
        assert [before for before, _after in steps] == [None, *[after for _before, after in steps][:-1]]
