import datetime as dt
from collections import Counter

import pytest
from django.core.management import CommandError, call_command

from common.models import Staff
from config.demo import checkouts, journal, shopping, stories
from config.demo.calendar import weight
from loyalty.models import Account, EarningRuleVersion, Entry, Hold
from loyalty.services.replay import envelopes
from loyalty.tests import stage
from merchants.models import Merchant, StaffRole, Store

END = dt.datetime(2026, 11, 20, 4, tzinfo=dt.UTC)
TINY = {"members": 16, "days": 20, "end": END}


def test_the_same_seed_tells_the_same_story():
    first, second = (list(stories.write(20, 60, END).journal.events()) for _ in range(2))
    assert first == second
    assert len({event["id"] for event in first}) == len(first)


def test_a_year_has_everything_that_happens_in_a_shop():
    story = stories.write(120, 365, END)
    told = Counter(event["type"] for event in story.journal.events())
    for event_type in (
        "order.paid", "order.completed", "order.cancelled", "order.refunded", "review.approved", "review.liked",
        "delivery.refused", "member.registered", "member.logged_in", "member.checked_in", "member.shared", "app.quiz_finished",
    ):  # fmt: skip
        assert told[event_type], event_type
    assert all(event["time"] < END.isoformat() for event in story.journal.events())


def test_618_and_11_11_are_the_busiest_days():
    year = [dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(365)]
    assert sorted(sorted(year, key=weight)[-2:]) == [dt.date(2026, 6, 18), dt.date(2026, 11, 11)]


@pytest.mark.django_db
def test_run_twice_the_demo_is_there_once_and_the_proof_is_green(capsys):
    call_command("demo", **TINY)
    told = capsys.readouterr().out
    assert "RED" not in told
    assert "API key (demo only)" in told
    before = list(Entry.objects.order_by("pk").values()), list(Account.objects.order_by("pk").values())
    people = Staff.objects.count(), Merchant.objects.count(), Store.objects.count(), EarningRuleVersion.objects.count()
    call_command("demo", **TINY | {"end": None})
    assert "RED" not in capsys.readouterr().out
    assert (list(Entry.objects.order_by("pk").values()), list(Account.objects.order_by("pk").values())) == before
    assert (
        Staff.objects.count(),
        Merchant.objects.count(),
        Store.objects.count(),
        EarningRuleVersion.objects.count(),
    ) == people


@pytest.mark.django_db
def test_what_pays_out_was_put_in_force_by_a_second_person(capsys):
    call_command("demo", **TINY)
    versions = EarningRuleVersion.objects.all()
    assert {version.status for version in versions} == {EarningRuleVersion.Status.ACTIVE}
    assert all(version.created_by_id != version.activated_by_id for version in versions)
    assert set(StaffRole.objects.values_list("merchant__code", flat=True)) == {"lantu", "moxiang"}


def checkout(event_type="order.paid"):
    lines = [{"line": "1", "cash": 5000, "virtual": False}, {"line": "2", "cash": 1000, "virtual": False}]
    data = {"order": "o1", "hold": shopping.WANTED, "lines": lines}
    return envelopes.seal("/demo", event_type, event_type, "alice", stage.NOON, data)


@pytest.mark.django_db
def test_a_checkout_with_points_holds_what_the_order_may_take_and_says_so_on_its_lines():
    stage.give(2500)
    (event,) = checkouts.prepare([checkout()], stage.NOON)
    hold = Hold.objects.get()
    assert event["data"]["hold"] == str(hold.uuid)
    assert [(x["points"], x["cash"]) for x in event["data"]["lines"]] == [(1667, 3333), (333, 667)]


@pytest.mark.django_db
def test_prepared_again_after_a_stop_a_checkout_finds_its_hold():
    stage.give(5000)
    first = checkouts.prepare([checkout()], stage.NOON)
    assert checkouts.prepare([checkout()], stage.NOON) == first
    assert Hold.objects.count() == 1


@pytest.mark.django_db
def test_an_abandoned_checkout_leaves_a_hold_and_no_event():
    stage.give(5000)
    assert checkouts.prepare([checkout(journal.ABANDONED)], stage.NOON) == []
    assert Hold.objects.get().status == Hold.Status.OPEN


@pytest.mark.django_db
def test_who_has_too_few_points_pays_in_money():
    stage.give(999)
    (event,) = checkouts.prepare([checkout()], stage.NOON)
    assert "hold" not in event["data"]
    assert event["data"]["lines"] == checkout()["data"]["lines"]


@pytest.mark.django_db
def test_a_demo_of_another_size_is_refused(capsys):
    call_command("demo", **TINY)
    with pytest.raises(CommandError, match="another size"):
        call_command("demo", **TINY | {"members": 17})
