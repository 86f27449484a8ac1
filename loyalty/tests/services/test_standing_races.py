"""Growth and tiers with many at once on a real PostgreSQL: nothing is lost, nothing is doubled, nobody rises twice."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from collections import Counter

import pytest
from django.conf import settings
from django.db import transaction

from common import clock
from common.models import Fact, JobRun
from loyalty.models import Account, GrowthEntry, Ladder, ProductTally, Standing, Tier, TierChange
from loyalty.services import overrides, tiers, transfers
from loyalty.tests.proven import assert_proven
from loyalty.tests.services.test_jobs_under_fire import database_url
from loyalty.tests.services.test_races import PATIENCE, at_once, wait_until_somebody_waits
from loyalty.tests.stage import DAY, NOON, STAFF, a_growth_policy, a_ladder, line, order, send, standing
from members.models import Member
from members.services import members

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ANNIVERSARY = clock.day_start(dt.date(2027, 3, 1))
MORNING = ANNIVERSARY + dt.timedelta(hours=1)

# A worker of its own: it reviews two members a chunk, says so, and falls asleep before it can commit the second one.
WORKER = """
import datetime as dt, time
import django
django.setup()
from loyalty.services import tiers
tiers.MEMBERS_PER_CHUNK = 2
whole, calls = tiers._review_span, []
def review_and_fall_asleep(night, first, last):
    counts = whole(night, first, last)
    calls.append(first)
    print("in chunk", len(calls), flush=True)
    if len(calls) == 2:
        time.sleep(60)
    return counts
tiers._review_span = review_and_fall_asleep
tiers.review(dt.datetime.fromisoformat("%s"), dt.datetime.fromisoformat("%s"))
"""


@pytest.fixture(autouse=True)
def _jd():
    a_ladder()
    a_growth_policy()


def grow(whole: int, code: str, subject: str = "alice", at: dt.datetime = NOON):
    return send("order.completed", subject, at, **order(code, line(1, whole * 100, sku="lamp")))


def refund(code: str, subject: str = "alice", at: dt.datetime = NOON):
    lines = [{"line": "1", "quantity": 1}]
    return send("order.refunded", subject, at, order=code, refund="r", reason="defect", lines=lines)


def review():
    return tiers.review(ANNIVERSARY, MORNING)


def raised(answers):
    return [answer for answer in answers if isinstance(answer, Exception)]


def test_an_order_and_the_review_job_at_once_deduct_once_and_first():
    names = [f"m-{number}" for number in range(10)]
    for name in names:
        grow(2_500, f"first-{name}", name)
    orders = [lambda name=name: grow(300, f"second-{name}", name, MORNING) for name in names]
    assert raised(at_once(review, *orders)) == []
    for name in names:
        entries = GrowthEntry.objects.filter(member__external_id=name).order_by("seq")
        assert list(entries.values_list("kind", "delta")) == [
            ("order", 2_500_00),
            ("deduction", -1_000_00),
            ("order", 300_00),
        ]
    assert set(Standing.objects.values_list("growth", "tier__code")) == {(1_800_00, "bronze")}
    assert_proven()


def test_two_review_workers_at_once_take_each_member_once(monkeypatch):
    monkeypatch.setattr(tiers, "MEMBERS_PER_CHUNK", 3)
    for number in range(20):
        grow(2_500, f"o-{number}", f"m-{number}")
    answers = at_once(review, review, lambda: tiers.review(ANNIVERSARY + dt.timedelta(minutes=1), MORNING))
    assert raised(answers) == []
    assert GrowthEntry.objects.filter(kind=GrowthEntry.Kind.DEDUCTION).count() == 20
    assert set(Standing.objects.values_list("growth", flat=True)) == {1_500_00}
    assert Fact.objects.filter(topic="tier.changed", payload__reason="review").count() == 20
    assert_proven()


def test_a_refund_and_the_review_at_once_both_happen():
    for number in range(8):
        grow(2_500, f"o-{number}", f"m-{number}")
        grow(500, f"p-{number}", f"m-{number}")
    answers = at_once(review, *[lambda n=n: refund(f"p-{n}", f"m-{n}", MORNING) for n in range(8)])
    assert raised(answers) == []
    assert set(Standing.objects.values_list("growth", "tier__code")) == {(1_500_00, "silver")}
    assert_proven()


def test_a_merge_while_reviewing_brings_growth_that_was_deducted_once():
    for number in range(6):
        grow(2_500, f"a-{number}", f"a-{number}")
        grow(400, f"b-{number}", f"b-{number}")
        members.merge(f"a-{number}", f"b-{number}", MORNING)

    @transaction.atomic
    def merge(number):
        source, target = (Member.objects.get(external_id=f"{name}-{number}") for name in "ab")
        transfers.merge(source, target, MORNING)

    answers = at_once(review, *[lambda n=n: merge(n) for n in range(6)])
    assert raised(answers) == []
    assert set(Standing.objects.filter(member__external_id__startswith="b").values_list("growth")) == {(1_900_00,)}
    assert GrowthEntry.objects.filter(kind=GrowthEntry.Kind.DEDUCTION).count() == 6
    assert_proven()


def test_eight_orders_at_once_lift_once_to_each_tier():
    grow(20, "o")
    assert raised(at_once(*[lambda n=n: grow(1_500, f"o-{n}") for n in range(8)])) == []
    assert (standing().whole_growth, standing().tier.code) == (12_020, "gold")
    changes = TierChange.objects.order_by("id").values_list("after__code", flat=True)
    assert list(changes) == ["registered", "bronze", "silver", "gold"]
    assert_proven()


def test_twenty_photo_reviews_of_one_product_at_once_give_just_five_bonuses():
    for number in range(20):
        grow(100, f"o-{number}", f"m-{number}")
    said = {"line": "1", "photos": 1}
    answers = at_once(
        *[lambda n=n: send("review.approved", f"m-{n}", review=f"r-{n}", order=f"o-{n}", **said) for n in range(20)]
    )
    assert Counter(answer["effects"]["growth"]["added"] for answer in answers) == {40: 5, 20: 15}
    assert ProductTally.objects.get().photo_reviews == 5
    assert_proven()


def test_who_waited_for_a_member_sees_the_tier_that_was_set_meanwhile():
    grow(1_990, "o-1")
    alice, diamond = Member.objects.get(), Tier.objects.get(code="diamond")
    locked = threading.Event()

    def set_by_hand():
        with transaction.atomic():
            list(Account.objects.select_for_update().filter(wallet__member=alice))
            locked.set()
            wait_until_somebody_waits()
            overrides.set_tier(alice, diamond, dt.date(2026, 4, 1), note="a guest", actor=STAFF, at=NOON)

    def order_meanwhile():
        assert locked.wait(PATIENCE)
        return grow(100, "o-2")

    assert raised(at_once(set_by_hand, order_meanwhile)) == []
    assert (standing().whole_growth, standing().tier.code) == (2_090, "diamond")
    assert_proven()


def test_an_event_and_the_job_at_once_bring_a_member_to_a_new_ladder_once():
    for number in range(6):
        grow(2_500, f"o-{number}", f"m-{number}")
    a_ladder(decay=Ladder.Decay.WINDOW, effective_at=NOON + 30 * DAY, window_months=24)
    answers = at_once(review, *[lambda n=n: grow(50, f"p-{n}", f"m-{n}", MORNING) for n in range(6)])
    assert raised(answers) == []
    assert set(Standing.objects.values_list("growth", flat=True)) == {2_550_00}
    assert_proven()


def test_a_review_killed_in_the_middle_of_a_chunk_goes_on():
    for number in range(6):
        grow(2_500, f"o-{number}", f"m-{number}")
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "config.settings"),
        "PYTHONPATH": os.pathsep.join([str(settings.BASE_DIR), *sys.path]),
    }
    script = WORKER % (ANNIVERSARY.isoformat(), MORNING.isoformat())
    with subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True) as worker:
        for told in worker.stdout:
            if told == "in chunk 2\n":
                break
        worker.send_signal(signal.SIGKILL)
    assert worker.returncode == -signal.SIGKILL
    assert GrowthEntry.objects.filter(kind=GrowthEntry.Kind.DEDUCTION).count() == 2

    run = review()

    assert (run.status, run.counts["reviewed"]) == (JobRun.Status.DONE, 6)
    assert set(Standing.objects.values_list("growth", flat=True)) == {1_500_00}
    assert GrowthEntry.objects.filter(kind=GrowthEntry.Kind.DEDUCTION).count() == 6
    assert_proven()
