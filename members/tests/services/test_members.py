import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from common.models import AuditEntry, Fact
from common.problems import InvalidInput
from common.services.audit import Actor
from members.models import Member
from members.services import members, roll
from members.services.profiles import Profile


def topics():
    return list(Fact.objects.order_by("id").values_list("topic", "key"))


def test_registering_enters_the_member_and_publishes_it(db, at):
    members.register("alice", Profile(name="Alice", birthday=dt.date(1990, 2, 28)), at)

    alice = Member.objects.get(external_id="alice")
    assert (alice.name, alice.birthday, alice.registered_at) == ("Alice", dt.date(1990, 2, 28), at)
    assert topics() == [("member.registered", "alice")]


def test_registering_a_known_member_is_refused(alice, at):
    with pytest.raises(members.MemberExists):
        members.register("alice", Profile(name="Somebody"), at)
    alice.refresh_from_db()
    assert alice.name == "Alice"
    assert topics() == []


def test_updating_changes_what_is_said_and_leaves_the_rest(alice, at):
    members.update("alice", Profile(phone_verified=True), at)

    alice.refresh_from_db()
    assert (alice.name, alice.phone_verified) == ("Alice", True)
    assert Fact.objects.get().payload == {"external_id": "alice", "changed": ["phone_verified"]}


def test_saying_the_same_again_publishes_nothing(alice, at):
    members.update("alice", Profile(name="Alice"), at)
    assert topics() == []


def test_a_late_word_does_not_override_a_newer_one(alice, at):
    members.update("alice", Profile(name="New", attributes={"vip": True}), at)
    late = at - dt.timedelta(hours=1)
    members.update("alice", Profile(name="Old", phone_verified=True, attributes={"vip": False, "city": "Xi'an"}), late)

    alice.refresh_from_db()
    assert (alice.name, alice.phone_verified) == ("New", True)
    assert alice.attributes == {"vip": True, "city": "Xi'an"}


def test_attributes_merge_key_by_key_and_null_removes(alice, at):
    members.update("alice", Profile(attributes={"a": 1, "b": 2}), at)
    members.update("alice", Profile(attributes={"a": None}), at)
    alice.refresh_from_db()
    assert alice.attributes == {"b": 2}


@pytest.mark.parametrize(
    ("profile", "pointer"),
    [
        (Profile(birthday=dt.date(2026, 3, 2)), "/birthday"),
        (Profile(registered_at=dt.datetime(2026, 3, 2, tzinfo=dt.UTC)), "/registered_at"),
        (Profile(registered_at=dt.datetime(1, 1, 1, tzinfo=dt.UTC)), "/registered_at"),
    ],
)
def test_impossible_dates_are_refused_and_change_nothing(alice, at, profile, pointer):
    with pytest.raises(InvalidInput) as refusal:
        members.update("alice", profile, at)
    assert refusal.value.errors[0]["pointer"] == pointer
    assert topics() == []


def test_an_unknown_member_cannot_be_changed(db, at):
    with pytest.raises(roll.UnknownMember):
        members.update("nobody", Profile(name="X"), at)
    with pytest.raises(roll.UnknownMember):
        members.close("nobody", at)


def test_closing_is_final_and_can_be_repeated(alice, at):
    members.close("alice", at)
    members.close("alice", at + dt.timedelta(days=1))

    alice.refresh_from_db()
    assert (alice.status, alice.closed_at) == ("closed", at)
    assert topics() == [("member.closed", "alice")]
    with pytest.raises(roll.MemberIsClosed):
        members.update("alice", Profile(name="X"), at)


def test_a_merged_member_stands_for_its_target(alice, bob, at):
    members.merge("bob", "alice", at)

    bob.refresh_from_db()
    assert (bob.status, bob.merged_into) == ("merged", alice)
    assert members.ensure(["bob", "alice"], at, register=False) == {"bob": alice, "alice": alice}
    assert Fact.objects.get().payload == {"source": "bob", "target": "alice", "merged_at": at.isoformat()}


def test_a_chain_of_merges_leads_to_the_last_member(alice, bob, charlie, at):
    members.merge("charlie", "bob", at)
    members.merge("bob", "alice", at)
    assert members.ensure(["charlie"], at, register=False) == {"charlie": alice}


def test_merging_into_a_merged_member_goes_where_that_one_went(alice, bob, charlie, at):
    members.merge("bob", "alice", at)
    assert members.merge("charlie", "bob", at) == alice


def test_merging_twice_changes_nothing_the_second_time(alice, bob, at):
    members.merge("bob", "alice", at)
    members.merge("bob", "alice", at)
    assert topics() == [("member.merged", "bob")]


def test_a_member_cannot_be_merged_into_itself_even_in_a_circle(alice, bob, at):
    with pytest.raises(roll.MergeIntoItself):
        members.merge("alice", "alice", at)
    members.merge("bob", "alice", at)
    with pytest.raises(roll.MergeIntoItself):
        members.merge("alice", "bob", at)


def test_a_merged_member_is_not_merged_elsewhere(alice, bob, charlie, at):
    members.merge("bob", "alice", at)
    with pytest.raises(roll.MemberIsMerged):
        members.merge("bob", "charlie", at)


@pytest.mark.parametrize(("source", "target"), [("alice", "bob"), ("bob", "alice")])
def test_closed_members_neither_merge_nor_are_merged_into(alice, bob, at, source, target):
    members.close("bob", at)
    with pytest.raises(roll.MemberIsClosed):
        members.merge(source, target, at)


def test_undoing_a_merge_lets_the_member_stand_for_itself(alice, bob, at):
    members.merge("bob", "alice", at)
    members.unmerge("bob", at)

    assert members.ensure(["bob"], at, register=False) == {"bob": bob}
    assert topics()[-1] == ("member.unmerged", "bob")
    with pytest.raises(roll.MemberIsNotMerged):
        members.unmerge("bob", at)


def test_what_people_do_is_audited(alice, bob, at):
    members.merge("bob", "alice", at, Actor("Dora"), "Same person.")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_key, entry.reason) == ("members.members.merge", "bob", "Same person.")


def test_ensuring_registers_unknown_members_once(alice, at):
    first = members.ensure(["alice", "dora"], at, register=True)
    again = members.ensure(["dora"], at, register=True)
    assert first["dora"] == again["dora"]
    assert topics() == [("member.registered", "dora")]


def test_ensuring_leaves_out_unknown_members_and_impossible_names(alice, at):
    assert members.ensure(["alice", "dora"], at, register=False) == {"alice": alice}
    assert members.ensure(["", "a/b", "x" * 101, "tab\t"], at, register=True) == {}


def test_ensuring_known_members_costs_one_query(alice, bob, at, django_assert_num_queries):
    with django_assert_num_queries(1):
        members.ensure(["alice", "bob"], at, register=True)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_eight_who_ensure_at_once_register_one_member(at):
    def ensure(_):
        try:
            return members.ensure(["alice"], at, register=True)["alice"].pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ensure, range(8)))) == 1
    assert topics() == [("member.registered", "alice")]
