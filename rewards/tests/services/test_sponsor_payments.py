"""What sponsors pay is written down: towards nothing and not beyond, and never changed."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from common.models import AuditEntry
from common.models.base import InsertOnlyError
from common.problems import InvalidInput
from loyalty.tests.stage import DAY, NOON
from merchants.tests import buyers
from rewards.models import SponsorPayment
from rewards.selectors import sponsor_payments as dues
from rewards.selectors import sponsor_statements
from rewards.services import benefits, redemptions, sponsor_payments
from rewards.services.settlements import MonthNotOver
from rewards.services.sponsor_payments import AlreadyWithdrawn, MoreThanIsOpen
from rewards.tests import perks
from rewards.tests.shop import STAFF, a_member, a_reward, redeem

pytestmark = pytest.mark.django_db

MARCH, APRIL = dt.date(2026, 3, 1), dt.date(2026, 4, 1)
IN_APRIL = NOON + 31 * DAY


@pytest.fixture
def acme(db):
    """Owes 3.60 for each of two mugs and 5.00 for a car wash at Shine's, all in March."""
    acme = buyers.a_merchant("acme", "acme-1")
    buyers.a_merchant("shine", "shine-1")
    mug = a_reward("mug", unit_cost=900, merchant=acme, merchant_percent=40)
    a_member()
    redeem(mug)
    redeem(mug)
    perks.grant(perks.benefit("wash", settlement_price=500, issuer=acme))
    benefits.use(perks.member(), "wash", NOON, key="k", store="shine-1")
    return acme


def pay(merchant, amount, month=MARCH, *, at=IN_APRIL, paid_on=dt.date(2026, 4, 1), reference="bank-1"):
    return sponsor_payments.record(merchant, month, amount, paid_on=paid_on, reference=reference, actor=STAFF, at=at)


def told(month=MARCH):
    return {due.merchant.code: (due.owed, due.paid, due.open) for due in dues.of_month(month)}


def test_a_payment_settles_what_its_month_owes_for_rewards_and_benefits(acme):
    assert told() == {"acme": (1220, 0, 1220), "shine": (-500, 0, -500)}
    pay(acme, 1220)
    assert told()["acme"] == (1220, 1220, 0)
    assert AuditEntry.objects.get(action="rewards.sponsor_payments.record").data["amount"] == 1220


def test_what_is_owed_is_what_the_sponsors_statement_says(acme):
    for merchant in (due.merchant for due in dues.of_month(MARCH)):
        (due,) = dues.of_month(MARCH, [merchant.pk])
        assert due.owed == sum(line.owed for line in sponsor_statements.of(merchant, MARCH, APRIL))


def test_a_payment_may_be_a_part_and_never_more_than_is_open(acme):
    pay(acme, 1000)
    with pytest.raises(MoreThanIsOpen, match=r"2\.20"):
        pay(acme, 221)
    pay(acme, 220, reference="bank-2")
    for again in (1, -1):
        with pytest.raises(MoreThanIsOpen):
            pay(acme, again)
    assert told()["acme"] == (1220, 1220, 0)


def test_a_part_that_is_told_twice_counts_once_until_it_is_withdrawn(acme):
    payment = pay(acme, 500)
    with pytest.raises(InvalidInput, match="this reference"):
        pay(acme, 500)
    assert told()["acme"] == (1220, 500, 720)
    sponsor_payments.withdraw(payment, reason="Wrong sum", actor=STAFF, at=IN_APRIL)
    pay(acme, 600)
    assert told()["acme"] == (1220, 600, 620)


def test_who_honoured_benefits_of_others_is_paid(acme):
    shine = dues.of_month(MARCH)[1].merchant
    with pytest.raises(MoreThanIsOpen):
        pay(shine, 500)
    pay(shine, -500)
    assert told()["shine"] == (-500, -500, 0)


def test_a_month_is_paid_when_it_is_over_and_not_on_a_day_to_come(acme):
    with pytest.raises(MonthNotOver):
        pay(acme, 1220, at=NOON)
    with pytest.raises(InvalidInput):
        pay(acme, 1220, paid_on=dt.date(2026, 5, 1))
    assert not SponsorPayment.objects.exists()


def test_what_is_given_back_later_leaves_the_paid_month_as_it_was(acme):
    pay(acme, 1220)
    redemptions.cancel(acme.rewards.get().redemptions.first().uuid, reason="No", actor=STAFF, at=IN_APRIL)
    assert told()["acme"] == (1220, 1220, 0)
    assert told(APRIL)["acme"] == (-360, 0, -360)


def test_what_was_recorded_by_mistake_is_withdrawn_once_and_the_month_is_open_again(acme):
    payment = pay(acme, 1220)
    back = sponsor_payments.withdraw(payment, reason="Another merchant's money", actor=STAFF, at=IN_APRIL)
    assert told()["acme"] == (1220, 0, 1220)
    for row in (payment, back):
        with pytest.raises(AlreadyWithdrawn):
            sponsor_payments.withdraw(row, reason="Again", actor=STAFF, at=IN_APRIL)
    said = AuditEntry.objects.get(action="rewards.sponsor_payments.withdraw")
    assert (said.reason, said.data["amount"]) == ("Another merchant's money", -1220)


def test_a_payment_is_never_changed_and_keeps_its_merchant(acme):
    payment = pay(acme, 1220)
    with pytest.raises(InsertOnlyError):
        payment.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        SponsorPayment.objects.create(
            merchant=acme, month=MARCH, amount=0, paid_on=APRIL, reference="x", at=NOON, actor_label="x"
        )


def test_a_month_of_all_sponsors_costs_seven_queries(acme, django_assert_num_queries):
    pay(acme, 1220)
    with django_assert_num_queries(7):
        dues.of_month(MARCH)
