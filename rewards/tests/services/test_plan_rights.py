"""Joint cards: a partner's year comes with a plan, is claimed once a term, settled and deducted (domain.md S1-21, E55)."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from common.models import AuditEntry, Fact
from common.problems import InvalidInput, NotFound
from members.models import PlanPurchase
from members.services import plan_purchases
from members.services.plan_quotes import Buyer
from members.tests.plus import BOB, DAY, NOON, a_member, buy, direct, plus
from rewards.models import Code, RightClaim
from rewards.selectors import plan_rights as rights
from rewards.selectors import savings
from rewards.selectors import settlements as owed
from rewards.services import code_pools, plan_refunds, plan_rights, settlements
from rewards.services.refusals import RewardUnavailable
from rewards.tests.shop import STAFF, a_pool, a_reward

pytestmark = pytest.mark.django_db
CONTRACT = 6_000


def joint(*codes: str, way: str = "code", **offer):
    """PLUS with a video year."""
    video = a_reward("video-year", kind="partner", unit_cost=CONTRACT, validity_days=365)
    a_pool(video, *codes)
    card = plus(**offer)
    card.rights.create(reward=video, way=way, price=CONTRACT)
    return card


def claim(purchase: PlanPurchase, at: dt.datetime = NOON, reward: str = "video-year", **more) -> RightClaim:
    return plan_rights.claim(purchase.member, purchase.uuid, reward, at, **more)[0]


def states(purchase: PlanPurchase, at: dt.datetime = NOON) -> list[str]:
    return [row.state.value for row in rights.of([PlanPurchase.objects.get(pk=purchase.pk)], at)]


def test_the_members_code_comes_from_the_pool_with_an_expiry_of_its_own():
    purchase = buy(a_member(), joint("V-1", "V-2"))
    assert states(purchase) == ["open"]
    done = claim(purchase, NOON + DAY)
    assert done.code.code == "V-1"
    assert done.expires_at - purchase.subscription.ends_at == DAY
    assert states(purchase, NOON + DAY) == ["claimed"]
    told = Fact.objects.get(topic="plan_right.claimed")
    assert (told.key, told.payload["reward"]) == ("alice", "video-year")
    assert "V-1" not in str(told.payload)


def test_a_right_is_claimed_once_a_term_and_the_next_term_has_its_own():
    alice, offer = a_member(), joint("V-1", "V-2")
    first, second = buy(alice, offer, payment="1"), buy(alice, offer, payment="2")
    assert plan_rights.claim(alice, first.uuid, "video-year", NOON)[1]
    again, is_new = plan_rights.claim(alice, first.uuid, "video-year", NOON + DAY)
    assert (again.code.code, is_new) == ("V-1", False)
    assert states(second) == ["ahead"]
    with pytest.raises(plan_rights.NotClaimable):
        claim(second)
    assert claim(second, second.subscription.starts_at).code.code == "V-2"


def test_the_partners_own_expiry_counts_if_it_is_sooner():
    offer = joint()
    a_pool(offer.rights.get().reward, "V-1", expires_at=NOON + 30 * DAY)
    assert claim(buy(a_member(), offer)).expires_at == NOON + 30 * DAY


def test_an_account_is_named_where_the_partner_switches_it_on_and_else_not():
    purchase = buy(a_member(), joint(way="account"))
    with pytest.raises(InvalidInput) as refused:
        claim(purchase)
    assert refused.value.errors[0]["pointer"] == "/account"
    done = claim(purchase, account=" alice@video ")
    assert (done.account, done.code.price, done.code.status) == ("alice@video", CONTRACT, "claimed")
    assert done.code.expires_at == done.expires_at


def test_no_account_is_kept_where_a_code_is_handed_out():
    purchase = buy(a_member(), joint("V-1"))
    with pytest.raises(InvalidInput):
        claim(purchase, account="alice@video")
    assert Code.objects.get().status == "free"


def test_an_empty_pool_refuses_and_writes_nothing():
    purchase = buy(a_member(), joint())
    with pytest.raises(RewardUnavailable) as refused:
        claim(purchase)
    assert refused.value.code == "out_of_stock"
    assert states(purchase) == ["open"]


def test_others_terms_trials_and_rights_that_do_not_come_with_it_are_not_found():
    alice, charlie = a_member(), a_member("charlie")
    offer = joint("V-1", trial_days=30)
    trial = plan_purchases.try_out(charlie, offer, direct(), Buyer(), NOON)
    purchase = buy(alice, offer)
    a_reward("other", kind="partner")
    for member, bought, reward in (
        (charlie, purchase, "video-year"),
        (charlie, trial, "video-year"),
        (alice, purchase, "other"),
    ):
        with pytest.raises(NotFound):
            plan_rights.claim(member, bought.uuid, reward, NOON)
    assert rights.of([trial], NOON) == []


def test_a_right_that_was_not_claimed_is_void_with_its_term():
    purchase = buy(a_member(), joint("V-1"))
    over = purchase.subscription.ends_at
    assert states(purchase, over) == ["void"]
    with pytest.raises(plan_rights.NotClaimable):
        claim(purchase, over)
    back = plan_refunds.refund(purchase.uuid, reason="", actor=BOB, at=NOON)
    assert back.refund == 14_900
    assert states(purchase) == ["void"]
    with pytest.raises(plan_rights.NotClaimable):
        claim(purchase)


def test_a_claimed_right_is_deducted_at_its_contract_price_and_stays_with_the_member():
    purchase = buy(a_member(), joint("V-1", refunds="prorata"))
    claim(purchase)
    assert savings.use_of(purchase, NOON).claimed == CONTRACT
    back = plan_refunds.refund(purchase.uuid, reason="", actor=BOB, at=NOON + 3 * DAY)
    assert back.refund == 14_777 - CONTRACT
    assert states(purchase, NOON + 3 * DAY) == ["claimed"]
    assert [row.code for row in rights.of_member(purchase.member, NOON + 3 * DAY)] == ["V-1"]


def test_where_only_an_unused_plan_is_paid_back_a_claim_is_a_use():
    purchase = buy(a_member(), joint("V-1"))
    claim(purchase)
    with pytest.raises(plan_purchases.NothingToRefund):
        plan_refunds.refund(purchase.uuid, reason="", actor=BOB, at=NOON)


def test_what_is_taken_back_unused_is_neither_deducted_nor_owed_and_can_be_claimed_again():
    purchase = buy(a_member(), joint("V-1", "V-2"))
    done = claim(purchase)
    with pytest.raises(InvalidInput):
        plan_rights.withdraw(done.uuid, reason=" ", actor=STAFF, at=NOON)
    for _twice in range(2):
        plan_rights.withdraw(done.uuid, reason="The partner blocked it", actor=STAFF, at=NOON)
    assert AuditEntry.objects.filter(action="rewards.plan_rights.withdraw").count() == 1
    assert (states(purchase), owed.owed()) == (["open"], [])
    assert claim(purchase).code.code == "V-2"
    code_pools.unassign(Code.objects.get(code="V-1"), reason="Not used", actor=STAFF, at=NOON)
    assert Code.objects.get(code="V-1").status == "free"


def test_the_partner_is_owed_for_codes_and_accounts_and_what_was_settled_stays():
    alice, charlie, offer = a_member(), a_member("charlie"), joint("V-1")
    video = offer.rights.get().reward
    by_account = plus(code="plus-account")
    by_account.rights.create(reward=video, way="account", price=CONTRACT + 500)
    done = claim(buy(alice, offer, payment="1"))
    claim(buy(charlie, by_account, payment="2"), account="charlie@video")
    (row,) = owed.owed()
    assert (row.codes, row.amount) == (2, 2 * CONTRACT + 500)
    settlements.settle(video.partner, dt.date(2026, 3, 1), actor=STAFF, at=NOON + 40 * DAY)
    with pytest.raises(plan_rights.ClaimSettled):
        plan_rights.withdraw(done.uuid, reason="Late", actor=STAFF, at=NOON + 40 * DAY)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_claim_sent_twice_at_once_hands_out_one_code():
    purchase = buy(a_member(), joint("V-1", "V-2", "V-3"))
    codes = at_once(4, lambda _n: claim(purchase).code.code)
    assert len(set(codes)) == 1 == Code.objects.filter(status="claimed").count()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_many_members_at_once_get_a_code_each_and_none_is_given_twice():
    offer = joint("V-1", "V-2", "V-3")
    bought = [buy(a_member(f"member-{n}"), offer, payment=f"p-{n}") for n in range(6)]

    def one(number: int) -> str:
        try:
            return claim(bought[number]).code.code
        except RewardUnavailable:
            return ""

    codes = [code for code in at_once(6, one) if code]
    assert len(codes) == len(set(codes)) == 3


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_claim_and_a_refund_at_once_never_give_the_video_and_the_whole_fee():
    purchase = buy(a_member(), joint("V-1", refunds="prorata"))

    def deed(number: int) -> int:
        try:
            if number:
                claim(purchase)
                return 0
            return plan_refunds.refund(purchase.uuid, reason="", actor=BOB, at=NOON).refund
        except plan_rights.NotClaimable:
            return 0

    (refund, _claimed) = at_once(2, deed)
    claimed = RightClaim.objects.exists()
    assert refund == (14_900 - CONTRACT if claimed else 14_900)


def at_once(count: int, deed) -> list:
    """What so many threads get that begin together."""
    together = Barrier(count)

    def run(number: int):
        together.wait()
        try:
            return deed(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
