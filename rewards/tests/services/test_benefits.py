"""Benefits in use: once for one occasion, within the quota, at the stores that take part; and given back."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from common.models import Fact
from common.problems import InvalidInput
from loyalty.models import Order, TierChange
from loyalty.tests.stage import DAY, NOON
from members.services import members
from merchants.models import Merchant, Store
from rewards.models import Benefit, BenefitUse, Period, Quota, QuotaEntry
from rewards.selectors import entitlements
from rewards.services import benefits
from rewards.services.benefits import (
    KeyOfAnotherUse,
    NotAcceptedHere,
    NotEntitled,
    UnknownBenefit,
    UnknownUse,
)
from rewards.services.orders import OrderOfAnother
from rewards.services.quotas import QuotaUsedUp
from rewards.tests import perks

pytestmark = pytest.mark.django_db


def use(member, key, at=NOON, code="parcel", **more):
    return benefits.use(member, code, at, key=key, **more)


def entries(member):
    """(seq, kind, delta, left after) of the member's quotas, in order."""
    rows = QuotaEntry.objects.filter(quota__member=member).order_by("quota", "seq")
    return list(rows.values_list("seq", "kind", "delta", "balance_after"))


@pytest.fixture
def parcel(db):
    """Two parcels a month for bronze and above."""
    found = perks.benefit("parcel", unit_cost=7_00, settlement_price=6_00)
    perks.grant(found, quota=2, period=Period.MONTH)
    return found


def test_a_use_takes_one_of_the_quota_and_writes_the_ledger(parcel):
    alice = perks.member()
    row = use(alice, "p-1", order="o-1")
    assert entries(alice) == [(1, "grant", 2, 2), (2, "use", -1, 1)]
    assert (row.source, row.tier.code, row.cost, row.price, row.used_on.isoformat()) == (
        "Bronze and above", "bronze", 7_00, 6_00, "2026-03-01",
    )  # fmt: skip
    fact = Fact.objects.get(topic="benefit.used")
    assert (fact.key, fact.payload["benefit"], fact.payload["left"]) == ("alice", "parcel", 1)


def test_the_same_key_uses_once_even_when_nothing_is_left(parcel):
    alice = perks.member()
    first, second = use(alice, "p-1"), use(alice, "p-2")
    assert (use(alice, "p-1"), use(alice, "p-2")) == (first, second)
    with pytest.raises(QuotaUsedUp) as refused:
        use(alice, "p-3")
    assert refused.value.extra == {"quota": 2, "used": 2, "resets_on": "2026-04-01"}
    assert BenefitUse.objects.count() == 2
    assert Fact.objects.filter(topic="benefit.used").count() == 2
    with pytest.raises(KeyOfAnotherUse):
        use(alice, "p-1", order="o-2")


def test_the_next_period_begins_anew(parcel):
    alice = perks.member()
    for key in ("p-1", "p-2"):
        use(alice, key)
    assert use(alice, "p-3", NOON + 31 * DAY).quota.window == "2026-04"


def test_a_use_that_is_given_back_can_be_used_again_once(parcel):
    alice = perks.member()
    row = use(alice, "p-1")
    use(alice, "p-2")
    benefits.give_back(alice, "parcel", row.uuid, NOON + DAY)
    benefits.give_back(alice, "parcel", row.uuid, NOON + 2 * DAY)
    assert BenefitUse.objects.get(pk=row.pk).given_back_at == NOON + DAY
    use(alice, "p-3")
    with pytest.raises(QuotaUsedUp):
        use(alice, "p-4")
    assert entries(alice) == [
        (1, "grant", 2, 2), (2, "use", -1, 1), (3, "use", -1, 0), (4, "give_back", 1, 1), (5, "use", -1, 0),
    ]  # fmt: skip


def test_nobody_gives_back_what_is_anothers(parcel):
    row = use(perks.member("alice"), "p-1")
    with pytest.raises(UnknownUse):
        benefits.give_back(perks.member("charlie"), "parcel", row.uuid, NOON)


def test_nobody_uses_what_nothing_gives_or_what_is_not_there(parcel):
    with pytest.raises(NotEntitled):
        use(perks.member("charlie", "registered"), "p-1")
    with pytest.raises(UnknownBenefit):
        use(perks.member(), "p-1", code="nothing")
    assert not BenefitUse.objects.exists()
    assert not Quota.objects.exists()


def test_what_was_used_is_not_charged_when_the_tier_falls_or_rises(parcel):
    """domain.md E10: the quota follows the entitlement, never below what was used."""
    perks.grant(parcel, perks.tier("gold"), quota=5)
    alice = perks.member("alice", "gold")
    for number in range(3):
        use(alice, f"p-{number}")
    perks.member("alice", "bronze")
    found = entitlements.of(alice, NOON)[0]
    assert (found.quota, found.used, found.left) == (2, 3, 0)
    with pytest.raises(QuotaUsedUp):
        use(alice, "p-3")
    perks.member("alice", "gold")
    use(alice, "p-3")
    assert entries(alice)[-1] == (5, "use", -1, 1)


def test_without_a_quota_a_use_is_only_written_down():
    alice = perks.member()
    perks.grant(perks.benefit("vip-line"))
    for number in range(3):
        use(alice, f"call-{number}", code="vip-line")
    assert BenefitUse.objects.filter(quota=None).count() == 3
    assert not Quota.objects.exists()


def test_it_is_used_where_it_is_accepted(parcel):
    """domain.md S1-04: issued at one merchant, used at another that takes part."""
    acme, shine, other = (Merchant.objects.create(code=code, name=code.title()) for code in ("acme", "shine", "other"))
    for merchant in (acme, shine, other):
        Store.objects.create(code=f"{merchant.code}-1", name=merchant.name, merchant=merchant)
    Benefit.objects.filter(pk=parcel.pk).update(issuer=acme)
    parcel.accepted_by.add(shine)
    alice = perks.member()
    row = use(alice, "p-1", store="shine-1", channel="offline")
    assert (row.issuer, row.user, row.store_code, row.channel) == (acme, shine, "shine-1", "offline")
    assert use(alice, "p-2", store="acme-1").user == acme
    with pytest.raises(NotAcceptedHere):
        benefits.check(perks.member("bob"), "parcel", NOON, store="other-1")
    with pytest.raises(InvalidInput) as refused:
        benefits.check(perks.member("bob"), "parcel", NOON, store="nowhere")
    assert refused.value.errors[0]["pointer"] == "/store"


def test_after_sales_of_an_order_stay_those_of_its_day():
    """domain.md E54: she was gold when she paid, and the quota is that of today."""
    double = perks.benefit("double-free", kind=Benefit.Kind.DOUBLE_FREE)
    perks.grant(double, perks.tier("gold"), quota=1)
    alice = perks.member("alice", "bronze")
    TierChange.objects.create(
        member=alice, before=perks.tier("gold"), after=perks.tier("bronze"), reason="review", growth=0, at=NOON - DAY
    )
    Order.objects.create(code="o-1", member=alice, status="paid", paid_at=NOON - 30 * DAY)
    with pytest.raises(NotEntitled):
        use(alice, "r-1", code="double-free", order="o-unknown")
    assert use(alice, "r-1", code="double-free", order="o-1").quota.window == "2026-03"
    with pytest.raises(OrderOfAnother):
        use(perks.member("charlie", "gold"), "r-1", code="double-free", order="o-1")


class QuotaLedger(TestCase):
    @settings(max_examples=30)
    @given(st.lists(st.tuples(st.sampled_from(["use", "back", "limit"]), st.integers(0, 4)), max_size=15))
    def test_a_quota_is_always_its_entries_and_is_never_overdrawn(self, deeds):
        alice, parcel = perks.member(), perks.benefit("parcel")
        grant = perks.grant(parcel, quota=2)
        done = []
        for number, (deed, size) in enumerate(deeds):
            if deed == "limit":
                grant.effective_until = grant.effective_from
                grant.save(update_fields=["effective_until"])
                grant = perks.grant(parcel, quota=size + 1)
            elif deed == "back" and done:
                benefits.give_back(alice, "parcel", done.pop(size % len(done)).uuid, NOON)
            elif deed == "use":
                try:
                    done.append(use(alice, f"p-{number}"))
                except QuotaUsedUp:
                    assert len(done) >= grant.quota
        for row in Quota.objects.all():
            told = list(row.entries.order_by("seq").values_list("seq", "delta", "balance_after"))
            assert [seq for seq, *_rest in told] == list(range(1, row.version + 1))
            assert [left for *_rest, left in told] == [sum(d for _s, d, _l in told[: n + 1]) for n in range(len(told))]
            assert told[-1][2] == row.granted - row.used
            assert row.used == len(done)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("keys", [[f"p-{number}" for number in range(8)], ["same"] * 8])
def test_of_many_at_once_exactly_the_quota_is_used(keys):
    alice, parcel = perks.member(), perks.benefit("parcel")
    perks.grant(parcel, quota=1)
    answers, start = [], threading.Barrier(len(keys))

    def run(key):
        start.wait()
        try:
            answers.append(str(use(alice, key).uuid))
        except QuotaUsedUp:
            answers.append("used up")
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    used = [answer for answer in answers if answer != "used up"]
    assert len(answers) == len(keys)
    assert len(set(used)) == BenefitUse.objects.count() == 1
    assert len(used) == (1 if len(set(keys)) > 1 else len(keys))
    assert entries(alice) == [(1, "grant", 1, 1), (2, "use", -1, 0)]


def test_after_sales_of_an_order_are_what_its_buyer_had_when_she_was_merged_since():
    """domain.md E54, E58: neither what the other was then nor what either is now, but within one quota."""
    double = perks.benefit("double-free", kind=Benefit.Kind.DOUBLE_FREE)
    perks.grant(double, perks.tier("gold"), quota=2)
    alice, bob = perks.member("alice", "gold"), perks.member("bob", "bronze")
    for code, buyer in (("o-1", alice), ("o-2", bob)):
        Order.objects.create(code=code, member=buyer, status="paid", paid_at=NOON - 3 * DAY)
    use(alice, "r-1", code="double-free", order="o-1")
    members.merge("alice", "bob", NOON - DAY)
    bob.refresh_from_db()
    assert use(bob, "r-2", code="double-free", order="o-1").member == bob
    perks.member("bob", "gold")
    TierChange.objects.create(
        member=bob, before=perks.tier("bronze"), after=perks.tier("gold"), reason="merge", growth=0, at=NOON - DAY
    )
    with pytest.raises(NotEntitled):
        use(bob, "r-3", code="double-free", order="o-2")
    with pytest.raises(QuotaUsedUp):
        use(bob, "r-3", code="double-free", order="o-1")
    with pytest.raises(OrderOfAnother):
        use(perks.member("charlie"), "r-1", code="double-free", order="o-1")
