"""Who leaves is forgotten, in every column of every table, and the books still prove (PIPL 47, domain.md E59)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.models import AuditEntry, Fact, InboxEvent, JobRun, Look, RejectedEvent
from common.services import looks, outbox
from common.services.audit import Actor
from config.tests import sample
from loyalty.models import Account, Entry
from loyalty.services import adjustments, invariants, proof, transfers
from loyalty.tests import stage
from members.models import Identity, Member, Tombstone
from members.selectors import leaving
from members.services import closing, erasure, identities, members
from merchants.models import Card
from rewards.facts import BirthdayPackIssued, RedemptionCancelled
from rewards.models import MemberGrant, Redemption

pytestmark = pytest.mark.django_db
STAFF = Actor("Rosa")
PHONE, REAL_NAME_ID = "+86 139 8765 4321", "110101198706051234"
TRACES = {
    "name": "Wonderland",
    "birthday": "1987-06-05",
    "day it was kept": "2026-06-05",
    "attribute": "Zhangjiajie",
    "address": "Rabbit Lane",
    "device": "d-looking-glass",
    "card of the brand": "EXT-ALICE-77",
    "what staff wrote": "cheshire",
    "what she wrote": "tea party",
    "parcel": "SF-ALICE-1",
}


def hear() -> None:
    while outbox.dispatch(timezone.now()) + outbox.deliver(timezone.now()):
        pass


def tell_of_alice() -> Member:
    """Everything that could name Alice, by every door that takes it."""
    now = timezone.now()
    stage.send(
        "member.updated", "alice", now, name="Alice Wonderland", birthday="1987-06-05", phone=PHONE,
        real_name_id=REAL_NAME_ID, attributes={"city": "Zhangjiajie"},
    )  # fmt: skip
    alice, bob = Member.objects.get(external_id="alice"), Member.objects.get(external_id="bob")
    lines = [{"line": "1", "sku": "s", "category": "books", "store": "acme-1", "cash": 50_00}]
    stage.send(
        "order.completed", "alice", now, order="o-lane", channel="app", lines=lines, attributes={"to": "7 Rabbit Lane"}
    )
    stage.send("member.updated", "alice", now, name="Alice Wonderland", birthday="2187-06-05")
    with transaction.atomic():
        adjustments.post(
            sample.wallet("alice").account, 500, category="goodwill", reason="cheshire: she called", actor=STAFF, at=now
        )
    with transaction.atomic():
        transfers.send(alice, bob, 5, kind="gift", message="for the tea party", at=now)
    stage.send("order.completed", "bob", now, order="o-liked", channel="app", lines=lines)
    stage.send("review.approved", "bob", now, review="r-liked", order="o-liked", line="1", photos=1)
    stage.send("review.liked", "bob", now, review="r-liked", by="alice", device="d-looking-glass")
    Card.objects.filter(member=alice).update(external_card="EXT-ALICE-77")
    Redemption.objects.filter(member=alice).update(tracking="SF-ALICE-1")
    MemberGrant.objects.filter(member=alice).update(reason="cheshire smiled")
    looks.note(STAFF, Look.Kind.LIST, "members.member", now, query="q=alice Wonderland")
    with transaction.atomic():
        outbox.publish([BirthdayPackIssued("alice", "2026-06-05", 500, [], "2026-06-13")], now)
        outbox.publish([RedemptionCancelled("alice", "r-1", "mug", 0, 0, "cheshire broke it")], now)
    hear()
    return Member.objects.get(external_id="alice")


def traces() -> dict[str, set[str]]:
    """Where anything of Alice still stands."""
    return standing(
        TRACES
        | {
            "digest of the phone": identities.digest(PHONE) or "",
            "digest of the real-name id": identities.digest_of_id(REAL_NAME_ID) or "",
            "phone": "13987654321",
            "real-name id": REAL_NAME_ID,
        }
    )


def standing(wanted: dict[str, str]) -> dict[str, set[str]]:
    """Where any of these still stands: every text, date and JSON column of every table."""
    found: dict[str, set[str]] = {}
    for model in apps.get_models(include_auto_created=True):
        columns = [c.name for c in model._meta.concrete_fields if not c.is_relation and not c.primary_key]
        for row in models.QuerySet(model).values_list(*columns) if columns else ():
            for name, value in zip(columns, row, strict=True):
                text = str(value)
                for what, trace in wanted.items():
                    if trace in text:
                        found.setdefault(what, set()).add(f"{model._meta.label}.{name}")
    return found


def broken() -> set[str]:
    """The invariants that no longer hold (ledger.md)."""
    return {one.name for one in invariants.ALL if proof.check(one).offenders}


def test_after_leaving_no_column_of_any_table_says_who_it_was():
    sample.everything()
    tell_of_alice()
    before = traces()
    assert set(TRACES) <= set(before), set(TRACES) - set(before)
    entries = list(
        Entry.objects.filter(account__wallet__member__external_id="alice").order_by("seq").values_list("seq", "delta")
    )
    unproven = broken()
    members.close("alice", timezone.now(), STAFF, "she asked")
    hear()
    assert traces() == {"digest of the real-name id": {"members.Tombstone.digest"}}
    account = Account.objects.get(wallet__member__external_id="alice")
    assert (account.available, account.pending) == (0, 0)
    kept = Entry.objects.filter(account=account).order_by("seq").values_list("seq", "delta")
    assert list(kept[: len(entries)]) == entries
    assert kept.count() == account.version
    assert broken() <= unproven, "the books prove as well as before"


def test_what_comes_in_about_her_afterwards_is_forgotten_by_night(alice_left):
    stage.send("member.updated", "alice", timezone.now(), name="Alice Wonderland")
    assert RejectedEvent.objects.filter(body__data__name="Alice Wonderland").exists()
    night = timezone.now() + dt.timedelta(days=1)
    run = erasure.sweep(night, night)
    assert (run.status, run.counts) == (JobRun.Status.DONE, {"erased": 1})
    assert traces() == {}
    assert erasure.sweep(night + dt.timedelta(days=1), night).counts == {}


@pytest.fixture
def alice_left():
    """Alice alone has come and gone."""
    stage.send("member.registered", "alice", timezone.now(), name="Alice Wonderland", real_name_id=REAL_NAME_ID)
    members.close("alice", timezone.now(), STAFF)
    hear()
    Tombstone.objects.update(digest="0" * 64)


def test_a_member_who_was_merged_into_her_is_forgotten_with_her():
    stage.send("member.registered", "alice", timezone.now(), name="Alice")
    stage.send("member.registered", "old-alice", timezone.now(), name="Alice Wonderland")
    members.merge("old-alice", "alice", timezone.now())
    hear()
    members.close("alice", timezone.now())
    hear()
    assert traces() == {}
    assert set(Member.objects.values_list("name", flat=True)) == {""}


def test_a_job_that_is_killed_goes_on_where_it_was(monkeypatch):
    for number in range(3):
        Member.objects.create(
            external_id=f"m-{number}",
            name="Wonderland",
            registered_at=timezone.now(),
            status="closed",
            closed_at=timezone.now(),
        )
    monkeypatch.setattr(erasure, "MEMBERS_PER_CHUNK", 1)
    done, real = [], erasure.erase

    def dies(rows, at):
        if done:
            raise SystemExit
        done.append(rows)
        return real(rows, at)

    monkeypatch.setattr(erasure, "erase", dies)
    night = timezone.now()
    with pytest.raises(SystemExit):
        erasure.sweep(night, night)
    assert Member.objects.filter(name="Wonderland").count() == 2
    monkeypatch.setattr(erasure, "erase", real)
    assert erasure.sweep(night, night).counts == {"erased": 3}
    assert not Member.objects.filter(name="Wonderland").exists()


def test_the_audit_log_keeps_the_deed_and_forgets_the_words():
    stage.send("member.registered", "alice", timezone.now(), name="Alice Wonderland")
    members.close("alice", timezone.now(), STAFF, "she cried about Wonderland")
    hear()
    entry = AuditEntry.objects.get(action="members.members.close")
    assert (entry.actor_label, entry.object_key, entry.reason) == ("Rosa", "alice", "")


# Coming back --------------------------------------------------------------------------------------------------


def test_who_registers_again_is_a_new_member_without_welcome_gifts():
    stage.a_rule("welcome", event_type="member.registered", formula="fixed", points=100)
    stage.send("member.registered", "alice", timezone.now(), real_name_id=REAL_NAME_ID)
    hear()
    assert sample.wallet("alice").account.available == 100
    members.close("alice", timezone.now())
    hear()
    stage.send("member.registered", "alice-again", timezone.now(), real_name_id=REAL_NAME_ID)
    stage.send("member.registered", "bob", timezone.now(), real_name_id="110101199001011111")
    hear()
    assert Member.objects.get(external_id="alice-again").has_returned
    assert Account.objects.filter(wallet__member__external_id="alice-again", available__gt=0).count() == 0
    assert sample.wallet("bob").account.available == 100


def test_a_real_name_id_is_kept_as_a_digest_only():
    answer = stage.send("member.registered", "alice", timezone.now(), real_name_id=REAL_NAME_ID)
    assert answer["status"] == "applied"
    assert Identity.objects.get().kind == "real_name"
    assert REAL_NAME_ID not in str(InboxEvent.objects.values_list("data", flat=True)[0])
    refused = stage.send("member.registered", "bob", timezone.now(), real_name_id="?")
    assert refused["problem"]["errors"][0]["pointer"] == "/data/real_name_id"


# What hinders, what is waived -----------------------------------------------------------------------------------


def test_an_account_with_open_things_is_not_closed_and_says_why():
    sample.rule()
    stage.send(
        "order.paid", "alice", timezone.now(), order="o-9", channel="app",
        lines=[{"line": "1", "sku": "s", "category": "books", "store": "acme-1", "cash": 100}],
    )  # fmt: skip
    alice = Member.objects.get(external_id="alice")
    with pytest.raises(closing.Hindered) as refusal:
        closing.close(alice, waive=True, actor=STAFF, at=timezone.now())
    assert {one["code"] for one in refusal.value.extra["hindrances"]} == {"open_orders"}
    alice.refresh_from_db()
    assert alice.status == "active"


def test_debts_hinder_and_points_are_waived_with_what_they_are_worth():
    sample.rule()
    sample.buy("alice", "o-1", at=timezone.now())
    alice = Member.objects.get(external_id="alice")
    (points,) = leaving.of(alice, timezone.now()).waived
    assert (points.code, points.amount, points.value) == ("points", 50, 50)
    Account.objects.filter(wallet__member=alice).update(available=0, owed=7)
    assert [one.code for one in leaving.of(alice, timezone.now()).hindrances] == ["debt"]


def test_without_a_waiver_nothing_is_closed():
    stage.send("member.registered", "alice", timezone.now())
    with pytest.raises(closing.NotWaived):
        closing.close(Member.objects.get(), waive=False, actor=STAFF, at=timezone.now())


def test_closing_through_the_door_tells_the_floors_above():
    sample.rule()
    sample.buy("alice", "o-1", at=timezone.now())
    closing.close(Member.objects.get(), waive=True, actor=STAFF, at=timezone.now())
    hear()
    assert sample.wallet("alice").account.available == 0
    assert Fact.objects.filter(topic="member.closed").count() == 1
    assert Entry.objects.filter(reference="closed:alice", kind="expire").exists()


def test_a_preview_costs_the_same_for_much_and_for_little():
    sample.everything()
    alice = Member.objects.get(external_id="alice")

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            leaving.of(alice, timezone.now())
        return len(queries)

    few = cost()
    for number in range(10):
        sample.buy("alice", f"more-{number}", at=timezone.now())
    assert cost() == few
