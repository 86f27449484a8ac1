"""The membership as a pyramid (domain.md S2-02, S2-36)."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty.models import Standing, Tier
from loyalty.selectors import pyramid
from loyalty.tests.stage import DAY, JD, NOON, a_growth_policy, a_ladder, line, order, send
from members.models import Member

pytestmark = pytest.mark.django_db

TODAY = dt.date(2026, 3, 1)


def grow(name: str, whole: int, at: dt.datetime = NOON) -> None:
    send("order.completed", name, at, **order(f"{name}-{at:%Y%m%d}", line(1, whole * 100)))


@pytest.fixture
def ladder(db):
    a_growth_policy()
    return a_ladder()


def test_layers_count_active_members_by_tier_the_highest_first(ladder):
    for name, growth in {"alice": 150, "bob": 150, "charlie": 2_500, "dora": 12_000, "gone": 40_000}.items():
        grow(name, growth)
    Member.objects.filter(external_id="gone").update(status=Member.Status.CLOSED)
    layers = pyramid.layers()
    assert [(layer.tier.code, layer.members, layer.mean_growth) for layer in layers] == [
        ("diamond", 0, None),
        ("gold", 1, 12_000),
        ("silver", 1, 2_500),
        ("bronze", 2, 150),
        ("registered", 0, None),
    ]


def test_it_is_no_pyramid_where_a_tier_has_more_members_than_the_one_below(ladder):
    tiers = list(Tier.objects.order_by("-rank"))
    sizes = zip(tiers, (1, 3, 2, 2, 1), strict=True)
    assert [(above.code, below.code) for above, below in pyramid.too_wide(sizes, None)] == [
        ("gold", "silver"),
        ("bronze", "registered"),
    ]


def test_who_has_bought_nothing_yet_stands_before_the_pyramid(ladder):
    tiers = list(Tier.objects.order_by("-rank"))
    sizes = list(zip(tiers, (1, 3, 2, 2, 1), strict=True))
    assert [(above.code, below.code) for above, below in pyramid.too_wide(sizes, ladder)] == [("gold", "silver")]


def test_the_months_are_told_backwards_by_the_changes(ladder):
    """Charlie came in January and rose in February; Dora came today."""
    grow("charlie", 500, dt.datetime(2026, 1, 15, tzinfo=dt.UTC))
    grow("charlie", 1_500, dt.datetime(2026, 2, 10, tzinfo=dt.UTC))
    grow("dora", 2_000)
    codes = dict(Tier.objects.values_list("pk", "code"))
    told = [
        (first, {codes[tier]: members for tier, members in sizes.items() if members})
        for first, sizes in pyramid.months(pyramid.layers(), TODAY)
    ]
    assert told[0] == (dt.date(2025, 4, 1), {})
    assert told[-3:] == [
        (dt.date(2026, 1, 1), {}),
        (dt.date(2026, 2, 1), {"bronze": 1}),
        (dt.date(2026, 3, 1), {"silver": 1}),
    ]


def test_moves_leave_out_what_was_before_and_what_changed_nothing(ladder):
    grow("alice", 500, NOON - 40 * DAY)
    grow("alice", 1_500, NOON - 2 * DAY)
    grow("bob", 2_000, NOON - DAY)
    grow("charlie", 100, NOON - DAY)
    told = [
        (before.code if before else None, after.code, members)
        for before, after, members in pyramid.moves(NOON - 30 * DAY)
        if before is not None
    ]
    assert sorted(told) == [("bronze", "silver", 1), ("registered", "bronze", 1), ("registered", "silver", 1)]


def test_the_edge_of_a_threshold_is_who_stands_nearest(ladder):
    for name, growth in {"alice": 1_999, "bob": 2_000, "charlie": 9_999, "dora": 500}.items():
        grow(name, growth)
    edges = {
        edge.rung.tier.code: (
            [row.member.external_id for row in edge.below],
            [row.member.external_id for row in edge.above],
        )
        for edge in pyramid.edges(list(ladder.rungs.select_related("tier")))
    }
    assert list(edges) == ["diamond", "gold", "silver"]
    assert edges["silver"] == (["alice", "dora"], ["bob", "charlie"])
    assert edges["gold"] == (["charlie", "bob", "alice", "dora"], [])


def test_the_console_asks_a_fixed_number_of_queries(ladder, django_assert_num_queries):
    for number in range(30):
        grow(f"m-{number}", 100 * number + 20)
    assert Standing.objects.count() == 30
    with django_assert_num_queries(5):
        layers = pyramid.layers()
        pyramid.months(layers, TODAY)
        pyramid.moves(NOON - 30 * DAY)
    assert {code for code, *_rest in JD} == {layer.tier.code for layer in layers}
