"""Points set aside for a case: out of reach, their time stands still, released or taken back in one go (domain.md E20)."""

import pytest
from django.db import transaction

from common.models import Fact, Staff
from common.services.audit import Actor
from loyalty.models import Hold, Lot, Quarantine
from loyalty.services import expiring, holds, invariants, proof, quarantines
from loyalty.services.tenders import UnknownHold
from loyalty.tests import cast
from loyalty.tests.cast import DAY, NOON, account, balances, grant
from loyalty.tests.proven import assert_proven

pytestmark = pytest.mark.django_db
SOON, LATER = NOON + 10 * DAY, NOON + 90 * DAY


def person(name: str) -> Actor:
    return Actor(name, Staff.objects.get_or_create(username=name)[0])


def assert_books() -> None:
    """Every invariant; only the grants of this test were laid down without telling."""
    assert_proven([one for one in invariants.ALL if one.name != "posted_is_published"])
    (journal,) = [one for one in invariants.ALL if one.name == "posted_is_published"]
    assert [row["key"] for row in proof.check(journal).sample] == ["points.earned test"]


def set_aside(*lots: Lot, at=NOON) -> Quarantine:
    return quarantines.open(
        [lot.pk for lot in lots], title="Chargebacks", evidence="Bank letter 17", actor=person("olivia"), at=at
    )


def test_points_in_quarantine_cannot_be_spent_and_the_others_can():
    alice = account()
    suspect, _good = grant(alice, 100, expires_at=SOON), grant(alice, 50, expires_at=LATER)
    set_aside(suspect)
    assert balances(alice) == (50, 0, 100, 0)
    assert_books()


def test_pending_points_are_held_too():
    alice = account()
    lot = grant(alice, 100, expires_at=LATER, at=NOON - DAY, available_at=NOON + 5 * DAY)
    set_aside(lot)
    assert balances(alice) == (0, 0, 100, 0)
    assert_books()


def test_released_points_are_in_their_lots_again():
    alice = account()
    lot = grant(alice, 100, expires_at=SOON)
    case = quarantines.release(set_aside(lot), note="all in order", actor=person("olivia"), at=NOON + DAY)
    lot.refresh_from_db()
    assert (case.status, lot.remaining, balances(alice)) == ("released", 100, (100, 0, 0, 0))
    assert_books()


def test_time_stands_still_in_quarantine():
    alice = account()
    lot = grant(alice, 100, expires_at=SOON)
    case = set_aside(lot)
    expiring.expire(NOON + 30 * DAY, NOON + 30 * DAY)
    assert balances(alice) == (0, 0, 100, 0)
    quarantines.release(case, note="", actor=person("olivia"), at=NOON + 30 * DAY)
    assert balances(alice) == (100, 0, 0, 0)
    renewed = Lot.objects.get(parent=lot)
    assert renewed.expires_at == NOON + 40 * DAY
    assert_books()


def test_a_case_is_reversed_in_bulk_by_a_second_person():
    alice, bob = account(), account("bob")
    case = set_aside(
        grant(alice, 100, expires_at=SOON), grant(alice, 20, expires_at=LATER), grant(bob, 7, expires_at=SOON)
    )
    with pytest.raises(quarantines.SecondPersonNeeded), transaction.atomic():
        quarantines.reverse(case, note="fraud", actor=person("olivia"), at=NOON)
    assert balances(alice) == (0, 0, 120, 0)
    quarantines.reverse(case, note="fraud", actor=person("rita"), at=NOON)
    assert (balances(alice), balances(bob)) == ((0, 0, 0, 0), (0, 0, 0, 0))
    assert_books()


def test_what_expired_in_quarantine_is_taken_back_as_well():
    alice = account()
    case = set_aside(grant(alice, 100, expires_at=SOON))
    quarantines.reverse(case, note="fraud", actor=person("rita"), at=NOON + 30 * DAY)
    assert balances(alice) == (0, 0, 0, 0)
    assert_books()


def test_a_case_is_decided_once():
    case = set_aside(grant(account(), 100, expires_at=SOON))
    quarantines.release(case, note="", actor=person("olivia"), at=NOON)
    for verb in (quarantines.release, quarantines.reverse):
        with pytest.raises(quarantines.CaseClosed):
            verb(case, note="", actor=person("rita"), at=NOON)


def test_what_was_spent_before_is_not_in_the_case():
    alice = account()
    lot = grant(alice, 100, expires_at=SOON)
    with cast.ledger.open_book([alice.pk], NOON) as book:
        book.take(alice.pk, 60, kind="redeem", contra="redeemed", reference="test")
    set_aside(lot)
    assert balances(alice) == (0, 0, 40, 0)
    with pytest.raises(quarantines.NothingToSetAside):
        set_aside(lot)


def test_a_checkout_cannot_let_quarantined_points_go():
    set_aside(grant(account(), 100, expires_at=SOON))
    hold = Hold.objects.get()
    for verb in (holds.release, holds.capture):
        with pytest.raises(UnknownHold), transaction.atomic():
            verb(hold.uuid, NOON)


def test_members_are_told_without_the_evidence():
    case = set_aside(grant(account(), 100, expires_at=SOON))
    fact = Fact.objects.get(topic="points.quarantined")
    assert (fact.key, fact.payload["points"], fact.payload["state"]) == ("alice", 100, "open")
    assert "Bank letter" not in str(fact.payload)
    quarantines.release(case, note="", actor=person("olivia"), at=NOON)
    assert Fact.objects.filter(topic="points.quarantined").count() == 2


def test_evidence_is_needed():
    lot = grant(account(), 100, expires_at=SOON)
    with pytest.raises(quarantines.InvalidInput):
        quarantines.open([lot.pk], title="x", evidence=" ", actor=person("olivia"), at=NOON)
    assert not Quarantine.objects.exists()


@pytest.mark.parametrize("members", [1, 12])
def test_a_case_of_many_members_takes_few_more_queries(members, django_assert_max_num_queries):
    lots = [grant(account(f"member-{n}"), 100, expires_at=SOON) for n in range(members)]
    actor = person("olivia")
    with django_assert_max_num_queries(25):
        quarantines.open([lot.pk for lot in lots], title="x", evidence="y", actor=actor, at=NOON)
