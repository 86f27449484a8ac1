import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.models.base import InsertOnlyError
from common.problems import NotFound
from common.services.audit import Actor
from loyalty.models import Score, ScoreThreshold
from members.models import Consent
from merchants.models import InsightAccess, InsightReport
from merchants.selectors import insights as selector
from merchants.services import insights
from merchants.tests.buyers import DAY, NOON, a_member, a_merchant, bought, consents

pytestmark = pytest.mark.django_db
MIA = Actor("Mia of Acme")
TODAY = NOON.date()
WINTER = dt.date(2025, 10, 1)


@pytest.fixture
def acme():
    return a_merchant("acme", "acme", "acme-outlet")


@pytest.fixture
def alice(acme):
    alice = a_member("alice")
    consents(alice, Consent.Purpose.INSIGHT, "acme")
    return alice


def on(days_ago):
    return TODAY - dt.timedelta(days=days_ago)


def test_a_consenting_members_purchases_are_told(acme, alice):
    bought(alice, "acme", 3000, on=on(10), category="books")
    bought(alice, "acme-outlet", 2000, on=on(5), category="toys", refunded=1000)
    bought(alice, "acme", 1000, on=on(5), category="books")
    found = insights.look(acme, "alice", MIA, NOON)
    assert (found.cash, found.orders, found.order_days, found.last_order_on) == (5000, 3, 2, on(5))
    assert found.categories == [("books", 800), ("toys", 200)]


def test_what_she_bought_elsewhere_long_ago_or_sent_back_is_not_told(acme, alice):
    a_merchant("other")
    bought(alice, "other", 9000, on=on(5), category="wine")
    bought(alice, "acme", 9000, on=on(366), category="wine")
    line = bought(alice, "acme", 9000, on=on(5), category="wine", refunded=9000)
    line.refunded_quantity = 1
    line.save()
    found = insights.look(acme, "alice", MIA, NOON)
    assert (found.cash, found.orders, found.categories, found.last_order_on) == (0, 0, [], None)


def test_the_score_is_told_as_a_band_and_never_as_a_number(acme, alice):
    ScoreThreshold.objects.create(code="good", name="Good", value=1000)
    ScoreThreshold.objects.create(code="best", name="Best", value=5000)
    assert insights.look(acme, "alice", MIA, NOON).band == "none"
    score = Score.objects.create(
        member=alice, counted_on=TODAY, value=4711, settled=4711, settled_month=TODAY.replace(day=1)
    )
    found = insights.look(acme, "alice", MIA, NOON)
    assert found.band == "good"
    assert "4711" not in repr(found)
    score.settled = 999
    score.save()
    assert insights.look(acme, "alice", MIA, NOON).band == "below"


@pytest.mark.parametrize("name", ["charlie", "nobody"])
def test_without_consent_nothing_is_told_and_nothing_is_written_down(acme, alice, name):
    charlie = a_member("charlie")
    consents(charlie, Consent.Purpose.INSIGHT, "other")
    consents(charlie, Consent.Purpose.CONTACT, "acme")
    with pytest.raises(NotFound):
        insights.look(acme, name, MIA, NOON)
    assert not InsightAccess.objects.exists()


def test_consent_that_is_taken_back_ends_it_at_once(acme, alice):
    insights.look(acme, "alice", MIA, NOON)
    Consent.objects.update(withdrawn_at=NOON)
    with pytest.raises(NotFound):
        insights.look(acme, "alice", MIA, NOON)
    assert list(selector.consenting(acme)) == []


def test_every_look_is_written_down_for_ever(acme, alice):
    insights.look(acme, "alice", MIA, NOON)
    insights.look(acme, "alice", MIA, NOON + DAY)
    looks = InsightAccess.objects.order_by("at")
    assert [(look.merchant, look.member, look.staff_label, look.at) for look in looks] == [
        (acme, alice, "Mia of Acme", NOON),
        (acme, alice, "Mia of Acme", NOON + DAY),
    ]
    with pytest.raises(InsertOnlyError):
        looks.delete()


def test_purchases_of_a_member_merged_into_her_are_hers(acme, alice):
    old = a_member("old-alice", status="merged", merged_into=alice)
    older = a_member("older-alice", status="merged", merged_into=old)
    bought(old, "acme", 1000, on=on(5))
    bought(older, "acme", 500, on=on(6))
    assert insights.look(acme, "alice", MIA, NOON).cash == 1500


# Groups -----------------------------------------------------------------------------------------------------


def crowd(size, store="acme", *, day=WINTER, category="books", cash=1000, prefix="buyer"):
    members = [a_member(f"{prefix}-{number}") for number in range(size)]
    for member in members:
        bought(member, store, cash, on=day, category=category)
    return members


def test_fewer_buyers_than_a_group_are_not_told_of_at_all(acme):
    crowd(9)
    assert insights.report(acme, WINTER, NOON).figures == {"buyers": None, "cash": None}


def test_groups_that_are_too_small_go_together(acme):
    crowd(12)
    crowd(6, category="toys", prefix="toy")
    crowd(4, category="wine", prefix="wine")
    figures = insights.report(acme, WINTER, NOON).figures
    assert (figures["buyers"], figures["cash"]) == (22, 22_000)
    assert figures["category"] == [["books", 12, 12_000], ["other", 10, 10_000]]
    assert figures["frequency"] == [["1", 22, 22_000]]


def test_a_lonely_small_group_hides_in_the_next_one(acme):
    crowd(12)
    crowd(3, category="wine", prefix="wine")
    assert insights.report(acme, WINTER, NOON).figures["category"] == [["other", 15, 15_000]]


def test_who_is_known_to_the_merchant_does_not_hide_charlie(acme):
    """Nine consenting buyers and Charlie are ten, and yet the merchant could take the nine away."""
    known = crowd(9, prefix="known")
    for member in known:
        consents(member, Consent.Purpose.INSIGHT, "acme")
    bought(a_member("charlie"), "acme", 1000, on=WINTER, category="wine")
    assert insights.report(acme, WINTER, NOON).figures == {"buyers": None, "cash": None}


def test_groups_are_counted_by_those_whom_the_merchant_never_knew(acme):
    """Ten buy books; but one of them once agreed, so that the nine others hide among the wine."""
    bob, *_others = crowd(10)
    consents(bob, Consent.Purpose.INSIGHT, "acme")
    Consent.objects.filter(member=bob).update(withdrawn_at=NOON)
    crowd(10, category="wine", prefix="wine")
    assert insights.report(acme, WINTER, NOON).figures["category"] == [["other", 20, 20_000]]


def test_what_was_told_of_a_quarter_stays_whatever_comes_later(acme):
    crowd(10)
    first = insights.report(acme, WINTER, NOON).figures
    bought(a_member("late"), "acme", 1, on=WINTER)
    assert insights.report(acme, WINTER, NOON + DAY).figures == first
    assert InsightReport.objects.count() == 1


def test_only_closed_quarters_can_be_asked_for(acme):
    assert selector.quarters(NOON) == [WINTER, dt.date(2025, 7, 1), dt.date(2025, 4, 1), dt.date(2025, 1, 1)]
    for quarter in (dt.date(2026, 1, 1), dt.date(2025, 10, 2), dt.date(2024, 10, 1)):
        with pytest.raises(NotFound):
            insights.report(acme, quarter, NOON)


def test_quarters_do_not_overlap(acme):
    days = [
        day
        for first in selector.quarters(NOON)
        for day in itertools.takewhile(
            lambda day, first=first: (day.year, (day.month - 1) // 3) == (first.year, (first.month - 1) // 3),
            (first + dt.timedelta(days=number) for number in itertools.count()),
        )
    ]
    assert len(days) == len(set(days)) == 365


def test_another_merchants_buyers_are_not_counted(acme):
    a_merchant("other")
    crowd(20, "other")
    assert insights.report(acme, WINTER, NOON).figures["buyers"] is None


def test_a_report_costs_the_same_queries_however_many_buyers(acme, django_assert_max_num_queries):
    crowd(40)
    with django_assert_max_num_queries(14):
        insights.report(acme, WINTER, NOON)


@given(
    sizes=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 30), max_size=8),
    known=st.sets(st.integers(0, 100)),
    least=st.integers(3, 12),
)
def test_no_difference_of_answers_singles_out_fewer_than_a_group(sizes, known, least):
    """Not even by who takes away all members whom it knows, whichever groups they are in (cash of 1 marks the unknown)."""
    labels = dict(enumerate(label for label, size in sizes.items() for _ in range(size)))
    cells = selector.grouped(labels, {pk: int(pk not in known) for pk in labels}, known, least)
    unknown = len(labels.keys() - known)
    if unknown < least:
        assert cells == []
        return
    assert sum(cell.members for cell in cells) == len(labels)
    hidden = [cell.cash for cell in cells]
    assert sum(hidden) == unknown
    for number in range(len(hidden) + 1):
        for some in itertools.combinations(hidden, number):
            assert unknown - sum(some) == 0 or unknown - sum(some) >= least


def test_sales_by_category_are_held_against_the_days_before(acme):
    alice = a_member("alice")
    bought(alice, "acme", 3000, on=on(1), category="books")
    bought(alice, "acme", 1000, on=on(31), category="books")
    bought(alice, "acme", 500, on=on(60), category="toys")
    bought(alice, "acme", 9999, on=on(61), category="toys")
    bought(alice, "acme", 9999, on=on(0), category="books")
    rows = selector.sales_by_category(acme, NOON)
    assert [(row.category, row.cash, row.pieces, row.cash_before) for row in rows] == [
        ("books", 3000, 1, 1000),
        ("toys", 0, 0, 500),
    ]
