"""Whatever happens, in whatever order and whichever nights are missed: counting what changed is counting everything."""

import datetime as dt

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from loyalty.models import Review, Score, ScoreBucket
from loyalty.selectors import score_explanations, score_policies
from loyalty.selectors import score_windows as windows
from loyalty.services import score_settlements, scores
from loyalty.tests.ratings import a_member, a_policy, a_source, bought, gave_back, logged_in, mark, night
from members.models import CreditScore, Member

pytestmark = pytest.mark.django_db

START = dt.date(2026, 1, 20)
NAMES = ("alice", "bob")

limit = st.none() | st.integers(1, 300)
limits = st.fixed_dictionaries({"cap_day": limit, "cap_month": limit})
parts = st.fixed_dictionaries({"cap_category": limit, "cap_store": limit})
policies = st.fixed_dictionaries(
    {
        "cash": st.tuples(
            limits, parts, st.fixed_dictionaries({"cap_order": limit, "money_unit": st.integers(1, 250)})
        ),
        "login": limits,
        "return_value": st.integers(-50, -1),
        "weights": st.tuples(st.integers(0, 200), st.integers(0, 200)),
        "curve": st.lists(st.tuples(st.integers(-50, 400), st.integers(0, 60)), max_size=4, unique_by=lambda c: c[0]),
    }
)
# Many days lie where a window begins or ends while the nights pass.
days = st.one_of(st.integers(-420, 40), st.integers(-370, -300), st.integers(-3, 50)).map(
    lambda n: START + dt.timedelta(days=n)
)
lines = st.lists(
    st.fixed_dictionaries(
        {
            "cash": st.integers(0, 30_000),
            "category": st.sampled_from(["", "books", "toys"]),
            "store_code": st.sampled_from(["", "east", "west"]),
        }
    ),
    min_size=1,
    max_size=3,
)
names = st.sampled_from(NAMES)
happenings = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), names, days, lines),
        st.tuples(st.just("log in"), names, days),
        st.tuples(st.just("review"), names, days),
        st.tuples(st.just("give back"), st.integers(0, 20)),
        st.tuples(st.just("credit"), names, st.integers(0, 100)),
        st.tuples(st.just("verify"), names),
        st.tuples(st.just("merge"), names),
        st.tuples(st.just("night"), st.integers(1, 45)),
    ),
    max_size=25,
)


class Life:
    """Plays a history and counts every night it names."""

    def __init__(self):
        self.today, self.orders = START, []
        night(self.today)

    def play(self, happening):
        verb, *rest = happening
        getattr(self, f"_{verb.replace(' ', '_')}")(*rest)

    def _of(self, name):
        """Whom the name stands for."""
        member = a_member(name)
        return member.merged_into or member

    def _buy(self, name, day, rows):
        self.orders.append(bought(self._of(name), day, *rows))

    def _log_in(self, name, day):
        member = self._of(name)
        if not member.activities.filter(day=day).exists():
            logged_in(member, day)

    def _review(self, name, day):
        at = dt.datetime.combine(day, dt.time(12), tzinfo=dt.UTC)
        Review.objects.create(code=f"r{Review.objects.count()}", member=self._of(name), approved_at=at, photos=1)
        mark(self._of(name), day)

    def _give_back(self, number):
        if self.orders:
            gave_back(self.orders[number % len(self.orders)])

    def _credit(self, name, score):
        at = dt.datetime.combine(self.today, dt.time(12), tzinfo=dt.UTC)
        CreditScore.objects.get_or_create(member=self._of(name), at=at, defaults={"score": score})

    def _verify(self, name):
        Member.objects.filter(external_id=name).update(phone_verified=True)

    def _merge(self, name):
        pair = Member.objects.in_bulk(NAMES, field_name="external_id")
        if len(pair) == 2 and all(member.merged_into_id is None for member in pair.values()):
            (other,) = set(NAMES) - {name}
            Member.objects.filter(pk=pair[name].pk).update(status="merged", merged_into=pair[other])
            scores.recount([member.pk for member in pair.values()])

    def _night(self, later):
        self.today += dt.timedelta(days=later)
        run = night(self.today)
        score_settlements.settle(run.as_of, run.as_of)


def a_random_policy(said):
    by_month, by_part, by_order = said["cash"]
    corners = sorted(said["curve"])
    rising = sorted(y for _x, y in corners)
    return a_policy(
        a_source("cash", 1, "consumption", **by_month, **by_part, **by_order),
        a_source("shopping_day", 20, "consumption", cap_month=said["login"]["cap_month"]),
        a_source("new_category", 15),
        a_source("photo_review", 30, **{name: by_part[name] for name in by_part}),
        a_source("login", 7, **said["login"]),
        a_source("share", said["return_value"], "reputation"),
        a_source("phone", 20, "account"),
        a_source("year", 11, "account"),
        a_source("credit", 1, "credit"),
        curves={"activity": [(x, y) for (x, _y), y in zip(corners, rising, strict=True)]},
        consumption=(said["weights"][0], 500),
        activity=(said["weights"][1], 400),
    )


def counted():
    active = Score.objects.filter(member__status="active").order_by("member")
    columns = [field.attname for field in Score._meta.concrete_fields if field.attname != "counted_on"]
    oldest = windows.horizon(START + dt.timedelta(days=100))
    return list(active.values_list(*columns)), sorted(
        ScoreBucket.objects.filter(member__status="active", day__gte=oldest).values_list(
            "member_id", "day", "source_id", "category", "store_code", "value"
        )
    )


@settings(
    max_examples=40,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(said=policies, story=happenings)
def test_nights_that_count_what_changed_give_what_a_count_from_nothing_gives(said, story):
    savepoint = transaction.savepoint()
    try:
        _live_and_compare(said, story)
    finally:
        transaction.savepoint_rollback(savepoint)


def _live_and_compare(said, story):
    policy = a_random_policy(said)
    for name in NAMES:
        a_member(name)
    life = Life()
    for happening in story:
        life.play(happening)
    for later in (1, 20, 25):
        life.play(("night", later))
    by_change = counted()

    night(life.today, anew=True)

    assert counted() == by_change
    rules = score_policies.load(policy)
    window = windows.provisional(life.today)
    for score in Score.objects.filter(member__status="active"):
        values = score_explanations.days_of(score.member_id, rules, window)
        explained = score_explanations.explain(rules, window, values, score_explanations.state_of(score))
        assert explained.value == score.value
        assert {part.code: part.s for part in explained.dimensions} == {
            part.code: getattr(score, part.code) for part in explained.dimensions
        }
