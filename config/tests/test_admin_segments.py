import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from common import clock
from common.models import AuditEntry
from config.tests import sample
from loyalty.models import Segment, SegmentCondition, Tier
from loyalty.services import member_stats
from loyalty.tests.shoppers import bought, member

pytestmark = pytest.mark.django_db

ADD = "admin:loyalty_segment_add"


@pytest.fixture
def olivia(client):
    """Operations, signed in; Alice bought for 100.00 yesterday, Bob for 20.00, Charlie never."""
    yesterday = clock.local_date(timezone.now()) - dt.timedelta(days=1)
    bought("alice", yesterday, 100_00)
    bought("bob", yesterday, 20_00)
    member("charlie")
    now = timezone.now()
    member_stats.measure(now, now)
    person = sample.staff("olivia", "operations")
    client.force_login(person)
    return person


def form(*conditions: tuple, **changes) -> dict:
    """A segment chosen by conditions (attribute, operator, value), as the form sends it."""
    values = {
        "name": "Spenders", "code": "spenders", "description": "", "kind": "ruled",
        "conditions-TOTAL_FORMS": len(conditions), "conditions-INITIAL_FORMS": 0,
    }  # fmt: skip
    for number, (attribute, operator, value, *more) in enumerate(conditions):
        values |= {
            f"conditions-{number}-attribute": attribute,
            f"conditions-{number}-operator": operator,
            f"conditions-{number}-value": value,
            f"conditions-{number}-group": more[0] if more else 1,
            f"conditions-{number}-key": "",
        }
    return values | changes


def ruled(*conditions: tuple) -> Segment:
    segment = Segment.objects.create(code="spenders", name="Spenders", kind="ruled")
    for attribute, operator, value in conditions or [("net_cash", "at_least", "5000")]:
        segment.conditions.create(attribute=attribute, operator=operator, value=value)
    return segment


def preview(client, data: dict) -> str:
    answer = client.post(reverse("admin:loyalty_segment_preview_new"), data)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_form_says_who_would_be_in_it_before_anything_is_saved(client, olivia):
    page = preview(client, form(("net_cash", "at_least", "50.00")))

    assert "<strong>1</strong> members, 33.3 % of 3." in page
    assert "Spend in 12 months is at least 50.00" in page
    assert "alice" in page
    assert "bob" not in page
    assert not Segment.objects.exists()


def test_groups_are_alternatives_in_the_preview_too(client, olivia):
    page = preview(
        client,
        form(("net_cash", "at_least", "50.00", 1), ("lifecycle", "is", "Prospect", 2), ("kind", "is", "Person", 2)),
    )

    assert "; or Life cycle is one of Prospect and Kind is one of Person" in page
    assert "<strong>2</strong>" in page


def test_money_and_names_are_typed_as_people_write_them_and_kept_as_the_house_does(client, olivia):
    Tier.objects.create(code="gold", name="Gold card", rank=3)
    data = form(
        ("net_cash", "between", "0.50, 100"), ("tier", "is_not", "gold CARD"), ("lifecycle", "is", "At risk, new")
    )

    client.post(reverse(ADD), data)

    segment = Segment.objects.get()
    assert list(segment.conditions.values_list("value", flat=True)) == ["50, 10000", "gold", "at_risk, new"]
    page = client.get(reverse("admin:loyalty_segment_change", args=[segment.pk])).content.decode()
    for typed in ("0.50, 100.00", "Gold card", "At risk, New"):
        assert f'value="{typed}"' in page


@pytest.mark.parametrize(
    ("condition", "complaint"),
    [
        (("net_cash", "at_least", "much"), "Write amounts of money"),
        (("net_cash", "at_least", "0.001"), "Write amounts of money"),
        (("orders", "at_least", "1, 2"), "takes two values, the other comparisons one"),
        (("lifecycle", "is", "asleep"), "There is no such value: asleep."),
        (("segment", "is", "nowhere"), "There is no such segment: nowhere."),
    ],
)
def test_a_condition_that_cannot_be_read_is_refused_and_nothing_is_saved(client, olivia, condition, complaint):
    page = client.post(reverse(ADD), form(condition)).content.decode()

    assert complaint in page
    assert not Segment.objects.exists()


def test_a_segment_may_not_ask_for_itself(client, olivia):
    segment = ruled()
    row = segment.conditions.get()
    data = form(("segment", "is", "spenders")) | {
        "conditions-INITIAL_FORMS": 1, "conditions-0-id": row.pk, "conditions-0-segment": segment.pk,
    }  # fmt: skip

    page = client.post(reverse("admin:loyalty_segment_change", args=[segment.pk]), data).content.decode()

    assert "A segment cannot ask for itself" in page
    assert SegmentCondition.objects.get().attribute == "net_cash"


def test_refreshing_says_what_will_happen_then_does_it(client, olivia):
    segment = ruled()
    segment.members.add(member("bob"))
    address = reverse("admin:loyalty_segment_refresh", args=[segment.pk])

    page = client.get(address).content.decode()
    assert "Spend in 12 months is at least 50.00" in page
    for name, number in (("Members now", 1), ("Will enter", 1), ("Will leave", 1)):
        assert f"<tr><th>{name}</th><td>{number}</td></tr>" in page
    assert [one.external_id for one in segment.members.all()] == ["bob"]

    page = client.post(address, follow=True).content.decode()

    assert "1 members now: 1 entered, 1 left." in page
    assert [one.external_id for one in segment.members.all()] == ["alice"]
    assert AuditEntry.objects.get(action="loyalty.segments.refresh").actor == olivia
    assert "The segment is up to date." in page


def test_conditions_that_cannot_be_read_any_more_are_told_of_and_not_refreshed(client, olivia):
    segment = ruled(("tier", "is", "mithril"))
    page = client.get(reverse("admin:loyalty_segment_change", args=[segment.pk])).content.decode()
    assert "There is no such value: mithril." in page

    answer = client.post(reverse("admin:loyalty_segment_refresh", args=[segment.pk]), follow=True)

    assert "There is no such value: mithril." in answer.content.decode()
    assert not segment.sizes.exists()


def test_a_list_offers_no_refresh_and_conditions_offer_no_list(client, olivia):
    keen, friends = ruled(), Segment.objects.create(code="friends", name="Friends")

    offered = {
        (segment.code, verb): client.get(reverse(f"admin:loyalty_segment_{verb}", args=[segment.pk])).status_code
        for segment in (keen, friends)
        for verb in ("refresh", "add_members", "remove_members")
    }

    assert {key for key, status in offered.items() if status == 200} == {
        ("spenders", "refresh"),
        ("friends", "add_members"),
        ("friends", "remove_members"),
    }


def test_who_only_looks_can_neither_change_nor_refresh(client, olivia):
    segment = ruled()
    client.force_login(sample.staff("rita", "risk"))

    assert client.get(reverse("admin:loyalty_segment_change", args=[segment.pk])).status_code == 200
    assert client.post(reverse("admin:loyalty_segment_refresh", args=[segment.pk])).status_code == 403
    assert client.post(reverse("admin:loyalty_segment_preview", args=[segment.pk]), form()).status_code == 403
    assert not segment.members.exists()


def test_a_preview_costs_the_same_however_many_members_there_are(client, olivia):
    data = form(("net_cash", "at_least", "1.00"))

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            preview(client, data)
        return len(queries)

    few = cost()
    for number in range(30):
        bought(f"m-{number}", clock.local_date(timezone.now()) - dt.timedelta(days=2))
    now = timezone.now()
    member_stats.measure(now, now)

    assert cost() == few
