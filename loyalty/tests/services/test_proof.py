import datetime as dt

import pytest
from django.core.management import call_command
from django.db import connection

from common.models import Fact, InboxEvent, JobRun
from common.services import outbox
from loyalty import facts
from loyalty.models import (
    Account,
    Campaign,
    CapCounter,
    EarningRule,
    EarningRuleVersion,
    Entry,
    HoldLine,
    Lot,
    Order,
    OrderLine,
    Proof,
    Refund,
    RefundLine,
)
from loyalty.services import expiring, invariants, ledger, proof
from loyalty.tests import cast, stage
from loyalty.tests.cast import DAY, NOON
from members.models import Member

pytestmark = pytest.mark.django_db

LATER = NOON + 300 * DAY


def red():
    """The invariants that do not hold now, with their offenders' keys."""
    findings = {invariant.name: proof.check(invariant) for invariant in invariants.ALL}
    return {name: [o["key"] for o in found.sample] for name, found in findings.items() if found.offenders}


def execute(statement, *params):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


@pytest.fixture
def alice():
    """Two lots, one open hold over both; everything announced."""
    account = cast.account("alice")
    cast.grant(account, 30, expires_at=LATER)
    cast.grant(account, 50, expires_at=LATER)
    cast.hold(account, 40, expires_at=NOON + DAY)
    outbox.publish([facts.PointsEarned("alice", 80, 0, "test")], NOON)
    return account


@pytest.fixture
def rule():
    return EarningRule.objects.create(code="base", name="Base")


@pytest.fixture
def version(rule):
    return EarningRuleVersion.objects.create(
        rule=rule, number=1, status=EarningRuleVersion.Status.ACTIVE, effective_from=NOON - 99 * DAY
    )


@pytest.fixture
def order(alice, version):
    """An order of 100 cash and 10 points that earned 20; 5 of them were clawed back by a refund of half of it."""
    order = Order.objects.create(
        code="o-1",
        member=Member.objects.get(external_id="alice"),
        status=Order.Status.COMPLETED,
        cash=100,
        points=10,
        points_taken=10,
        points_due=15,
        points_clawed=5,
        completed_at=NOON,
    )
    line = OrderLine.objects.create(
        order=order,
        number="1",
        quantity=2,
        cash=100,
        points=10,
        refunded_quantity=1,
        refunded_cash=50,
        refunded_points=5,
    )
    with ledger.open_book([alice.pk], NOON) as book:
        lot = book.grant(
            alice.pk,
            20,
            source=Lot.Source.ORDER,
            reference="order:o-1",
            expires_at=LATER,
            rule_version=version,
            order_line=line,
        )
        _seq, portions = book.take(
            alice.pk, 10, kind=Entry.Kind.REDEEM, contra=Entry.Contra.REDEEMED, reference="order:o-1"
        )
        book.take_from(
            alice.pk,
            [ledger.Portion(lot, 5)],
            kind=Entry.Kind.CLAWBACK,
            contra=Entry.Contra.CLAWED_BACK,
            reference="order:o-1/r-1",
        )
        book.put_back(
            alice.pk,
            [ledger.Portion(portions[0].lot, 5)],
            kind=Entry.Kind.RESTORE,
            contra=Entry.Contra.REDEEMED,
            reference="order:o-1/r-1",
        )
    refund = Refund.objects.create(
        order=order,
        code="r-1",
        reason=Refund.Reason.NO_REASON,
        cash=50,
        at=NOON,
        clawed_back=5,
        forgiven=0,
        cash_deduction=0,
        debt=0,
        restored=5,
        not_restored=0,
        request_hash="x",
    )
    RefundLine.objects.create(refund=refund, line=line, quantity=1, cash=50, points=5)
    outbox.publish(
        [
            facts.PointsEarned("alice", 20, 0, "order:o-1"),
            facts.PointsSpent("alice", 10, "order:o-1"),
            facts.PointsClawedBack("alice", 5, 0, "order:o-1/r-1"),
            facts.PointsRestored("alice", 5, "order:o-1/r-1"),
        ],
        NOON,
    )
    return order


def test_a_sound_ledger_is_green_throughout(order):
    cast.grant(cast.account("bob"), 10, expires_at=NOON - DAY)
    outbox.publish([facts.PointsEarned("bob", 10, 0, "test")], NOON)
    expiring.expire(NOON, NOON)

    assert red() == {}


def test_an_empty_ledger_is_green_throughout():
    assert red() == {}


def test_names_are_unique_and_fit_the_column():
    names = [invariant.name for invariant in invariants.ALL]

    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= Proof._meta.get_field("invariant").max_length


# Each invariant is broken behind the services' back, and just it (and what says the same in other words) goes red.


def test_a_balance_that_was_written_to_is_found(alice):
    execute("UPDATE loyalty_account SET available = available + 7 WHERE id = %s", alice.pk)

    assert red() == {
        "balances_are_entries": [str(alice.pk)],
        "balances_are_lots": [str(alice.pk)],
        "programme_sums_to_zero": ["all"],
    }


def test_a_lot_that_was_written_to_is_found(alice):
    execute("UPDATE loyalty_lot SET remaining = remaining - 1 WHERE account_id = %s AND lot_seq = 2", alice.pk)

    assert red() == {"balances_are_lots": [str(alice.pk)], "lots_are_granted_less_drawn": [f"{alice.pk}/2"]}


def test_a_lot_that_is_pending_on_one_side_only_is_found(alice):
    execute("UPDATE loyalty_lot SET is_pending = true WHERE account_id = %s AND lot_seq = 2", alice.pk)

    assert red() == {"balances_are_lots": [str(alice.pk)]}


def test_a_hold_that_was_closed_by_hand_is_found(alice):
    execute("UPDATE loyalty_hold SET status = 'released', closed_at = created_at WHERE account_id = %s", alice.pk)

    assert red() == {"held_is_open_holds": [str(alice.pk)], "holds_end_as_they_say": [str(alice.pk)]}


def test_a_hold_of_other_points_than_its_entry_took_is_found(alice):
    execute("UPDATE loyalty_hold SET seq = 1 WHERE account_id = %s", alice.pk)

    assert red() == {"holds_have_their_entry": [f"{alice.pk}/1"]}


def test_hold_lines_that_do_not_add_up_are_found(alice):
    HoldLine.objects.create(hold=alice.holds.get(), number="1", points=39)

    assert red() == {"holds_have_their_entry": [f"{alice.pk}/3"]}


def test_a_missing_entry_is_found(alice):
    execute("UPDATE loyalty_entry SET seq = 9 WHERE account_id = %s AND seq = 4", alice.pk)

    assert red() == {"entries_are_gapless": [str(alice.pk)]}


def test_a_wrong_version_is_found(alice):
    execute("UPDATE loyalty_account SET version = 5 WHERE id = %s", alice.pk)

    assert red() == {"entries_are_gapless": [str(alice.pk)]}


def test_a_wrong_balance_after_an_entry_is_found(alice):
    execute("UPDATE loyalty_entry SET balance_after = 81 WHERE account_id = %s AND seq = 2", alice.pk)

    assert red() == {"running_balances": [f"{alice.pk}/2"]}


def test_a_movement_without_its_twin_is_found(alice):
    execute("UPDATE loyalty_entry SET contra = 'pending' WHERE account_id = %s AND seq = 4", alice.pk)

    assert red() == {"own_movements_have_twins": [str(alice.pk), str(alice.pk)]}


def test_a_transfer_with_one_side_is_found(alice):
    bob = cast.account("bob")
    with ledger.open_book([alice.pk, bob.pk], NOON) as book:
        book.take(
            alice.pk,
            5,
            kind=Entry.Kind.TRANSFER,
            contra=Entry.Contra.HOLDER,
            contra_account_id=bob.pk,
            reference="transfer:1",
        )

    assert red() == {"transfers_have_both_entries": [str(alice.pk)], "programme_sums_to_zero": ["all"]}


def test_a_lot_without_an_entry_is_found(alice):
    execute(
        "UPDATE loyalty_draw SET lot_seq = 77 WHERE account_id = %s AND lot_seq = 2",
        alice.pk,
    )
    execute("UPDATE loyalty_lot SET lot_seq = 77 WHERE account_id = %s AND lot_seq = 2", alice.pk)

    assert red() == {"lots_have_their_entry": [f"{alice.pk}/77"], "entries_are_granted_less_drawn": [f"{alice.pk}/2"]}


def test_a_draw_from_a_lot_of_another_account_is_found(alice):
    execute("UPDATE loyalty_draw SET lot_seq = 88 WHERE account_id = %s AND lot_seq = 2", alice.pk)

    assert red() == {
        "draws_stay_within_the_account": [f"{alice.pk}/3"],
        "lots_are_granted_less_drawn": [f"{alice.pk}/2"],
    }


def test_an_entry_that_took_other_points_than_its_draws_is_found(alice):
    execute("UPDATE loyalty_draw SET points = points + 1 WHERE account_id = %s AND lot_seq = 2", alice.pk)
    execute("UPDATE loyalty_lot SET remaining = remaining - 1 WHERE account_id = %s AND lot_seq = 2", alice.pk)

    assert red() == {
        "balances_are_lots": [str(alice.pk)],
        "entries_are_granted_less_drawn": [f"{alice.pk}/3"],
    }


@pytest.mark.parametrize("kind", [Entry.Kind.REDEEM, Entry.Kind.CLAWBACK])
def test_a_draw_after_the_expiry_of_its_lot_is_found(alice, kind):
    with ledger.open_book([alice.pk], NOON) as book:
        book.take(alice.pk, 5, kind=kind, contra=Entry.Contra.REDEEMED, reference="order:o-9")
    topic = {
        "redeem": facts.PointsSpent("alice", 5, "order:o-9"),
        "clawback": facts.PointsClawedBack("alice", 5, 0, "order:o-9"),
    }
    outbox.publish([topic[kind]], NOON)
    execute("UPDATE loyalty_lot SET expires_at = %s WHERE account_id = %s AND lot_seq = 2", _stored(NOON), alice.pk)
    execute("UPDATE loyalty_entry SET at = %s WHERE account_id = %s AND kind = 'hold'", _stored(NOON - DAY), alice.pk)

    assert red() == {"nothing_moves_after_expiry": [f"{alice.pk}/2"]}


def test_an_expiry_before_its_time_is_found(alice):
    bob = cast.account("bob")
    cast.grant(bob, 10, expires_at=NOON)
    outbox.publish([facts.PointsEarned("bob", 10, 0, "test")], NOON)
    expiring.expire(NOON, NOON)
    execute("UPDATE loyalty_lot SET expires_at = %s WHERE account_id = %s", _stored(NOON + DAY), bob.pk)

    assert red() == {"nothing_moves_after_expiry": [f"{bob.pk}/1"]}


def test_an_order_that_earned_other_than_is_due_is_found(order):
    Order.objects.update(points_due=16)

    assert red() == {"orders_earn_what_is_due": ["o-1"]}


def test_an_order_of_other_cash_than_its_lines_is_found(order):
    Order.objects.update(cash=101)

    assert red() == {"orders_are_their_lines": ["o-1"]}


def test_a_line_that_says_more_was_refunded_than_its_refunds_is_found(order):
    OrderLine.objects.update(refunded_cash=51)

    assert red() == {"refunds_are_their_lines": ["o-1"]}


def test_a_refund_that_moved_other_points_than_it_says_is_found(order):
    execute("UPDATE loyalty_refund SET debt = 3")

    assert red() == {"refunds_move_what_they_say": ["o-1"]}


def test_more_points_restored_than_were_tendered_is_found(order):
    execute("UPDATE loyalty_refund SET not_restored = 6")

    assert red() == {"restored_within_tendered": ["o-1"]}


def test_a_cap_that_counts_more_than_was_given_is_found(order, alice, rule):
    for window in ("2026-03-01", "2026-03", "ever"):
        CapCounter.objects.create(account=alice, rule=rule, window=window, used=20)
    assert red() == {}

    CapCounter.objects.filter(window="2026-03").update(used=21)
    CapCounter.objects.create(account=alice, rule=rule, window="2026-02-28", used=1)

    assert red() == {"caps_within_lots": [str(alice.pk), str(alice.pk)]}


def test_the_windows_of_caps_are_local_days(alice, rule, version):
    late = dt.datetime(2026, 3, 31, 17, 0, tzinfo=dt.UTC)  # already April in Shanghai
    cast.grant(alice, 9, expires_at=LATER, at=late, rule_version=version)
    outbox.publish([facts.PointsEarned("alice", 9, 0, "test")], late)
    CapCounter.objects.create(account=alice, rule=rule, window="2026-04-01", used=9)
    CapCounter.objects.create(account=alice, rule=rule, window="2026-04", used=9)

    assert red() == {}


def test_a_campaign_that_spent_other_than_its_rules_gave_is_found(order, rule, version):
    campaign = Campaign.objects.create(
        code="spring", name="Spring", starts_at=NOON, ends_at=LATER, spent=20, budget=100
    )
    paid = rule.versions.create(number=2, campaign=campaign, effective_from=NOON)
    execute("UPDATE loyalty_lot SET rule_version_id = %s WHERE rule_version_id = %s", paid.pk, version.pk)
    assert red() == {}

    Campaign.objects.update(spent=19)

    assert red() == {"campaigns_spend_what_they_give": ["spring"]}


def test_points_issued_in_the_name_of_a_purse_that_did_not_pay_are_found(alice):
    purse = Account.objects.create(kind=Account.Kind.PURSE)
    execute("UPDATE loyalty_lot SET funder_id = %s WHERE account_id = %s AND lot_seq = 1", purse.pk, alice.pk)

    assert red() == {"funders_pay_what_is_issued": [str(purse.pk)]}


def test_an_event_without_an_outcome_is_found():
    InboxEvent.objects.create(
        source="/shop", event_id="e-1", type="t", time=NOON, received_at=NOON, body_hash="x", data={}, status="?"
    )

    assert red() == {"events_have_one_outcome": ["/shop e-1"]}


def test_points_that_nobody_was_told_of_are_found(alice):
    Fact.objects.filter(topic="points.earned").delete()

    assert red() == {"posted_is_published": ["points.earned test"]}


def test_points_that_were_announced_and_never_posted_are_found(alice):
    outbox.publish([facts.PointsExpired("alice", 3, "job:x")], NOON)

    assert red() == {"posted_is_published": ["points.expired job:x"]}


# The run


def test_a_run_keeps_one_proof_for_each_invariant(alice):
    run = proof.prove(NOON, NOON)

    assert run.status == JobRun.Status.DONE
    assert run.counts == {"proofs": len(invariants.ALL), "red": 0, "offenders": 0}
    assert list(run.proofs.order_by("id").values_list("invariant", flat=True)) == [i.name for i in invariants.ALL]


@pytest.fixture
def grown():
    """Alice, with an order that gave growth and the tiers it led to."""
    stage.a_ladder()
    stage.a_growth_policy()
    stage.send("order.completed", **stage.order("o-9"))
    return Member.objects.get(external_id="alice")


def test_growth_that_is_not_its_entries_is_found(grown):
    execute("UPDATE loyalty_standing SET growth = growth + 1")

    assert red() == {"growth_is_its_entries": ["alice"]}


def test_a_missing_growth_entry_is_found(grown):
    execute("UPDATE loyalty_growthentry SET seq = 2")

    assert red() == {"growth_is_its_entries": ["alice"]}


def test_a_growth_entry_that_says_a_wrong_balance_is_found(grown):
    execute("UPDATE loyalty_growthentry SET balance_after = 5")

    assert list(red()) == ["running_growth"]


def test_an_order_that_gave_other_growth_than_is_due_is_found(grown):
    execute("UPDATE loyalty_order SET growth_due = 99")

    assert red() == {"orders_grow_what_is_due": ["o-9"]}


def test_a_tier_without_a_history_is_found(grown):
    execute("UPDATE loyalty_standing SET tier_id = (SELECT id FROM loyalty_tier WHERE code = 'gold')")

    assert red() == {"tiers_are_their_history": ["alice"]}


def test_a_red_proof_names_the_account_and_the_member(alice):
    execute("UPDATE loyalty_account SET version = 5 WHERE id = %s", alice.pk)

    run = proof.prove(NOON, NOON)

    assert (run.counts["red"], run.counts["offenders"]) == (1, 1)
    found = run.proofs.get(invariant="entries_are_gapless")
    assert found.offenders == 1
    assert found.sample == [
        {
            "kind": "account",
            "key": str(alice.pk),
            "detail": "version is 5, there are 4 entries from 1 to 4",
            "member": "alice",
        }
    ]


def test_many_offenders_are_counted_and_some_are_named():
    for number in range(25):
        cast.grant(cast.account(f"m-{number}"), 1, expires_at=LATER)
    execute("UPDATE loyalty_account SET version = 2")

    finding = proof.check(next(i for i in invariants.ALL if i.name == "entries_are_gapless"), sample=4)

    assert (finding.offenders, len(finding.sample)) == (25, 4)


def test_the_command_is_content_with_a_sound_ledger(alice, capsys):
    call_command("prove")

    assert f"All {len(invariants.ALL)} invariants hold." in capsys.readouterr().out


def test_the_command_fails_and_names_who_breaks_an_invariant(alice, capsys):
    execute("UPDATE loyalty_account SET version = 5 WHERE id = %s", alice.pk)

    with pytest.raises(SystemExit) as exit_:
        call_command("prove")

    assert exit_.value.code == 1
    assert f"account {alice.pk} (alice): version is 5" in capsys.readouterr().out


def _stored(at):
    return connection.ops.adapt_datetimefield_value(at)
