"""Who is in a segment of cards: every condition that is filled in, all bounds included, asked anew."""

import pytest

from members.models import Member
from merchants.models import CardSegment
from merchants.selectors import segments
from merchants.tests import buyers
from merchants.tests.buyers import DAY, NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def club(db):
    club = buyers.a_club(buyers.a_merchant("acme"))
    buyers.a_card(buyers.a_member("alice"), club, level=3, spent=500_00, orders=9, last_order_at=NOON - 5 * DAY)
    buyers.a_card(buyers.a_member("bob"), club, level=1, spent=10_00, orders=1, last_order_at=NOON - 80 * DAY)
    buyers.a_card(buyers.a_member("charlie"), club, channel="shop", joined_at=NOON - 2 * DAY)
    return club


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        ({}, "alice bob charlie"),
        ({"level_from": 3}, "alice"),
        ({"level_to": 2}, "bob charlie"),
        ({"spent_from": 10_00, "spent_to": 500_00}, "alice bob"),
        ({"spent_from": 10_01}, "alice"),
        ({"orders_from": 1, "orders_to": 1}, "bob"),
        ({"joined_within": 2}, "charlie"),
        ({"joined_before": 3}, "alice bob"),
        ({"ordered_within": 5}, "alice"),
        ({"idle_for": 30}, "bob charlie"),
        ({"channel": "shop"}, "charlie"),
        ({"level_to": 2, "idle_for": 30, "orders_from": 1}, "bob"),
    ],
)
def test_the_conditions(club, conditions, names):
    segment = CardSegment(club=club, name="x", **conditions)
    found = segments.cards(segment, NOON).values_list("member__external_id", flat=True)
    assert sorted(found) == names.split()


def test_who_left_the_club_or_the_programme_and_other_clubs_are_never_in():
    club, other = buyers.a_club(buyers.a_merchant("acme")), buyers.a_club(buyers.a_merchant("zeta"))
    buyers.a_card(buyers.a_member("gone"), club, status="left", left_at=NOON)
    buyers.a_card(buyers.a_member("closed", status=Member.Status.CLOSED), club)
    buyers.a_card(buyers.a_member("alice"), other)
    assert not segments.cards(CardSegment(club=club, name="x"), NOON).exists()


def test_the_count_by_level_is_one_query(club, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert segments.by_level(segments.cards(CardSegment(club=club, name="x"), NOON)) == [(1, 2), (3, 1)]
