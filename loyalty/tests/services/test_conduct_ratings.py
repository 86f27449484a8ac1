"""Conduct in a word, with reasons: rated at night from what is known, set by hand where a member was right (S2-20, PIPL 24)."""

import pytest

from common.problems import InvalidInput
from loyalty.models import ConductRating, DeliveryRefusal, Order, SegmentCondition, Standing
from loyalty.selectors import conduct_ratings as selector
from loyalty.selectors import criteria
from loyalty.selectors.conduct_ratings import Grounds
from loyalty.services import conduct_ratings
from loyalty.tests import stage
from loyalty.tests.stage import DAY, NOON
from members.models import Member, RiskListing
from members.services import risk_appeals, risk_listings
from members.tests import risk

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    stage.send("member.registered", "alice")
    return Member.objects.get(external_id="alice")


def rated(member, at=NOON + DAY):
    conduct_ratings.rate(at, at)
    rating = ConductRating.objects.filter(member=member).first()
    return (rating.stands(at), rating.reasons) if rating else ("ordinary", [])


@pytest.mark.parametrize(
    ("known", "band", "reasons"),
    [
        (Grounds(), "ordinary", []),
        (Grounds(coefficient=110), "good", ["keeps"]),
        (Grounds(coefficient=110, refusals=1), "ordinary", []),
        (Grounds(coefficient=99), "doubtful", ["returns"]),
        (Grounds(coefficient=0), "poor", ["returns"]),
        (Grounds(refusals=2), "ordinary", []),
        (Grounds(refusals=3), "doubtful", ["refusals"]),
        (Grounds(deliveries=3), "ordinary", []),
        (Grounds(deliveries=4), "doubtful", ["deliveries"]),
        (Grounds(chargebacks=1), "doubtful", ["chargeback"]),
        (Grounds(chargebacks=2), "poor", ["chargeback"]),
        (Grounds(denied=1), "doubtful", ["denied"]),
        (Grounds(denied=1, outlawed=1), "poor", ["denied"]),
    ],
)
def test_conduct_leads_to_a_word_and_its_reasons(known, band, reasons):
    assert conduct_ratings.judge(known) == (band, reasons)


def test_of_whom_nothing_is_known_there_is_no_row(alice):
    assert rated(alice) == ("ordinary", [])
    assert not ConductRating.objects.exists()


def test_refusals_count_for_a_year_and_not_if_contested_successfully(alice):
    risk.in_force(limit=0, at=NOON - DAY)
    assert not any(risk.passes("alice", NOON + n * risk.MINUTE) for n in range(3))
    assert rated(alice) == ("doubtful", ["refusals"])
    appeal = risk_appeals.file(alice.risk_refusals.first(), "No!", risk.person("sam"), NOON)
    risk_appeals.uphold(appeal, note="right", spare_days=0, actor=risk.person("dora"), at=NOON + DAY)
    assert rated(alice, NOON + 2 * DAY) == ("ordinary", [])


def test_what_ran_in_shadow_is_held_against_nobody(alice):
    from members.services import risk_rules

    risk_rules.watch(risk.draft(limit=0), risk.person("olivia"), NOON - DAY)
    assert all(risk.passes("alice", NOON + n * risk.MINUTE) for n in range(3))
    assert rated(alice) == ("ordinary", [])


def test_a_chargeback_is_remembered_for_a_year(alice):
    stage.send("order.completed", **stage.order("o-1"))
    stage.send("order.refunded", order="o-1", refund="f", reason="chargeback", lines=[{"line": "1", "quantity": 1}])
    assert rated(alice) == ("doubtful", ["chargeback"])
    assert rated(alice, NOON + 365 * DAY) == ("ordinary", [])


def test_refused_deliveries_and_the_coefficient_count(alice):
    for number in range(4):
        stage.send("order.completed", **stage.order(f"o-{number}"))
        order = Order.objects.get(code=f"o-{number}")
        DeliveryRefusal.objects.create(member=alice, order=order, day=NOON.date(), at=NOON)
    Standing.objects.filter(member=alice).update(coefficient_percent=0)
    assert rated(alice) == ("poor", ["returns", "deliveries"])


def test_who_is_denied_everything_is_poor(alice):
    entry = RiskListing(kind="deny", by="member", subject="alice", member=alice, reason="x", starts_at=NOON)
    risk_listings.enter(entry, risk.person("rita"), NOON)
    assert rated(alice) == ("poor", ["denied"])


def test_what_is_set_by_hand_counts_for_its_time_and_the_night_goes_on_beneath(alice):
    Standing.objects.create(member=alice, coefficient_percent=0)
    assert rated(alice)[0] == "poor"
    conduct_ratings.set_by_hand(alice, "ordinary", days=30, note="A flood.", actor=risk.person("rita"), at=NOON + DAY)
    assert rated(alice, NOON + 2 * DAY)[0] == "ordinary"
    assert ConductRating.objects.get().band == "poor"
    assert rated(alice, NOON + 31 * DAY)[0] == "poor"


def test_nothing_is_set_by_hand_without_a_reason_or_a_person(alice):
    for actor, note in ((risk.person("rita"), " "), (stage.STAFF, "why")):
        with pytest.raises(InvalidInput):
            conduct_ratings.set_by_hand(alice, "good", days=3, note=note, actor=actor, at=NOON)
    assert not ConductRating.objects.exists()


def test_risk_rules_ask_for_conduct(alice):
    risk.in_force("instant_refund", 0, conducts=["poor"], at=NOON - DAY)
    assert risk.passes("alice", NOON, "instant_refund")
    ConductRating.objects.create(member=alice, band="poor", rated_at=NOON)
    assert not risk.passes("alice", NOON, "instant_refund")


def test_audiences_are_chosen_by_conduct(alice):
    stage.send("member.registered", "bob")
    ConductRating.objects.create(member=alice, band="poor", rated_at=NOON)

    def found(operator, value):
        condition = SegmentCondition(attribute="conduct", operator=operator, value=value, group=1)
        return set(criteria.members([condition], NOON).values_list("external_id", flat=True))

    assert found("is", "poor") == {"alice"}
    assert found("is", "ordinary, good") == {"bob"}
    assert found("is_not", "poor, doubtful") == {"bob"}


def test_a_thousand_members_cost_as_much_as_one(alice, django_assert_max_num_queries):
    for number in range(20):
        member = Member.objects.create(external_id=f"m-{number}", registered_at=NOON)
        Standing.objects.create(member=member, coefficient_percent=130)
    with django_assert_max_num_queries(10):
        conduct_ratings._rate_span(Member.objects.all(), NOON)
    assert ConductRating.objects.filter(band="good").count() == 20


def test_tier_and_conduct_are_said_together(alice):
    ConductRating.objects.create(member=alice, band="poor", rated_at=NOON)
    assert selector.standings([alice.pk], NOON)[alice.pk].conduct == "poor"
