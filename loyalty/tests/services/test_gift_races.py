"""Two workers at once: nobody has two gifts, and the budget is never passed."""

from contextlib import suppress

import pytest

from common.services import outbox
from loyalty import facts
from loyalty.models import Account, Entry, GiftCampaign, Segment, SegmentMember, UndoneLot
from loyalty.services import campaign_undos, gift_sends, ledger
from loyalty.tests.gifting import gifts, people, person, started
from loyalty.tests.proven import assert_proven
from loyalty.tests.services.test_jobs_under_fire import together
from loyalty.tests.stage import DAY, NOON

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(gift_sends, "MEMBERS_PER_CHUNK", 3)


def test_two_workers_share_the_chunks_and_stay_within_the_budget():
    people(*[f"m-{n}" for n in range(40)])
    campaign = started(budget=2_550)
    together(*[lambda: gift_sends.give(campaign, NOON, NOON)] * 2)
    spent = GiftCampaign.objects.get().spent
    assert spent == sum(gifts().values()) == 2_500
    assert_proven()


def test_two_campaigns_at_once_over_the_same_members():
    people(*[f"m-{n}" for n in range(20)])
    one, other = started(), started()
    together(lambda: gift_sends.give(one, NOON, NOON), lambda: gift_sends.give(other, NOON, NOON))
    assert len(gifts(one)) == len(gifts(other)) == 20
    assert_proven()


def test_two_nights_at_once_reach_a_member_once():
    people(*[f"m-{n}" for n in range(20)], registered_at=NOON - 365 * DAY)
    campaign = started(trigger="anniversary", starts_at=NOON - DAY)
    together(*[lambda at=at: gift_sends.give(campaign, at, at) for at in (NOON, NOON + DAY)])
    assert len(gifts(campaign)) == 20
    assert_proven()


def test_whom_a_campaign_lists_while_another_is_undone_stays_listed():
    segment = Segment.objects.create(code="double", name="Double")
    people(*[f"m-{n}" for n in range(20)])
    one, other = started(lists_in=segment), started(lists_in=segment)
    gift_sends.give(one, NOON, NOON)
    undo = campaign_undos.propose(one, "unspent", reason="Wrong", actor=person("orla"), at=NOON)
    undo = campaign_undos.approve(undo, person("rhoda"), NOON)
    together(lambda: campaign_undos.carry_out(undo, NOON), lambda: gift_sends.give(other, NOON, NOON))
    # On a slow machine one may have waited for accounts too long; then it goes on.
    campaign_undos.carry_out_due(NOON)
    gift_sends.give(other, NOON, NOON)
    assert len(gifts(other)) == segment.members.count() == 20
    assert set(SegmentMember.objects.values_list("listed_by", flat=True)) == {other.pk}


def test_two_workers_undo_a_campaign_while_members_spend():
    names = [f"m-{n}" for n in range(20)]
    people(*names)
    campaign = started()
    gift_sends.give(campaign, NOON, NOON)
    undo = campaign_undos.propose(campaign, "debt", reason="Wrong", actor=person("orla"), at=NOON)
    undo = campaign_undos.approve(undo, person("rhoda"), NOON)

    def spend():
        for name in names[::-1]:
            account = Account.objects.get(wallet__member__external_id=name)
            with suppress(ledger.InsufficientPoints), ledger.open_book([account.pk], NOON) as book:
                book.take(account.pk, 30, kind="redeem", contra="redeemed", reference=f"test:{name}")
                outbox.publish([facts.PointsSpent(name, 30, f"test:{name}")], NOON)

    together(spend, *[lambda: campaign_undos.carry_out(undo, NOON)] * 2)
    assert campaign_undos.carry_out_due(NOON + DAY) in (0, 1)
    accounts = Account.objects.filter(wallet__isnull=False)
    for account in accounts:
        spent = -sum(Entry.objects.filter(account=account, kind="redeem").values_list("delta", flat=True))
        assert account.available == 0
        assert account.owed == spent
    assert UndoneLot.objects.count() == len(names)
    assert_proven()
