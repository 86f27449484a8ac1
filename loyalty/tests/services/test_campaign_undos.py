"""A campaign is undone: counted before, approved by a second person, taken back once, whatever happened meanwhile."""

import pytest
from django.db import IntegrityError, transaction

from common.models import Fact, JobRun
from common.problems import InvalidInput
from common.services import outbox
from common.services.audit import Actor
from loyalty.models import Campaign, CampaignUndo, GiftAssignment, GiftCampaign, Lot, Order, Segment, UndoneLot, Wallet
from loyalty.selectors import campaign_undos as selectors
from loyalty.selectors import programme, spans
from loyalty.services import campaign_undos, campaigns, gift_sends, rules, segments, transfers
from loyalty.services.campaign_undos import Policy
from loyalty.tests import stage
from loyalty.tests.cast import ledger
from loyalty.tests.gifting import has, people, person, started
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON
from members.models import Member
from members.services import members

pytestmark = pytest.mark.django_db


def owes(name: str) -> int:
    return Wallet.objects.get(member__external_id=name).account.owed


def spend(name: str, points: int, at=NOON) -> None:
    account = Wallet.objects.get(member__external_id=name).account
    with ledger.open_book([account.pk], at) as book:
        book.take(account.pk, points, kind="redeem", contra="redeemed", reference=f"test:{name}")
    from loyalty import facts

    outbox.publish([facts.PointsSpent(name, points, f"test:{name}")], at)


def gave(*names: str, **values) -> GiftCampaign:
    """A campaign that has given 100 points to each."""
    people(*names)
    campaign = started(**values)
    gift_sends.give(campaign, NOON, NOON)
    return campaign


def undone(target, policy: str = Policy.UNSPENT, at=NOON + DAY) -> CampaignUndo:
    undo = campaign_undos.propose(target, policy, reason="Wrong segment", actor=person("orla"), at=at)
    return campaign_undos.carry_out(campaign_undos.approve(undo, person("rhoda"), at), at)


# The decision ---------------------------------------------------------------------------------------------------


def test_a_second_person_approves_and_until_then_nothing_changes():
    campaign = gave("alice")
    undo = campaign_undos.propose(campaign, Policy.UNSPENT, reason="Wrong", actor=person("orla"), at=NOON)
    assert campaign_undos.carry_out_due(NOON) == 0
    with pytest.raises(campaign_undos.SecondPersonNeeded):
        campaign_undos.approve(undo, person("orla"), NOON)
    assert has("alice") == 100
    campaign_undos.approve(undo, person("rhoda"), NOON)
    assert campaign_undos.carry_out_due(NOON) == 1
    assert has("alice") == 0
    campaign.refresh_from_db()
    assert campaign.status == "undone"
    assert_proven()


def test_the_database_knows_the_second_person_and_the_one_undoing():
    campaign = gave("alice")
    undo = campaign_undos.propose(campaign, Policy.UNSPENT, reason="Wrong", actor=person("orla"), at=NOON)
    values = {"status": "approved", "approved_at": NOON, "approved_by": person("orla").staff}
    with pytest.raises(IntegrityError), transaction.atomic():
        CampaignUndo.objects.filter(pk=undo.pk).update(**values)
    with pytest.raises(campaign_undos.AlreadyUndone):
        campaign_undos.propose(campaign, Policy.DEBT, reason="Again", actor=person("orla"), at=NOON)


def test_only_staff_propose_so_that_somebody_else_can_approve():
    with pytest.raises(campaign_undos.SecondPersonNeeded):
        campaign_undos.propose(gave("alice"), Policy.UNSPENT, reason="Wrong", actor=Actor("job"), at=NOON)
    assert not CampaignUndo.objects.exists()


def test_a_proposal_is_withdrawn_and_made_anew():
    campaign = gave("alice")
    undo = campaign_undos.propose(campaign, Policy.DEBT, reason="Wrong", actor=person("orla"), at=NOON)
    campaign_undos.withdraw(undo, person("orla"), NOON)
    with pytest.raises(campaign_undos.UndoDecided):
        campaign_undos.approve(undo, person("rhoda"), NOON)
    assert undone(campaign).status == "done"


def test_a_draft_has_nothing_to_undo_and_a_reason_is_needed():
    draft = Campaign.objects.create(code="x", name="x", starts_at=NOON, ends_at=NOON + DAY)
    with pytest.raises(campaign_undos.NeverStarted):
        campaign_undos.propose(draft, Policy.UNSPENT, reason="Wrong", actor=person("orla"), at=NOON)
    with pytest.raises(InvalidInput):
        campaign_undos.propose(gave("alice"), Policy.UNSPENT, reason=" ", actor=person("orla"), at=NOON)


def test_a_campaign_that_is_being_undone_gives_nothing_more_and_is_not_started_again():
    stage.a_rule(campaign=stage.a_campaign())
    stage.send("order.completed", "alice", **stage.order("o-1"))
    campaign = Campaign.objects.get()
    undone(campaign)
    stage.send("order.completed", "alice", NOON + DAY / 2, **stage.order("o-2"))
    assert Lot.objects.count() == 1
    with pytest.raises(campaigns.CampaignOver):
        campaigns.start(campaign, person("rhoda"), NOON)


def test_an_event_that_read_the_rules_before_the_undoing_is_granted_nothing_after_it(monkeypatch):
    """It waited for the campaign's row until the undoing was done: nobody would take its grant back."""
    stage.a_rule(campaign=stage.a_campaign())
    book = rules.load(programme.current())
    assert undone(Campaign.objects.get()).status == "done"
    monkeypatch.setattr(rules, "load", lambda _programme: book)
    stage.send("order.completed", "alice", NOON + DAY / 2, **stage.order("o-1"))
    assert has("alice") == 0
    assert not Lot.objects.exists()


# What is taken --------------------------------------------------------------------------------------------------


def test_only_what_is_left_is_taken_and_the_spent_stays():
    campaign = gave("alice", "bob")
    stage.give(1000)
    spend("alice", 60)
    fates = selectors.whole(campaign, NOON)
    assert (fates.lots, fates.members, fates.earned, fates.left, fates.spent, fates.spenders) == (2, 2, 200, 140, 60, 1)
    undone(campaign)
    assert (has("alice"), has("bob")) == (1000, 0)
    rows = dict(UndoneLot.objects.values_list("lot__gift_assignment__member__external_id", "taken"))
    assert (rows, UndoneLot.objects.get(kept__gt=0).kept) == ({"alice": 40, "bob": 100}, 60)
    assert_proven()


def test_what_was_spent_is_taken_from_other_points_and_then_owed():
    campaign = gave("alice", "bob")
    spend("alice", 60)
    spend("bob", 100)
    stage.give(25, "alice")
    undone(campaign, Policy.DEBT)
    assert (has("alice"), owes("alice")) == (0, 35)
    assert (has("bob"), owes("bob")) == (0, 100)
    fact = Fact.objects.get(topic="campaign.undone")
    assert (fact.payload["points"], fact.payload["debt"]) == (40 + 25, 135)
    assert_proven()


def test_marking_takes_nothing_and_ends_the_campaign():
    campaign = gave("alice")
    undo = undone(campaign, Policy.MARK)
    campaign.refresh_from_db()
    assert (undo.status, has("alice"), campaign.status) == ("done", 100, "undone")
    assert_proven()


def test_what_has_expired_is_not_taken_again():
    campaign = gave("alice", days=5)
    undone(campaign, Policy.DEBT, at=NOON + 20 * DAY)
    assert (has("alice"), owes("alice"), UndoneLot.objects.get().taken) == (0, 0, 0)
    assert_proven()


def test_points_follow_a_merged_member_and_are_taken_there():
    campaign = gave("alice", "bob")
    members.merge("alice", "bob", NOON, Actor("the test"))
    transfers.merge(Member.objects.get(external_id="alice"), Member.objects.get(external_id="bob"), NOON)
    spend("bob", 150)
    fates = selectors.whole(campaign, NOON)
    assert (fates.earned, fates.left, fates.spent) == (200, 50, 150)
    undone(campaign, Policy.DEBT)
    assert (has("bob"), owes("bob")) == (0, 150)
    assert_proven()


def test_points_given_to_a_friend_are_spent_and_the_friend_keeps_them():
    stage.set_programme(gifts_allowed=True)
    campaign = gave("alice")
    people("bob")
    transfers.send(
        Member.objects.get(external_id="alice"), Member.objects.get(external_id="bob"), 30, kind="gift", at=NOON
    )
    undone(campaign)
    assert (has("alice"), has("bob")) == (0, 30)
    assert UndoneLot.objects.get().kept == 30
    assert_proven()


def test_a_grant_is_not_paid_from_another_of_the_same_campaign():
    stage.a_rule(campaign=stage.a_campaign())
    for code in ("o-1", "o-2"):
        stage.send("order.completed", "alice", **stage.order(code))
    spend("alice", 150)
    undone(Campaign.objects.get(), Policy.DEBT)
    assert (has("alice"), owes("alice")) == (0, 150)
    assert_proven()


def test_whom_the_campaign_has_listed_leaves_the_segment():
    segment = Segment.objects.create(code="double", name="Double")
    campaign = gave("alice", "bob", lists_in=segment)
    segment.members.add(people("charlie")[0])
    undone(campaign)
    assert listed(segment) == {"charlie"}


def listed(segment: Segment) -> set[str]:
    return set(segment.members.values_list("external_id", flat=True))


@pytest.fixture
def double_points():
    return Segment.objects.create(code="double", name="Double")


def test_who_was_listed_before_the_campaign_stays_when_it_is_undone(double_points):
    segments.add(double_points, [people("bob")[0].pk], person("orla"), NOON)
    campaign = gave("alice", lists_in=double_points)
    assert listed(double_points) == {"alice", "bob"}
    assert set(GiftAssignment.objects.values_list("member__external_id", flat=True)) == {"alice", "bob"}
    undone(campaign)
    assert listed(double_points) == {"bob"}


def test_who_is_listed_by_hand_after_the_campaign_stays_when_it_is_undone(double_points):
    campaign = gave("alice", "bob", lists_in=double_points)
    segments.add(double_points, [Member.objects.get(external_id="bob").pk], person("orla"), NOON)
    undone(campaign)
    assert listed(double_points) == {"bob"}


def test_marking_takes_nobody_off_the_list(double_points):
    undone(gave("alice", lists_in=double_points), Policy.MARK)
    assert listed(double_points) == {"alice"}


@pytest.mark.parametrize("first", [0, 1])
def test_whom_two_campaigns_have_listed_leaves_with_the_last_of_them(double_points, first):
    campaigns = [gave("alice", lists_in=double_points), gave("bob", lists_in=double_points)]
    assert GiftAssignment.objects.filter(member__external_id="alice").count() == 2
    undone(campaigns[first])
    assert listed(double_points) == ({"alice", "bob"} if first == 0 else {"alice"})
    undone(campaigns[1 - first])
    assert listed(double_points) == set()


def test_a_campaign_that_was_undone_keeps_nobody_on_the_list_for_another(double_points):
    one, other = gave("alice", lists_in=double_points), gave(lists_in=double_points)
    undone(other)
    undone(one)
    assert listed(double_points) == set()


# Orders, refunds and reviews --------------------------------------------------------------------------------------


def bought(code: str = "o-1", subject: str = "alice") -> None:
    stage.send("order.completed", subject, **stage.order(code, stage.line(1, 100_00), stage.line(2, 100_00)))


def refund(*lines: str, refund: str = "f-1", at=NOON + 2 * DAY) -> None:
    stage.send(
        "order.refunded", "alice", at, order="o-1", refund=refund, reason="no_reason", cash=0,
        lines=[{"line": line, "quantity": 1} for line in lines],
    )  # fmt: skip


@pytest.fixture
def double():
    """Every order earns its cash in points, and as many again from the campaign."""
    stage.a_rule("base")
    return stage.a_rule("extra", campaign=stage.a_campaign()).campaign


def test_a_refund_after_the_undoing_takes_only_the_rest(double):
    bought()
    assert has("alice") == 400
    undone(double)
    assert has("alice") == 200
    refund("1")
    assert (has("alice"), owes("alice")) == (100, 0)
    refund("2", refund="f-2")
    assert (has("alice"), owes("alice")) == (0, 0)
    assert_proven()


def test_what_members_may_keep_after_an_undoing_a_refund_still_takes(double):
    bought()
    spend("alice", 400)
    undone(double)
    assert owes("alice") == 0
    refund("1", "2")
    assert owes("alice") == 400
    assert_proven()


def test_what_a_refund_has_taken_before_the_undoing_does_not_take_again(double):
    bought()
    refund("1")
    assert has("alice") == 200
    undone(double, Policy.DEBT, at=NOON + 3 * DAY)
    assert (has("alice"), owes("alice")) == (100, 0)
    assert Order.objects.get().points_due == 100
    assert_proven()


def test_a_review_that_is_removed_after_the_undoing_gives_back_only_the_rest():
    campaign = stage.a_campaign()
    stage.a_rule("review", event_type="review.approved", formula="fixed", points=20)
    stage.a_rule("bonus", event_type="review.approved", formula="fixed", points=50, campaign=campaign)
    bought()
    stage.send("review.approved", "alice", NOON + DAY / 2, review="r-1", order="o-1", line="1", photos=0)
    assert has("alice") == 70
    undone(campaign)
    assert has("alice") == 20
    stage.send("review.removed", "alice", NOON + 2 * DAY, review="r-1")
    assert (has("alice"), owes("alice")) == (0, 0)
    assert_proven()


def test_a_review_gives_back_only_the_rest_though_the_rule_cannot_be_read_any_more(monkeypatch):
    campaign = stage.a_campaign()
    stage.a_rule("review", event_type="review.approved", formula="fixed", points=20)
    bonus = stage.a_rule("bonus", event_type="review.approved", formula="fixed", points=50, campaign=campaign)
    bought()
    stage.send("review.approved", "alice", NOON + DAY / 2, review="r-1", order="o-1", line="1", photos=0)
    monkeypatch.setattr(rules, "_is_readable", lambda version: version.pk != bonus.pk)
    undone(campaign)
    stage.send("review.removed", "alice", NOON + 2 * DAY, review="r-1")
    assert (has("alice"), owes("alice")) == (0, 0)


# Killed and repeated ----------------------------------------------------------------------------------------------


def test_killed_half_way_and_run_again_everything_is_taken_once(monkeypatch):
    names = [f"m-{n}" for n in range(7)]
    campaign = gave(*names)
    monkeypatch.setattr(spans.of, "__defaults__", (2,))
    undo = campaign_undos.propose(campaign, Policy.DEBT, reason="Wrong", actor=person("orla"), at=NOON)
    undo = campaign_undos.approve(undo, person("rhoda"), NOON)
    work, calls = campaign_undos._undo_span, []

    def dies(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return work(*args)

    monkeypatch.setattr(campaign_undos, "_undo_span", dies)
    with pytest.raises(KeyboardInterrupt):
        campaign_undos.carry_out(undo, NOON)
    assert sorted(has(name) for name in names) == [0] * 4 + [100] * 3
    assert campaign_undos.carry_out_due(NOON + DAY) == 1
    assert campaign_undos.carry_out_due(NOON + DAY) == 0
    run = JobRun.objects.get(job__startswith="undo-campaign")
    assert run.counts == {"grants": 7, "taken": 700, "debt": 0}
    assert [has(name) for name in names] == [0] * 7
    assert_proven()


@pytest.mark.parametrize("number", [2, 30])
def test_a_chunk_takes_the_same_queries_whatever_its_size(number, django_assert_max_num_queries):
    campaign = gave(*[f"m-{n}" for n in range(number)])
    for n in range(number):
        spend(f"m-{n}", 60)
    undo = campaign_undos.propose(campaign, Policy.DEBT, reason="Wrong", actor=person("orla"), at=NOON)
    undo = campaign_undos.approve(undo, person("rhoda"), NOON)
    with django_assert_max_num_queries(65):
        campaign_undos.carry_out(undo, NOON)
