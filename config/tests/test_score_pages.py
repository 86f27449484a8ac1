"""The operators' pages of the value score: what a draft would do, who publishes it, what each band spends."""

import datetime as dt
from fractions import Fraction

import pytest
from django.urls import reverse
from django.utils import timezone

from common import clock
from common.services import audit
from config.demo import scores as demo
from config.tests import sample
from loyalty.models import MemberStats, Score, ScoreBucket, ScorePolicy, ScoreSource, ScoreThreshold
from loyalty.selectors import score_bands, score_policies, score_previews
from loyalty.services import editions, scores
from loyalty.tests.ratings import a_member, a_policy, a_source, bought, logged_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(client):
    client.force_login(sample.staff("root", is_superuser=True))
    return client


def a_draft(policy: ScorePolicy, **values) -> ScorePolicy:
    """A draft that says the same, but for the values of its sources."""
    draft = editions.draft_from(policy, audit.Actor("Olivia"), timezone.now())
    for kind, value in values.items():
        ScoreSource.objects.filter(policy=draft, kind=kind).update(value=value)
    return draft


def yesterday() -> dt.date:
    return clock.local_date(timezone.now()) - dt.timedelta(days=1)


def test_a_draft_copies_every_part_of_a_policy():
    policy = a_policy(a_source("login"), curves={"activity": [(0, 0), (9, 5)]})
    draft = a_draft(policy)
    assert (draft.dimensions.count(), draft.sources.count(), draft.points.count()) == (1, 1, 2)


def test_the_preview_counts_real_members_by_the_draft_and_saves_nothing(root):
    policy = a_policy(a_source("login", 10), a_source("share", 10))
    ScoreThreshold.objects.create(code="line", name="The line", value=25)
    logged_in(a_member(), yesterday())
    logged_in(a_member("bob"), yesterday(), kind="share")
    a_member("charlie")
    draft = a_draft(policy, login=30, share=4)

    page = root.get(reverse("admin:loyalty_scorepolicy_outlook", args=[draft.pk]))

    assert (page.context["up"], page.context["down"], page.context["same"]) == ("1", "1", "1")
    (_link, *alice), (_link, *bob) = page.context["winners"][0], page.context["losers"][0]
    assert (alice, bob) == (["10", "30", "+20"], ["10", "4", "−6"])
    assert [(line.code, *counts) for line, *counts in page.context["lines"]] == [("line", "0", "1", "+1")]
    assert not Score.objects.exists()
    assert not ScoreBucket.objects.exists()


def test_the_preview_gives_the_numbers_of_the_night():
    policy = a_policy(a_source("cash", 1, "consumption", cap_month=150), a_source("year", 7, "account"))
    members = [a_member(name, registered_at=timezone.now() - dt.timedelta(days=800)) for name in ("alice", "bob")]
    for member in members:
        bought(member, yesterday())
        bought(member, yesterday() - dt.timedelta(days=200), {"cash": 90_000})
    tonight = clock.day_start(clock.local_date(timezone.now()))
    scores.count(tonight, tonight)

    found = score_previews.scores(score_policies.load(policy), [member.pk for member in members], tonight)

    assert found == dict(Score.objects.values_list("member_id", "value"))
    assert set(found.values()) == {100 + 150 + 14}


def test_a_policy_with_faults_says_them_instead(root):
    draft = ScorePolicy.objects.create(drafted_at=timezone.now())
    page = root.get(reverse("admin:loyalty_scorepolicy_outlook", args=[draft.pk]))
    assert "Say what is counted" in page.content.decode()


def test_the_author_cannot_put_a_policy_in_force_but_another_can(client):
    olivia, felix = sample.staff("olivia", "operations"), sample.staff("felix", "finance")
    draft = a_draft(a_policy(a_source("login", 10)), login=20)
    ScorePolicy.objects.filter(pk=draft.pk).update(drafted_by=olivia)
    address = reverse("admin:loyalty_scorepolicy_publish", args=[draft.pk])
    seen = ScorePolicy.objects.get(pk=draft.pk).drafted_at.isoformat()

    client.force_login(olivia)
    assert client.post(address, {"seen": seen}).status_code == 403
    client.force_login(felix)
    asked = client.get(address).content.decode()
    assert "counted anew" in asked
    assert "+10 each" in asked
    assert "+20 each" in asked
    client.post(address, {"seen": seen})

    assert ScorePolicy.objects.get(pk=draft.pk).status == ScorePolicy.Status.PUBLISHED


def test_idle_limits_and_falling_curves_are_faults():
    policy = a_policy(a_source("login", 5, cap_store=3), curves={"activity": [(0, 5), (9, 0)]})
    limit, curve = policy.faults()
    assert "limit a store" in limit
    assert "must not fall" in curve


def test_the_demos_policy_is_without_fault_and_made_once():
    author, approver = sample.staff("olivia"), sample.staff("felix")
    start = timezone.now() - dt.timedelta(days=400)
    for _ in range(2):
        demo.set_up(author, approver, start)
    policy = ScorePolicy.objects.get()
    assert (policy.status, policy.faults()) == (ScorePolicy.Status.PUBLISHED, [])
    assert [line.least for line in ScoreThreshold.objects.all()] == [201, 500, 4501, 5000, 10000, 20000]


def test_spend_per_head_is_held_against_the_base(root):
    """S1-13."""
    ScoreThreshold.objects.create(code="high", name="High", value=1000)
    policy = a_policy(a_source("login"))
    for name, settled, cash in (("alice", 1000, 900_00), ("bob", 999, 60_00), ("charlie", 0, 0)):
        member, month = a_member(name), dt.date(2026, 3, 1)
        Score.objects.create(
            member=member, policy=policy, counted_on=month, value=0, settled=settled, settled_month=month
        )
        MemberStats.objects.create(
            member=member,
            net_cash_12m=cash,
            measured_at=timezone.now(),
            lifecycle_since=timezone.now(),
            lifecycle="new",
        )

    below, high = score_bands.bands()
    base = score_bands.base([below, high])

    assert (high.members, high.per_head(), below.members, below.per_head()) == (1, 900_00, 2, 30_00)
    assert high.times(base) == Fraction(90_000 * 3, 96_000)
    page = root.get(reverse("admin:loyalty_score_bands")).content.decode()
    assert "2.8 ×" in page
