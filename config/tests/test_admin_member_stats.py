import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from common import clock
from config.tests import sample
from loyalty.models import LifecyclePolicy, Segment
from loyalty.services import member_stats
from loyalty.tests.shoppers import bought, member

pytestmark = pytest.mark.django_db

RFM, LIFE = "admin:loyalty_memberstats_rfm", "admin:loyalty_memberstats_lifecycle"


@pytest.fixture
def olivia(client):
    """Operations, signed in."""
    person = sample.staff("olivia", "operations")
    client.force_login(person)
    return person


def shop() -> None:
    """Ten customers: number n ordered on n days, the last one n days before number ten; and somebody who never did."""
    today = clock.local_date(timezone.now())
    for number in range(1, 11):
        for day in range(number):
            bought(f"m-{number}", today - dt.timedelta(days=12 - number + day), 10_00)
    member("looker")
    measure()


def measure(now: dt.datetime | None = None) -> None:
    now = now or timezone.now()
    member_stats.measure(now, now)


def page(client, name, *args, **query) -> str:
    answer = client.get(reverse(name, args=args, query=query))
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_rfm_page_counts_members_and_leads_to_them(client, olivia):
    shop()

    shown = page(client, RFM)

    assert "R5 F5: 2 members, 18.1 %, spend 190.00 CNY" in shown
    assert "?r__exact=5&amp;f__exact=5" in shown
    assert "Never ordered: 1." in shown
    assert "over 10 customers" in shown
    assert "more than 6, up to 8" in shown  # order days of class 4
    listed = page(client, "admin:loyalty_memberstats_changelist", r__exact=5, f__exact=5)
    assert all(name in listed for name in ("m-9", "m-10"))
    assert "m-8" not in listed


def test_the_life_cycle_page_counts_stages_and_who_changed(client, olivia):
    today = clock.local_date(timezone.now())
    bought("alice", today - dt.timedelta(days=181), category="books")
    bought("bob", today - dt.timedelta(days=1), category="books")
    measure(timezone.now() - dt.timedelta(days=1))
    measure()

    shown = page(client, LIFE)

    assert "2 members, measured as of" in shown
    moved = '<span class="lp-tag wait">At risk</span></td><td>→</td><td><span class="lp-tag bad">Lapsed</span></td>'
    assert moved in shown
    assert "no order for more than 180 days, and for more than 3 times" in shown
    assert "1 category" in shown


def test_before_the_first_night_both_pages_say_so(client, olivia):
    for name in (RFM, LIFE):
        assert "No member was measured yet" in page(client, name)


def test_the_pages_cost_the_same_for_many_members(client, olivia):
    member("alice")
    measure()

    def cost() -> list[int]:
        costs = []
        for name in (RFM, LIFE, "admin:loyalty_memberstats_changelist"):
            with CaptureQueriesContext(connection) as queries:
                page(client, name)
            costs.append(len(queries))
        return costs

    cost()
    few = cost()
    shop()

    assert cost() == few


def test_who_may_not_see_members_figures_gets_no_page(client, olivia):
    client.force_login(sample.staff("nora"))

    assert [client.get(reverse(name)).status_code for name in (RFM, LIFE)] == [403, 403]


def test_the_members_page_says_life_cycle_rfm_and_segments_in_words(client, olivia):
    shop()
    best = member("m-10")
    Segment.objects.create(code="friends", name="Old friends").members.add(best)

    shown = page(client, "admin:members_member_change", best.pk)

    assert "ordered more recently than at least 80 % of all customers" in shown
    assert "<th>M5</th>" in shown
    assert "Old friends" in shown
    assert "No order yet, so no RFM." in page(client, "admin:members_member_change", member("looker").pk)
    assert "Not measured yet." in page(client, "admin:members_member_change", member("unknown").pk)


def test_the_list_is_filtered_by_segment(client, olivia):
    shop()
    Segment.objects.create(code="friends", name="Friends").members.add(member("m-3"))

    listed = page(client, "admin:loyalty_memberstats_changelist", segment="friends")

    assert "m-3<" in listed
    assert "m-4<" not in listed


def test_a_life_cycle_policy_is_put_in_force_by_a_second_person(client, olivia):
    policy = LifecyclePolicy.objects.create(drafted_by=olivia, drafted_at=timezone.now(), lapsed_days=120)
    publish = reverse("admin:loyalty_lifecyclepolicy_publish", args=[policy.pk])
    assert client.get(publish).status_code == 403

    client.force_login(sample.staff("felix", "finance"))
    answer = client.post(publish, {"seen": policy.drafted_at.isoformat(), "effective_at": ""}, follow=True)

    assert answer.status_code == 200
    policy.refresh_from_db()
    assert policy.status == "published"
