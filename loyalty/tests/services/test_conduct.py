"""Coefficients are rated month by month, fall to nothing only by a person's word, and never rewrite growth."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import clock
from common.models import AuditEntry, Fact, JobRun, Staff
from common.problems import InvalidInput
from common.services import outbox
from common.services.audit import Actor
from loyalty import tasks
from loyalty.models import Coefficient, ConductCase, ExcusedLine, Refund, Standing
from loyalty.selectors import conduct as selector
from loyalty.services import conduct
from loyalty.tests import conducts, stage
from members.models import CreditScore, Member

pytestmark = pytest.mark.django_db

NOVEMBER = clock.day_start(dt.date(2026, 11, 15))
DECEMBER = clock.day_start(dt.date(2026, 12, 1))
JANUARY = clock.day_start(dt.date(2027, 1, 1))
NIGHT = DECEMBER + dt.timedelta(minutes=25)


@pytest.fixture
def rita(db) -> Actor:
    return Actor("Rita", Staff.objects.create(username="rita", is_staff=True))


def percent(name: str) -> int:
    return Standing.objects.get(member__external_id=name).coefficient_percent


def changes() -> list[tuple]:
    rows = Fact.objects.filter(topic="coefficient.changed").order_by("pk")
    return [(fact.key, fact.payload["before"], fact.payload["after"]) for fact in rows]


def good(name: str = "alice") -> None:
    """Ten lines, nothing came back: 1.2."""
    conducts.an_order(name, NOVEMBER, lines=10)


def bad(name: str = "bob") -> Refund:
    """Thirty of thirty lines came back: nothing."""
    return conducts.give_back(conducts.an_order(name, NOVEMBER, lines=30), 30)


def rate(as_of: dt.datetime = DECEMBER) -> JobRun:
    return conduct.rate(as_of, as_of + dt.timedelta(minutes=25))


def a_case() -> ConductCase:
    conducts.a_policy()
    bad()
    rate()
    return ConductCase.objects.get()


# Rating ---------------------------------------------------------------------------------------------------------


def test_the_month_rates_everybody_and_tells():
    policy = conducts.a_policy()
    good()
    conducts.give_back(conducts.an_order("bob", NOVEMBER, lines=10), 2)
    conducts.member("charlie")
    run = rate()
    assert [percent(name) for name in ("alice", "bob", "charlie")] == [120, 110, 100]
    assert changes() == [("alice", 100, 120), ("bob", 100, 110)]
    assert run.counts == {"members": 3, "changed": 2}
    history = Coefficient.objects.get(member__external_id="bob")
    assert (history.before, history.after, history.at, history.policy) == (100, 110, NIGHT, policy)
    assert history.conduct == (2, 10, 200_00, 1000_00, None, 0)


def test_a_second_run_changes_nothing():
    conducts.a_policy()
    good()
    rate()
    JobRun.objects.all().delete()
    run = rate()
    assert (run.counts, Coefficient.objects.count(), len(changes())) == ({"members": 1}, 1, 1)


def test_what_leaves_the_window_counts_no_more():
    conducts.a_policy()
    good()
    rate()
    rate(clock.day_start(dt.date(2027, 12, 1)))
    assert percent("alice") == 100
    assert changes() == [("alice", 100, 120), ("alice", 120, 100)]


def test_a_run_that_dies_goes_on_where_it_was(monkeypatch):
    conducts.a_policy()
    for number in range(5):
        good(f"m-{number}")
    monkeypatch.setattr(conduct.spans, "ACCOUNTS_PER_CHUNK", 2)
    monkeypatch.setattr(conduct.spans.of, "__defaults__", (2,))
    settle, calls = conduct._settle, []

    def dies(*args):
        calls.append(args)
        if len(calls) == 2:
            raise RuntimeError("power cut")
        return settle(*args)

    monkeypatch.setattr(conduct, "_settle", dies)
    with pytest.raises(RuntimeError):
        rate()
    assert Coefficient.objects.count() == 2
    run = rate()
    assert (run.status, run.counts) == (JobRun.Status.DONE, {"members": 5, "changed": 5})
    assert Coefficient.objects.count() == len(changes()) == 5


def test_the_night_rates_a_month_once_however_late():
    conducts.a_policy()
    good()
    assert conduct.due(DECEMBER)
    rate()
    assert not conduct.due(DECEMBER)
    assert conduct.due(JANUARY)


def test_without_a_policy_nothing_is_due():
    good()
    assert not conduct.due(DECEMBER)
    assert rate().counts == {}
    assert percent("alice") == 100


def test_the_task_rates_the_month_that_has_begun():
    conducts.a_policy()
    tasks.rate_conduct()
    tasks.rate_conduct()
    (run,) = JobRun.objects.filter(job=conduct.JOB)
    assert clock.local(run.as_of).day == 1


def test_members_who_left_are_not_rated():
    conducts.a_policy()
    good()
    Member.objects.update(status="closed")
    rate()
    assert percent("alice") == 100


def test_rating_costs_the_same_for_many_members():
    conducts.a_policy()

    def cost(members: range, as_of: dt.datetime) -> int:
        for number in members:
            good(f"m-{number}")
            bad(f"b-{number}")
        with CaptureQueriesContext(connection) as queries:
            rate(as_of)
        return len(queries)

    few = cost(range(25), DECEMBER)
    assert cost(range(25, 60), JANUARY) <= few
    assert (Coefficient.objects.count(), ConductCase.objects.count()) == (60, 60)


# A person decides ------------------------------------------------------------------------------------------------


def test_nobody_falls_to_nothing_by_machine():
    case = a_case()
    assert (percent("bob"), changes(), Coefficient.objects.count()) == (100, [], 0)
    assert (case.status, case.conduct) == ("open", (30, 30, 3000_00, 3000_00, None, 0))


def test_the_approved_coefficient_counts_from_then_on(rita):
    case = a_case()
    coefficient = conduct.approve(case, "Thirty dresses worn and sent back", rita, NIGHT)
    case.refresh_from_db()
    assert (percent("bob"), changes()) == (0, [("bob", 100, 0)])
    assert (coefficient.case, case.status, case.decided_by) == (case, "approved", rita.staff)
    entry = AuditEntry.objects.get(action="loyalty.conduct.approve")
    assert (entry.object_key, entry.actor, entry.reason) == ("bob", rita.staff, "Thirty dresses worn and sent back")


def test_approving_twice_is_refused(rita):
    case = a_case()
    conduct.approve(case, "yes", rita, NIGHT)
    for verb in (conduct.approve, conduct.dismiss):
        with pytest.raises(conduct.CaseDecided):
            verb(case, "again", rita, NIGHT)
    assert len(changes()) == 1


def test_a_machine_cannot_decide(rita):
    case = a_case()
    for verb in (conduct.approve, conduct.dismiss):
        with pytest.raises(conduct.PersonNeeded):
            verb(case, "beep", Actor("a job"), NIGHT)
        with pytest.raises(InvalidInput):
            verb(case, "  ", rita, NIGHT)
    case.refresh_from_db()
    assert (case.status, AuditEntry.objects.count()) == ("open", 0)


def test_what_was_dismissed_stays_dismissed_until_the_facts_change(rita):
    case = a_case()
    conduct.dismiss(case, "The boots were faulty", rita, NIGHT)
    rate(JANUARY)
    assert (percent("bob"), ConductCase.objects.filter(status="open").count()) == (100, 0)
    conducts.give_back(conducts.an_order("bob", JANUARY), 1)
    rate(clock.day_start(dt.date(2027, 2, 1)))
    again = ConductCase.objects.get(status="open")
    assert (percent("bob"), again.returned) == (100, 31)


def test_an_open_case_keeps_up_with_the_facts():
    case = a_case()
    conducts.give_back(conducts.an_order("bob", DECEMBER), 1)
    rate(JANUARY)
    case.refresh_from_db()
    assert (case.status, case.returned, ConductCase.objects.count()) == ("open", 31, 1)


def test_a_case_is_withdrawn_when_conduct_is_good_again():
    case = a_case()
    conducts.an_order("bob", DECEMBER, lines=200)
    rate(JANUARY)
    case.refresh_from_db()
    assert (case.status, percent("bob")) == ("withdrawn", 100)
    assert case.decided_by is None


def test_who_fell_to_nothing_rises_by_machine(rita):
    conduct.approve(a_case(), "yes", rita, NIGHT)
    conducts.an_order("bob", DECEMBER, lines=200)
    rate(JANUARY)
    assert percent("bob") == 100
    assert changes()[-1] == ("bob", 0, 100)


# Contesting ------------------------------------------------------------------------------------------------------


def test_an_excused_return_is_not_held_against_the_member(rita):
    case = a_case()
    bob = case.member
    lines = selector.evidence(bob, NIGHT).lines
    conduct.excuse(bob, lines[:25], "The shop mixed up the sizes", rita, NIGHT)
    case.refresh_from_db()
    assert (case.status, percent("bob")) == ("withdrawn", 100)
    evidence = selector.evidence(bob, NIGHT)
    assert (len(evidence.lines), len(evidence.held), evidence.verdict.conduct.returned) == (30, 5, 5)
    assert AuditEntry.objects.get(action="loyalty.conduct.excuse").reason == "The shop mixed up the sizes"


def test_excusing_lifts_an_approved_coefficient_at_once(rita):
    case = a_case()
    conduct.approve(case, "yes", rita, NIGHT)
    conduct.excuse(case.member, selector.evidence(case.member, NIGHT).lines, "A mistake of ours", rita, NIGHT)
    assert percent("bob") == 130
    assert changes() == [("bob", 100, 0), ("bob", 0, 130)]


def test_only_what_is_held_against_the_member_can_be_excused(rita):
    case = a_case()
    other = conducts.give_back(conducts.an_order("charlie", NOVEMBER), 1).order
    mine = selector.evidence(case.member, NIGHT).lines[:1]
    conduct.excuse(case.member, mine, "one", rita, NIGHT)
    for lines in (list(other.lines.all()), mine, []):
        with pytest.raises(InvalidInput):
            conduct.excuse(case.member, lines, "another", rita, NIGHT)
    assert ExcusedLine.objects.count() == 1


# Credit scores ---------------------------------------------------------------------------------------------------


def deliver(at: dt.datetime) -> None:
    while outbox.dispatch(at) or outbox.deliver(at):
        pass


def test_a_credit_score_counts_at_once():
    conducts.a_credit_policy()
    stage.send("member.registered", "alice", NIGHT, name="Alice")
    deliver(NIGHT)
    stage.send("member.credit_updated", "alice", NIGHT, score=85)
    assert percent("alice") == 100
    deliver(NIGHT)
    assert (percent("alice"), changes()) == (120, [("alice", 100, 120)])
    assert Coefficient.objects.get().score == 85


def test_a_bad_credit_score_waits_for_a_person():
    conducts.a_credit_policy()
    alice = conducts.member("alice")
    CreditScore.objects.create(member=alice, score=12, at=NIGHT)
    conduct.rate_member(alice, NIGHT)
    assert (percent("alice"), ConductCase.objects.get().score) == (100, 12)


def test_a_credit_score_does_nothing_where_returns_count():
    conducts.a_policy()
    alice = conducts.member("alice")
    CreditScore.objects.create(member=alice, score=12, at=NIGHT)
    conduct.rate_member(alice, NIGHT)
    assert (percent("alice"), ConductCase.objects.count()) == (100, 0)


def test_a_new_policy_counts_from_the_month_that_begins_with_it():
    conducts.a_policy()
    middle = DECEMBER + dt.timedelta(days=10)
    conducts.a_credit_policy(effective_at=middle)
    assert not selector.policy_at(selector.rated_at(middle)).by_score
    assert selector.policy_at(JANUARY).by_score
