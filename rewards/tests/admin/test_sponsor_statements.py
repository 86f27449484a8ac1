"""The sponsor's page on the merchants' site: Alice's merchant sponsors, Bob's helps at its stores, Charlie's must not see it."""

import datetime as dt

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from common.models import AuditEntry
from loyalty.tests.stage import DAY, NOON
from merchants.tests import shops
from rewards.models import SponsorPayment
from rewards.services import benefits, fulfilment, redemptions, sponsor_payments
from rewards.tests import perks
from rewards.tests.shop import STAFF, a_member, a_reward, redeem

pytestmark = pytest.mark.django_db

LIST = "merchant:rewards_reward_changelist"
IN_APRIL = NOON + 31 * DAY


@pytest.fixture(autouse=True)
def april():
    with time_machine.travel(IN_APRIL, tick=False):
        yield


@pytest.fixture
def mug(db):
    """Alice's merchant bears 40 % of 9.00. In March three were taken, of which one was cancelled in April."""
    mug = a_reward("mug", name="Blue mug", unit_cost=900, merchant=shops.a_merchant("alices"), merchant_percent=40)
    a_member()
    first, second, _third = [redeem(mug) for _number in range(3)]
    fulfilment.deliver(second.uuid, actor=STAFF, at=NOON)
    redemptions.cancel(first.uuid, reason="No", actor=STAFF, at=IN_APRIL)
    return mug


@pytest.fixture
def wash(db):
    """A benefit of Alice's merchant that was used twice at Bob's."""
    wash = perks.benefit("wash", name="Car wash", issuer=shops.a_merchant("alices"), settlement_price=500)
    perks.grant(wash)
    shops.a_store("bobs-1", "bobs")
    for key in "ab":
        benefits.use(perks.member(), "wash", NOON, key=key, store="bobs-1")
    return wash


def enter(client, merchant, role="owner"):
    client.force_login(shops.staff(f"{role}-of-{merchant}", merchant, role))
    return client


def page(client, **query):
    return client.get(reverse(LIST), query).content.decode()


def rows(answer):
    return answer.content.decode("utf-8-sig").splitlines()[1:]


def test_a_sponsor_sees_what_was_taken_and_what_it_owes(client, mug, wash):
    answer = enter(client, "alices").get(reverse(LIST), {"month": "2026-03"})
    (reward,), (benefit,) = answer.context["rewards"], answer.context["benefits"]
    assert [reward[name] for name in ("share", "taken", "back", "owed")] == [
        "40 %, 3.60 CNY each",
        "3",
        "0",
        "10.80 CNY",
    ]
    assert [benefit[name] for name in ("share", "taken", "back", "owed")] == ["5.00 CNY", "2", "0", "10.00 CNY"]
    assert answer.context["figures"][0] == ("You owe", "20.80 CNY", "for rewards and benefits together")
    for said in ("Blue mug", "Car wash"):
        assert said in answer.content.decode()


def test_what_was_given_back_is_told_in_the_month_of_that(client, mug):
    answer = enter(client, "alices").get(reverse(LIST))
    (reward,) = answer.context["rewards"]
    assert [reward[name] for name in ("taken", "back", "owed")] == ["0", "1", "−3.60 CNY"]
    assert answer.context["figures"][0][:2] == ("You get", "3.60 CNY")
    assert [(row["code"], row["counts"], row["owed"]) for row in answer.context["months"]] == [
        ("2026-04", ["0", "1", "0", "0"], "−3.60 CNY"),
        ("2026-03", ["3", "0", "0", "0"], "10.80 CNY"),
    ]


def test_who_honours_gets_the_sum_and_is_not_told_whose_benefits_they_were(client, mug, wash):
    answer = enter(client, "bobs").get(reverse(LIST), {"month": "2026-03"})
    (honoured,) = answer.context["benefits"]
    assert [honoured[name] for name in ("taken", "back", "owed")] == ["2", "0", "−10.00 CNY"]
    for hidden in ("Blue mug", "Car wash", "Alices"):
        assert hidden not in answer.content.decode()


def test_charlie_sees_nothing_of_it_whatever_the_address_asks(client, mug, wash):
    enter(client, "charlies")
    alices = shops.a_merchant("alices")
    questions = [
        {},
        {"month": "2026-03"},
        {"merchant__id__exact": alices.pk},
        {"merchant": alices.pk, "sponsor": "alices", "month": "2026-03"},
        {"id": mug.pk},
        {"q": "mug"},
    ]
    for question in questions:
        said = page(client, **question)
        assert "You sponsor nothing yet" in said
        assert not any(hidden in said for hidden in ("Blue mug", "Car wash", "3.60", "5.00"))
    for kind in ("csv", "xlsx"):
        assert client.get(reverse(LIST), {"export": kind, "month": "2026-03", "merchant": alices.pk}).status_code == 200
    assert rows(client.get(reverse(LIST), {"export": "csv", "month": "2026-03", "sponsor": "alices"})) == []
    for verb in ("change", "history", "delete"):
        assert client.get(reverse(f"merchant:rewards_reward_{verb}", args=[mug.pk])).status_code == 404


def test_a_former_sponsor_sees_its_own_past_and_nothing_of_the_next_one(client, mug):
    type(mug).objects.filter(pk=mug.pk).update(merchant=shops.a_merchant("charlies"), merchant_percent=70)
    answer = enter(client, "alices").get(reverse(LIST), {"month": "2026-03"})
    (reward,) = answer.context["rewards"]
    assert (reward["share"], reward["owed"]) == ("–", "10.80 CNY")
    assert client.get(reverse("merchant:rewards_reward_change", args=[mug.pk])).status_code == 404
    (reward,) = enter(client, "charlies").get(reverse(LIST), {"month": "2026-03"}).context["rewards"]
    assert (reward["taken"], reward["owed"]) == ("0", "0.00 CNY")


def paid(amount, reference):
    sponsor_payments.record(
        shops.a_merchant("alices"), dt.date(2026, 3, 1), amount, paid_on=dt.date(2026, 4, 1), reference=reference,
        actor=STAFF, at=IN_APRIL,
    )  # fmt: skip
    return SponsorPayment.objects.get(reference=reference)


def test_a_sponsor_sees_what_it_has_paid_and_what_is_open(client, mug, wash):
    enter(client, "alices")
    paid(20_00, "bank-1")
    answer = client.get(reverse(LIST), {"month": "2026-03"})
    assert answer.context["figures"][1] == ("Paid so far", "20.00 CNY", "unpaid: 0.80 CNY")
    assert [(row["reference"], row["amount"]) for row in answer.context["payments"]] == [("bank-1", "20.00 CNY")]
    assert "Partly paid" in answer.context["months"][1]["state"]
    rest = paid(80, "bank-2")
    assert ">Paid<" in client.get(reverse(LIST)).context["months"][1]["state"]
    sponsor_payments.withdraw(rest, reason="A mistake", actor=STAFF, at=IN_APRIL)
    assert "bank-2" not in page(client, month="2026-03")
    assert "bank-1" not in page(enter(client, "charlies"), month="2026-03")


def test_a_month_can_be_taken_along_and_that_is_written_down(client, mug, wash):
    enter(client, "alices")
    answer = client.get(reverse(LIST), {"month": "2026-03", "export": "csv"})
    assert 'filename="sponsor-alices-2026-03.csv"' in answer["Content-Disposition"]
    assert rows(answer) == ["2026-03,reward,mug,3,0,1080", "2026-03,benefit,wash,2,0,1000"]
    assert AuditEntry.objects.get(action="rewards.sponsor_statement.export").summary.endswith("2026-03")


@pytest.mark.parametrize("month", ["0001-01", "9999-12", "2026-13", "x", "2020-01"])
def test_a_month_without_anything_is_the_current_one(client, mug, month):
    assert enter(client, "alices").get(reverse(LIST), {"month": month}).context["month"] == "2026-04"


@pytest.mark.parametrize("role", ["owner", "operator", "finance", "viewer"])
def test_whoever_may_see_the_purse_is_led_here_and_changes_nothing(client, mug, role):
    enter(client, "alices", role)
    said = client.get(reverse("merchant:index")).content.decode()
    assert f'href="{reverse("merchant:merchants_purse_changelist")}"' in said
    assert f'href="{reverse(LIST)}"' in said
    change = reverse("merchant:rewards_reward_change", args=[mug.pk])
    assert client.get(change).url == reverse(LIST)
    for verb, args in (("add", []), ("delete", [mug.pk])):
        assert client.post(reverse(f"merchant:rewards_reward_{verb}", args=args), {"post": "yes"}).status_code == 403


def test_somebody_without_a_role_gets_nothing(client, mug):
    person = shops.staff("nobody", "alices")
    person.merchant_role.delete()
    client.force_login(person)
    assert client.get(reverse(LIST)).status_code == 403
    assert reverse(LIST) not in client.get(reverse("merchant:index")).content.decode()


def test_the_page_costs_the_same_for_many_rewards_and_months(client, mug, wash):
    enter(client, "alices")
    page(client)

    def cost():
        with CaptureQueriesContext(connection) as queries:
            page(client, month="2026-03")
        return len(queries)

    few = cost()
    alices = shops.a_merchant("alices")
    a_member(points=10_000)
    for number in range(10):
        more = a_reward(f"more-{number}", unit_cost=100, merchant=alices, merchant_percent=100)
        redeem(more)
        redeem(more, at=NOON - number * 30 * DAY + dt.timedelta(minutes=1))
        perks.grant(perks.benefit(f"more-{number}", issuer=alices))
        benefits.use(perks.member(), f"more-{number}", NOON, key="k")
    assert cost() == few


def test_the_page_speaks_chinese(client, mug, wash):
    client.cookies["django_language"] = "zh-hans"
    said = page(enter(client, "alices"), month="2026-03")
    for words in ("您应付", "您赞助的礼品", "按月"):
        assert words in said
