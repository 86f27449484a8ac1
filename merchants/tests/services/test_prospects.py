import datetime as dt

import pytest

from common.models import JobChunk, JobRun
from common.problems import InvalidInput
from common.services.audit import Actor
from members.models import Consent, Member
from merchants.models import Card, CategoryBuyer, OfferShown, ProspectOffer
from merchants.selectors import prospects as selector
from merchants.services import prospects
from merchants.tests.buyers import DAY, NOON, a_card, a_club, a_member, a_merchant, bought, consents

pytestmark = pytest.mark.django_db
MIA = Actor("Mia of Acme")
FEBRUARY = dt.date(2026, 2, 10)


@pytest.fixture
def acme():
    acme = a_merchant()
    bought(a_member("own"), "acme", 1000, on=FEBRUARY)
    return acme


def crowd(size, *, category="books", on=FEBRUARY, prefix="buyer"):
    a_merchant("other")
    return [
        bought(a_member(f"{prefix}-{n}"), "other", 1000, on=on, category=category).order.member for n in range(size)
    ]


def told(merchant, at=NOON):
    return {row.category: row.members for row in prospects.counts(merchant, at)}["books"]


def reach(offer):
    return selector.reach(selector.with_reach(ProspectOffer.objects.filter(pk=offer.pk)).get())


def an_offer(merchant, **values):
    values = {
        "club": merchant.clubs.first() or a_club(merchant),
        "category": "books",
        "title": "Welcome",
        "message": "A gift for you",
        "starts_at": NOON - DAY,
        "ends_at": NOON + DAY,
    } | values
    return ProspectOffer.objects.create(merchant=merchant, **values)


def a_running_offer(merchant, **values):
    return prospects.start(an_offer(merchant, **values), MIA, NOON)


def test_prospects_are_counted_in_whole_groups(acme):
    crowd(24)
    prospects.count_buyers(NOON, NOON)
    assert told(acme) == {"1": 20, "2": 0, "3": 0, "6": 0, "all": 20}


def test_fewer_than_a_group_are_nobody(acme):
    crowd(8)
    prospects.count_buyers(NOON, NOON)
    assert told(acme)["all"] == 0


def test_who_is_known_to_the_merchant_does_not_hide_charlie(acme):
    for buyer in crowd(9):
        consents(buyer, Consent.Purpose.INSIGHT, "acme")
    crowd(1, prefix="charlie")
    prospects.count_buyers(NOON, NOON)
    assert told(acme)["all"] == 0
    assert selector.by_band(a_merchant("other"), ["books"])["books"]["all"] == 10


def test_holders_of_a_card_are_no_prospects_until_they_leave(acme):
    club, buyers = a_club(acme), crowd(20)
    for buyer in buyers[:10]:
        a_card(buyer, club)
    prospects.count_buyers(NOON, NOON)
    assert selector.by_band(acme, ["books"])["books"]["all"] == 10
    Card.objects.update(status=Card.Status.LEFT, left_at=NOON)
    assert selector.by_band(acme, ["books"])["books"]["all"] == 20


def test_the_answer_of_a_month_stays_though_somebody_joins(acme):
    buyers = crowd(19)
    prospects.count_buyers(NOON, NOON)
    before = told(acme)
    a_card(buyers[0], a_club(acme))
    a_card(buyers[1], acme.clubs.get())
    assert told(acme, NOON + DAY) == before


def test_only_twelve_months_and_what_was_kept_count(acme):
    crowd(1, on=dt.date(2025, 3, 1), prefix="first-day")
    crowd(1, on=dt.date(2025, 2, 28), prefix="too-old")
    crowd(1, on=dt.date(2026, 3, 1), prefix="too-new")
    line = bought(a_member("sorry"), "acme", 1000, on=FEBRUARY, refunded=1000)
    assert line.refunded_cash == 1000
    prospects.count_buyers(NOON, NOON)
    assert set(CategoryBuyer.objects.values_list("member__external_id", flat=True)) == {"own", "first-day-0"}


def test_a_merged_members_purchases_are_the_others_and_closed_members_have_none(acme):
    alice = a_member("alice")
    bought(a_member("old", status="merged", merged_into=alice), "acme", 500, on=FEBRUARY)
    bought(alice, "acme", 700, on=FEBRUARY + DAY)
    bought(a_member("gone", status="closed"), "acme", 700, on=FEBRUARY)
    prospects.count_buyers(NOON, NOON)
    rows = CategoryBuyer.objects.values_list("member__external_id", "days", "cash")
    assert set(rows) == {("own", 1, 1000), ("alice", 2, 1200)}


def test_a_count_that_stopped_half_way_goes_on_and_none_is_told_meanwhile(acme, monkeypatch):
    crowd(20)
    monkeypatch.setattr(prospects, "MEMBERS_PER_CHUNK", 10)
    count_span, calls = prospects._count_span, []

    def dies(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return count_span(*args)

    monkeypatch.setattr(prospects, "_count_span", dies)
    with pytest.raises(KeyboardInterrupt):
        prospects.count_buyers(NOON, NOON)
    with pytest.raises(prospects.ProspectsUncounted):
        prospects.counts(acme, NOON)
    prospects.count_buyers(NOON + DAY, NOON)
    assert CategoryBuyer.objects.count() == 21
    assert JobRun.objects.get().status == JobRun.Status.DONE
    assert JobChunk.objects.filter(done_at=None).count() == 0
    assert told(acme)["all"] == 20


def test_only_categories_that_the_merchant_sells_in_are_told(acme):
    crowd(20, category="wine")
    prospects.count_buyers(NOON, NOON)
    assert [row.category for row in prospects.counts(acme, NOON)] == ["books"]


def test_many_categories_are_counted_in_few_queries(acme, django_assert_max_num_queries):
    for number in range(12):
        bought(a_member("own"), "acme", 1000, on=FEBRUARY, category=f"category-{number}")
    prospects.count_buyers(NOON, NOON)
    with django_assert_max_num_queries(8):
        assert len(prospects.counts(acme, NOON)) == 13


# Offers -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bob(acme):
    (bob,) = crowd(1, prefix="bob")
    prospects.count_buyers(NOON, NOON)
    consents(bob, Consent.Purpose.PERSONALISE)
    return bob


def test_an_offer_is_shown_to_a_prospect_who_agreed(acme, bob):
    offer = a_running_offer(acme)
    assert prospects.show(bob, NOON) == [offer]
    assert prospects.show(bob, NOON) == [offer]
    assert OfferShown.objects.get().member == bob


def test_an_offer_is_not_shown_without_consent(acme, bob):
    a_running_offer(acme)
    Consent.objects.update(withdrawn_at=NOON)
    assert prospects.show(bob, NOON) == []


def test_an_offer_is_not_shown_to_who_has_a_card_or_buys_other_things(acme, bob):
    a_running_offer(acme, category="wine")
    assert prospects.show(bob, NOON) == []
    offer = a_running_offer(acme)
    a_card(bob, offer.club)
    assert prospects.show(bob, NOON) == []


@pytest.mark.parametrize("at", [NOON - DAY - DAY / 86400, NOON + DAY])
def test_an_offer_is_not_shown_outside_its_time(acme, bob, at):
    a_running_offer(acme)
    assert prospects.show(bob, at) == []


def test_a_stopped_offer_is_not_shown(acme, bob):
    offer = a_running_offer(acme)
    prospects.stop(offer, MIA, NOON)
    assert prospects.show(bob, NOON) == []
    with pytest.raises(prospects.OfferState):
        prospects.stop(offer, MIA, NOON)


def test_an_offer_that_is_over_or_leads_nowhere_cannot_start(acme):
    with pytest.raises(InvalidInput):
        prospects.start(an_offer(acme, ends_at=NOON), MIA, NOON)
    club = a_club(acme, status="draft", name="Later")
    with pytest.raises(InvalidInput):
        prospects.start(an_offer(acme, club=club), MIA, NOON)


@pytest.mark.parametrize(("shown", "joined", "told"), [(9, 9, (0, 0)), (25, 9, (20, 0)), (25, 11, (20, 10))])
def test_the_merchant_is_told_numbers_in_whole_groups_only(acme, shown, joined, told):
    offer = a_running_offer(acme)
    for number in range(shown):
        member = a_member(f"member-{number}")
        OfferShown.objects.create(offer=offer, member=member, at=NOON)
        if number < joined:
            a_card(member, offer.club, joined_at=NOON + DAY)
    assert reach(offer) == told


def test_who_was_a_member_before_did_not_join_by_the_offer(acme):
    offer = a_running_offer(acme)
    for number in range(10):
        member = a_member(f"member-{number}")
        a_card(member, offer.club, joined_at=NOON - DAY)
        OfferShown.objects.create(offer=offer, member=member, at=NOON)
    assert reach(offer) == (10, 0)
    assert Member.objects.filter(cards__club=offer.club).count() == 10
