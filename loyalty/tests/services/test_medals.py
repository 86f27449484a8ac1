import datetime as dt
from collections import Counter

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.models import Fact, JobChunk, JobRun
from loyalty import facts
from loyalty.models import CustomEventType, Medal, MedalAward, MedalCut, MedalStanding, Order, OrderLine
from loyalty.services import medals
from loyalty.tests import medal_case as case
from loyalty.tests import stage
from loyalty.tests.medal_case import DAY, NOON, TONIGHT

pytestmark = pytest.mark.django_db

NEXT_MONTH = dt.datetime(2026, 3, 31, 16, 0, tzinfo=dt.UTC)  # 2026-04-01 00:00 in Shanghai


@pytest.fixture
def small_chunks(monkeypatch):
    """One member a chunk."""
    monkeypatch.setattr("loyalty.selectors.spans.of.__defaults__", (1,))


# The score (domain.md F18) ------------------------------------------------------------------------------------


def test_the_score_is_money_order_days_and_reviews_by_their_weights():
    reader = case.medal(money_unit=1000, per_money=3, per_day=5, per_content=7)
    line = case.buy("alice", 99_90)
    case.buy("alice", 20_00)  # on the same day
    case.buy("alice", 10_00, at=TONIGHT - 9 * DAY)
    case.review("alice", line)

    medals.award(TONIGHT, NOON)

    # 129.90 yuan, 3 for each whole 10 yuan, rounded down once: ⌊3 × 129.90 / 10⌋ = 38; two days; one review.
    assert case.scores(reader) == {"alice": 38 + 2 * 5 + 7}
    standing = MedalStanding.objects.get()
    assert (standing.money, standing.orders, standing.days, standing.pieces) == (129_90, 3, 2, 1)


def test_an_order_line_counts_for_the_medals_that_name_its_category_and_no_other():
    reader, writer = case.medal("reader", "books"), case.medal("writer", "books", "stationery")
    cook = case.medal("cook", "kitchen")
    case.buy_lines("alice", [("books", 30_00), ("stationery", 5_00), ("toys", 100_00)])

    medals.award(TONIGHT, NOON)

    assert (case.scores(reader), case.scores(writer), case.scores(cook)) == ({"alice": 30}, {"alice": 35}, {})


def test_a_refund_lowers_the_score_and_what_was_wholly_returned_makes_no_order_day():
    reader = case.medal(per_day=5)
    half, whole = case.buy("alice", 40_00), case.buy("alice", 9_00, at=TONIGHT - 3 * DAY)
    case.give_back(half, 15_01)
    case.give_back(whole, 9_00)

    medals.award(TONIGHT, NOON)

    assert case.scores(reader) == {"alice": 24 + 5}


def test_orders_refunds_and_reviews_count_as_the_shop_sends_them():
    reader = case.medal(per_content=7)
    lines = [stage.line(1, 40_00, category="books"), stage.line(2, 9_00, category="books")]
    stage.send("order.completed", at=TONIGHT - 3 * DAY, **stage.order("o-1", *lines))
    stage.send("review.approved", at=TONIGHT - 2 * DAY, review="r-1", order="o-1", line="1")
    given_back = [{"line": "2", "cash": 9_00}]
    refund = {"order": "o-1", "refund": "f-1", "reason": "no_reason", "cash": 9_00, "lines": given_back}
    stage.send("order.refunded", at=TONIGHT + DAY, **refund)

    medals.award(TONIGHT, NOON)

    assert case.scores(reader) == {"alice": 40 + 7}


def test_a_cancelled_order_counts_nothing():
    reader = case.medal()
    line = case.buy("alice", 40_00)
    Order.objects.filter(pk=line.order_id).update(status=Order.Status.CANCELLED)

    medals.award(TONIGHT, NOON)

    assert case.scores(reader) == {}


def test_the_window_is_twelve_whole_local_months():
    reader = case.medal()
    first = dt.datetime(2025, 2, 28, 16, 0, tzinfo=dt.UTC)  # 2025-03-01 00:00 in Shanghai
    for at, cash in (
        (first - dt.timedelta(seconds=1), 1_00),
        (first, 10_00),
        (TONIGHT - dt.timedelta(seconds=1), 100_00),
        (TONIGHT, 1000_00),
    ):
        case.buy("alice", cash, at=at)

    medals.award(TONIGHT + 20 * DAY, NOON)  # whatever the night of the month

    assert case.scores(reader) == {"alice": 110}


def test_behaviour_medals_count_deeds():
    answered = CustomEventType.objects.create(name="app.question_answered")
    deeds = {"kind": "behaviour", "per_content": 1, "levels": ()}
    reviews = case.medal("reviews", behaviour="review", **deeds)
    photos = case.medal("photos", behaviour="photo_review", **deeds)
    sharing = case.medal("sharing", behaviour="share", **deeds)
    answers = case.medal("answers", behaviour="event", event_type=answered, **deeds)
    case.review("alice")
    case.review("alice", photos=2)
    case.review("alice", photos=1, status="removed")
    case.review("alice", photos=1, at=TONIGHT)
    for days in (1, 2, 400):
        case.share("alice", at=TONIGHT - days * DAY)
    for status in ("applied", "applied", "ignored"):
        case.event("alice", "app.question_answered", status=status)
    case.event("alice", "app.something_else")

    medals.award(TONIGHT, NOON)

    found = [case.scores(medal) for medal in (reviews, photos, sharing, answers)]
    assert found == [{"alice": 2}, {"alice": 1}, {"alice": 2}, {"alice": 2}]


def test_what_merged_members_bought_counts_once_for_who_they_are_now():
    reader = case.medal(per_day=5)
    target = case.member("alice")
    middle = case.member("bob", status="merged", merged_into=target)
    case.member("charlie", status="merged", merged_into=middle)
    for name in ("alice", "bob", "charlie"):
        case.buy(name, 10_00)

    medals.award(TONIGHT, NOON)

    assert case.scores(reader) == {"alice": 35}, "three orders on one day are one order day (E58)"


# Levels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cash", "level"), [(9_99, {}), (10_00, {"alice": 1}), (19_99, {"alice": 1}), (20_00, {"alice": 2})]
)
def test_a_level_begins_exactly_at_its_score(cash, level):
    reader = case.medal()
    case.buy("alice", cash)

    medals.award(TONIGHT, NOON)

    assert case.levels(reader) == level


def test_awards_and_losses_are_history_and_facts():
    reader = case.medal()
    line = case.buy("alice", 25_00)
    case.buy("bob", 5_00)
    medals.award(TONIGHT, NOON)
    case.give_back(line, 12_00)
    medals.award(NEXT_MONTH, NOON + 31 * DAY)
    case.give_back(line, 13_00)
    medals.award(NEXT_MONTH + 31 * DAY, NOON + 61 * DAY)

    assert case.told() == [
        ("medal.awarded", "alice", "reader", 0, 2),
        ("medal.lost", "alice", "reader", 2, 1),
        ("medal.lost", "alice", "reader", 1, 0),
    ]
    history = MedalAward.objects.order_by("id").values_list("before__number", "after__number", "score", "as_of", "at")
    assert list(history) == [
        (None, 2, 25, dt.date(2026, 3, 1), NOON),
        (2, 1, 13, dt.date(2026, 4, 1), NOON + 31 * DAY),
        (1, None, 0, dt.date(2026, 5, 1), NOON + 61 * DAY),
    ]
    standing = MedalStanding.objects.get(member__external_id="alice", medal=reader)
    assert (standing.level, standing.since, standing.as_of) == (None, None, dt.date(2026, 5, 1))


def test_a_level_kept_keeps_its_day_and_is_not_told_again():
    reader = case.medal()
    case.buy("alice", 25_00)
    medals.award(TONIGHT, NOON)
    medals.award(NEXT_MONTH, NOON + 31 * DAY)

    assert MedalStanding.objects.get(medal=reader).since == NOON
    assert len(case.told()) == MedalAward.objects.count() == 1


def test_the_facts_written_by_the_statement_have_the_form_of_those_that_are_published():
    case.medal()
    case.buy("alice", 25_00)
    medals.award(TONIGHT, NOON)

    fact = Fact.objects.get(topic=facts.MedalAwarded.topic)
    assert facts.MedalAwarded(fact.key, **fact.payload) == facts.MedalAwarded("alice", "reader", 0, 2, 25)


def test_a_medal_that_is_switched_off_is_left_as_it_is():
    reader = case.medal()
    case.buy("alice", 25_00)
    medals.award(TONIGHT, NOON)
    reader.is_active = False
    reader.save()
    Order.objects.update(status=Order.Status.CANCELLED)
    medals.award(NEXT_MONTH, NOON + 31 * DAY)

    assert (case.scores(reader), case.levels(reader)) == ({"alice": 25}, {"alice": 2})
    assert len(case.told()) == 1


def test_who_has_left_loses_the_level_and_is_told_nothing():
    reader = case.medal()
    case.buy("alice", 25_00)
    medals.award(TONIGHT, NOON)
    alice = case.member("alice")
    alice.status = "closed"
    alice.save()
    medals.award(NEXT_MONTH, NOON + 31 * DAY)

    assert case.levels(reader) == {}
    assert MedalAward.objects.filter(after=None).count() == 1
    assert [fact[0] for fact in case.told()] == ["medal.awarded"]


# The best share (domain.md F4) ----------------------------------------------------------------------------------


def test_the_best_share_is_rounded_down_and_counted_among_those_who_have_a_score():
    reader = case.medal()
    case.shares(reader, 500, 100)
    for number in range(19):
        case.buy(f"m-{number}", (number + 1) * 1_00)
    case.buy("rich", 1_000_00, category="toys")
    case.member("idle")

    medals.award(TONIGHT, NOON)

    assert case.levels(reader) == {"m-18": 2} | {f"m-{n}": 1 for n in range(10, 18)}, "⌊0.5 × 19⌋ = 9, ⌊0.1 × 19⌋ = 1"
    cut = MedalCut.objects.get(level__number=1)
    assert (cut.score, cut.places, cut.eligible, cut.member.external_id) == (11, 9, 19, "m-10")


def test_of_equal_scores_the_one_reached_earlier_ranks_higher_then_the_older_member():
    reader = case.medal()
    case.shares(reader, 500)
    for name, days in (("late", 1), ("alice", 5), ("bob", 5), ("early", 9)):
        case.buy(name, 30_00, at=TONIGHT - days * DAY)

    medals.award(TONIGHT, NOON)

    assert case.levels(reader) == {"early": 1, "alice": 1}


def test_a_share_of_too_few_holds_nobody():
    reader = case.medal()
    case.shares(reader, 100)
    case.buy("alice", 30_00)

    medals.award(TONIGHT, NOON)

    assert case.levels(reader) == {}
    cut = MedalCut.objects.get()
    assert (cut.score, cut.places, cut.eligible) == (None, 0, 1)


def test_a_level_for_the_best_asks_also_for_what_the_levels_below_it_ask_for():
    reader, player = case.medal("reader"), case.medal("player", "toys")
    for medal in (reader, player):
        medal.levels.create(number=3, name="Best", share_permille=500)
    case.buy_lines("alice", [("books", 30_00), ("toys", 15_00)])
    case.buy_lines("bob", [("books", 25_00), ("toys", 5_00)])

    medals.award(TONIGHT, NOON)

    assert case.levels(reader) == {"alice": 3, "bob": 2}
    assert case.levels(player) == {"alice": 1}, "the best of few, but short of level 2"


def test_who_has_left_takes_no_place_in_the_ranking():
    reader = case.medal()
    case.shares(reader, 500)
    for name, cash in (("alice", 40_00), ("bob", 30_00), ("charlie", 20_00)):
        case.buy(name, cash)
    gone = case.member("alice")
    gone.status = "closed"
    gone.save()

    medals.award(TONIGHT, NOON)

    assert case.levels(reader) == {"bob": 1}


# The run --------------------------------------------------------------------------------------------------------


def picture() -> list[tuple]:
    """Everything that the award writes, except who wrote it when."""
    rows = MedalStanding.objects.order_by("member", "medal")
    awards = MedalAward.objects.order_by("member", "medal", "as_of")
    cuts = MedalCut.objects.order_by("level", "as_of")
    return [
        *rows.values_list("member", "medal", "money", "orders", "days", "pieces", "score", "reached_at", "level"),
        *awards.values_list("member", "medal", "before", "after", "score", "as_of"),
        *cuts.values_list("level", "as_of", "score", "reached_at", "member", "places", "eligible"),
        *sorted(case.told()),
    ]


def test_running_it_again_in_the_month_changes_nothing():
    case.medal()
    case.buy("alice", 25_00)
    run = medals.award(TONIGHT, NOON)
    before = picture()
    case.buy("alice", 25_00)

    medals.award(TONIGHT, NOON)
    medals.award(TONIGHT + 9 * DAY, NOON + 9 * DAY)

    assert picture() == before
    assert run.counts == {"awarded": 1, "lost": 0}
    assert JobRun.objects.count() == 2


def test_a_run_of_an_earlier_month_that_comes_late_changes_nothing():
    case.medal()
    case.buy("alice", 25_00)
    medals.award(NEXT_MONTH, NOON + 31 * DAY)
    before = set(picture())

    medals.award(TONIGHT, NOON + 32 * DAY)

    lines = {row for row in picture() if dt.date(2026, 3, 1) in row}
    assert set(picture()) - lines == before, "only the lines of that month are drawn"
    assert len(case.told()) == 1


@pytest.mark.parametrize("phase", ["_score", "_award"])
def test_a_run_that_was_killed_goes_on_to_the_same_end(monkeypatch, small_chunks, phase):
    reader = case.medal()
    case.shares(reader, 600, 300)
    for number, name in enumerate(("alice", "bob", "charlie", "dora", "emil"), 1):
        case.buy(name, number * 10_00)
    bob, whole = case.member("bob"), getattr(medals, phase)

    def fail_for_bob(first, last, *more):
        if first <= bob.pk <= last:
            whole(first, last, *more)
            raise RuntimeError("the lights went out")
        return whole(first, last, *more)

    monkeypatch.setattr(medals, phase, fail_for_bob)
    with pytest.raises(RuntimeError):
        medals.award(TONIGHT, NOON)
    assert case.levels(reader) == {}, "alice has too few, and bob's chunk was rolled back"

    monkeypatch.setattr(medals, phase, whole)
    run = medals.award(TONIGHT, NOON)

    assert (run.status, run.counts) == (JobRun.Status.DONE, {"awarded": 3, "lost": 0})
    assert case.levels(reader) == {"charlie": 1, "dora": 1, "emil": 2}
    assert len(case.told()) == 3


def test_what_an_operator_changes_in_the_middle_of_a_run_counts_from_the_next_month(monkeypatch, small_chunks):
    reader = case.medal()
    case.buy("alice", 15_00)
    case.buy("bob", 15_00)
    whole = medals._award

    def change_in_between(first, last, *more):
        counts = whole(first, last, *more)
        reader.levels.filter(number=1).update(score=16)
        return counts

    monkeypatch.setattr(medals, "_award", change_in_between)
    medals.award(TONIGHT, NOON)
    assert case.levels(reader) == {"alice": 1, "bob": 1}

    medals.award(NEXT_MONTH, NOON + 31 * DAY)
    assert case.levels(reader) == {}


PURCHASE = st.tuples(
    st.sampled_from(["alice", "bob", "charlie", "dora"]),
    st.sampled_from(["books", "toys"]),
    st.integers(1, 60_00),
    st.integers(0, 60_00),
    st.integers(1, 420),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PURCHASE, max_size=12), st.integers(1, 1000))
def test_whatever_was_bought_chunks_do_not_matter_and_a_share_never_exceeds_its_count(monkeypatch, bought, permille):
    forget()
    for rows in (OrderLine, Order, Medal):
        rows.objects.all().delete()
    reader, collector = case.medal("reader", "books", per_day=3), case.medal("collector", "books", "toys")
    case.shares(reader, permille)
    kept = Counter()
    for name, category, cash, refunded, days in bought:
        line = case.buy(name, cash, category=category, at=TONIGHT - days * DAY)
        case.give_back(line, min(refunded, cash))
        kept[name] += line.cash - line.refunded_cash if days <= 365 else 0

    medals.award(TONIGHT, NOON)
    at_once = picture()
    forget()
    monkeypatch.setattr("loyalty.selectors.spans.of.__defaults__", (1,))
    medals.award(TONIGHT, NOON)
    monkeypatch.undo()

    assert picture() == at_once
    assert case.scores(collector) == {name: cash // 100 for name, cash in kept.items() if cash >= 100}
    scores, held = case.scores(reader), case.levels(reader)
    assert len(held) == len(scores) * permille // 1000
    assert all(scores[name] >= scores[other] for name in held for other in scores.keys() - held.keys())


def forget() -> None:
    """Take away what the award wrote."""
    for journal in (MedalAward, MedalCut):
        journal.objects.all()._raw_delete("default")
    for rows in (MedalStanding, Fact, JobChunk, JobRun):
        rows.objects.all().delete()


# What the database refuses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "level",
    [
        {"score": None},
        {"score": 0},
        {"score": 5, "share_permille": 5},
        {"share_permille": 1001},
        {"number": 0, "score": 5},
    ],
)
def test_a_level_is_from_a_score_or_for_a_share(level):
    reader = case.medal(levels=())
    with pytest.raises(IntegrityError), transaction.atomic():
        reader.levels.create(**({"number": 1, "name": "Level"} | level))


@pytest.mark.parametrize(
    "values",
    [{"kind": "behaviour"}, {"behaviour": "share"}, {"kind": "behaviour", "behaviour": "event"}, {"money_unit": 0}],
)
def test_a_medal_counts_what_belongs_to_its_kind(values):
    with pytest.raises(IntegrityError), transaction.atomic():
        Medal.objects.create(code="reader", name="Reader", **values)
