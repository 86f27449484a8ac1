"""Promises that were not kept lower the coefficient of the next month, are explained, and can be excused (F21, E52)."""

import datetime as dt

import pytest

from common import clock
from common.models import AuditEntry, Staff
from common.problems import InvalidInput
from common.services.audit import Actor
from loyalty.admin import conduct_words
from loyalty.models import Breach, Coefficient, Conduct, Standing
from loyalty.selectors import conduct as selector
from loyalty.services import breaches, conduct
from loyalty.tests import conducts
from members.models import Member

pytestmark = pytest.mark.django_db

NOVEMBER = clock.day_start(dt.date(2026, 11, 15))
DECEMBER = clock.day_start(dt.date(2026, 12, 1))


@pytest.fixture
def rita(db) -> Actor:
    return Actor("Rita", Staff.objects.create(username="rita", is_staff=True))


def percent(name: str = "alice") -> int:
    return Standing.objects.get(member__external_id=name).coefficient_percent


def broken(*names: str, at: dt.datetime = NOVEMBER) -> None:
    told = [
        breaches.Told(Member.objects.get(external_id=name).pk, f"instant-refund:{name}:{number}", f"o-{number}")
        for number, name in enumerate(names)
    ]
    breaches.record(told, Breach.Kind.INSTANT_REFUND, at)


def rate(as_of: dt.datetime = DECEMBER) -> None:
    conduct.rate(as_of, as_of)


def good(name: str = "alice") -> None:
    """Ten lines, nothing came back: 1.2."""
    conducts.an_order(name, NOVEMBER, lines=10)


def test_a_promise_that_was_not_kept_counts_like_three_lines_that_came_back():
    policy = conducts.a_policy()
    kept, broken_once = Conduct(lines=10), Conduct(lines=10, breaches=1)
    assert policy.ratio(kept).limit_denominator() == policy.ratio(Conduct(lines=10))
    assert policy.ratio(broken_once) == policy.ratio(Conduct(returned=3, lines=13))
    by_amount = conducts.a_policy(basis="amount")
    spent = Conduct(lines=10, cash=1000_00, returned_cash=100_00)
    assert by_amount.ratio(spent._replace(breaches=1)).denominator > 0
    assert by_amount.ratio(spent._replace(breaches=1)) > by_amount.ratio(spent)
    policy.breach_lines = 0
    assert policy.ratio(broken_once) == policy.ratio(kept)


def test_the_next_month_lowers_the_coefficient_and_its_history_says_why():
    policy = conducts.a_policy()
    for name in ("alice", "bob"):
        good(name)
    rate()
    broken("bob", at=DECEMBER)
    rate(clock.day_start(dt.date(2027, 1, 1)))
    history = Coefficient.objects.filter(member__external_id="bob").first()
    assert (percent("alice"), percent("bob"), history.before, history.breaches) == (120, 100, 120, 1)
    assert "promises broken: 1" in conduct_words.grounds(policy, history.conduct)


def test_it_counts_in_its_month_and_not_before_it_was_told_or_after_the_window():
    conducts.a_policy()
    good()
    broken("alice", at=DECEMBER)
    rate()
    assert percent() == 120
    member = Member.objects.get()
    assert selector.evidence(member, DECEMBER).breaches == []
    assert len(selector.evidence(member, clock.day_start(dt.date(2027, 1, 5))).breaches) == 1


def test_told_twice_it_counts_once():
    conducts.member("alice")
    broken("alice")
    broken("alice")
    assert Breach.objects.count() == 1


def test_a_person_excuses_it_and_the_member_is_rated_again(rita):
    conducts.a_policy()
    good()
    broken("alice")
    rate()
    lowered = percent()
    breach = breaches.excuse(Breach.objects.get(), "The parcel was lost", rita, DECEMBER + dt.timedelta(days=2))
    assert (breach.note, breach.excused_by) == ("The parcel was lost", rita.staff)
    assert lowered < percent() == 120
    assert AuditEntry.objects.get(action="loyalty.breaches.excuse").reason == "The parcel was lost"
    with pytest.raises(breaches.ExcusedBefore):
        breaches.excuse(breach, "again", rita, DECEMBER)


def test_only_a_person_excuses_and_says_why(rita):
    conducts.member("alice")
    broken("alice")
    with pytest.raises(conduct.PersonNeeded):
        breaches.excuse(Breach.objects.get(), "why", Actor("night"), DECEMBER)
    with pytest.raises(InvalidInput):
        breaches.excuse(Breach.objects.get(), " ", rita, DECEMBER)
    assert Breach.objects.get().excused_at is None


def test_what_a_merged_member_broke_counts_for_the_heir():
    """domain.md E58."""
    conducts.a_policy()
    good()
    conducts.member("bob")
    broken("bob")
    Member.objects.filter(external_id="bob").update(
        status="merged", merged_into=Member.objects.get(external_id="alice")
    )
    rate()
    assert percent() < 120
