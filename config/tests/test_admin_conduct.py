"""Conduct on the operators' pages: policies in words and tried on members, cases decided by a person, returns excused."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from common.models import AuditEntry
from config.tests import sample
from loyalty.models import Breach, CoefficientPolicy, ConductCase, ExcusedLine, Standing
from loyalty.selectors import conduct as selector
from loyalty.services import breaches, conduct
from loyalty.tests import conducts

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LAST_MONTH = selector.rated_at(NOW) - dt.timedelta(days=10)


def sign_in(client, name: str, *roles: str):
    person = sample.staff(name, *roles)
    client.force_login(person)
    return person


def page(client, name: str, *args) -> str:
    answer = client.get(reverse(f"admin:{name}", args=args))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def case() -> ConductCase:
    """Bob sent thirty of thirty lines back."""
    conducts.a_policy()
    conducts.give_back(conducts.an_order("bob", LAST_MONTH, lines=30), 30)
    conduct.rate(selector.rated_at(NOW), NOW)
    return ConductCase.objects.get()


def percent() -> int:
    return Standing.objects.get(member__external_id="bob").coefficient_percent


def policy_form(**changes) -> dict:
    """The policy of F2, as the browser sends it."""
    values = {
        "note": "As JD did", "source": "return_ratio", "basis": "lines", "window_months": 12, "alpha": 1, "beta": 19,
        "min_lines": 5, "breach_lines": 3, "bands-TOTAL_FORMS": len(conducts.F2), "bands-INITIAL_FORMS": 0,
    }  # fmt: skip
    for number, (up_to, percent) in enumerate(conducts.F2):
        values |= {f"bands-{number}-up_to_permille": "" if up_to is None else up_to, f"bands-{number}-percent": percent}
    return values | changes


def test_a_policy_is_written_published_by_another_and_read_in_words(client):
    sign_in(client, "olivia", "operations")
    client.post(reverse("admin:loyalty_coefficientpolicy_add"), policy_form())
    draft = CoefficientPolicy.objects.get()
    publish = reverse("admin:loyalty_coefficientpolicy_publish", args=[draft.pk])
    assert client.post(publish, {"seen": draft.drafted_at.isoformat()}).status_code == 403

    sign_in(client, "felix", "finance")
    asked = client.get(publish).content.decode()
    assert "at most 3 % came back without cause" in asked
    assert "from the first of the next month on" in asked
    client.post(publish, {"seen": draft.drafted_at.isoformat(), "effective_at": ""})
    draft.refresh_from_db()
    assert (draft.status, draft.bands.count()) == ("published", 5)
    assert "× 1.30" in page(client, "loyalty_coefficientpolicy_change", draft.pk)


def test_a_policy_without_a_last_resort_is_not_published(client):
    sign_in(client, "olivia", "operations")
    answer = client.post(
        reverse("admin:loyalty_coefficientpolicy_add"), policy_form(**{"bands-4-up_to_permille": 500}), follow=True
    )
    assert "Exactly one band must be without a bound" in answer.content.decode()
    draft = CoefficientPolicy.objects.get()
    sign_in(client, "felix", "finance")
    publish = reverse("admin:loyalty_coefficientpolicy_publish", args=[draft.pk])
    client.post(publish, {"seen": draft.drafted_at.isoformat(), "effective_at": ""})
    draft.refresh_from_db()
    assert draft.is_draft


def test_a_draft_is_tried_on_the_members_and_nothing_is_saved(client, case):
    sign_in(client, "olivia", "operations")
    text = page(client, "loyalty_coefficientpolicy_try_out", case.policy_id)
    assert "no growth" in text
    assert "30 of 30 order lines came back without cause; smoothed 62 %" in text
    assert ">bob</a>" in text
    assert percent() == 100


def test_trying_costs_the_same_for_many_members(client):
    sign_in(client, "olivia", "operations")
    policy = conducts.a_policy()

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(client, "loyalty_coefficientpolicy_try_out", policy.pk)
        return len(queries)

    for number in range(3):
        conducts.give_back(conducts.an_order(f"m-{number}", LAST_MONTH, lines=9), 9)
    few = cost()
    for number in range(3, 20):
        conducts.give_back(conducts.an_order(f"m-{number}", LAST_MONTH, lines=30), 30)
    assert cost() <= few


def test_a_person_of_risk_approves_after_seeing_the_evidence(client, case):
    rita = sign_in(client, "rita", "risk")
    address = reverse("admin:loyalty_conductcase_approve", args=[case.pk])
    asked = client.get(address).content.decode()
    assert "From now on bob gets no growth" in asked
    assert "No reason given" in asked
    assert percent() == 100

    client.post(address, {"note": ""})
    assert percent() == 100, "without a reason nothing happens"

    client.post(address, {"note": "Worn and sent back"})
    case.refresh_from_db()
    assert (percent(), case.status, case.decided_by) == (0, "approved", rita)
    assert AuditEntry.objects.get(action="loyalty.conduct.approve").reason == "Worn and sent back"
    assert client.post(address, {"note": "again"}).status_code == 403, "what is decided has no buttons"


def test_a_dismissed_case_changes_nothing(client, case):
    sign_in(client, "rita", "risk")
    client.post(reverse("admin:loyalty_conductcase_dismiss", args=[case.pk]), {"note": "Our fault"})
    case.refresh_from_db()
    assert (percent(), case.status, case.note) == (100, "dismissed", "Our fault")


@pytest.mark.parametrize("role", ["operations", "finance", "support"])
def test_others_look_but_do_not_decide(client, case, role):
    sign_in(client, role, role)
    assert "Approve: no growth" not in page(client, "loyalty_conductcase_change", case.pk)
    for verb, key in (("approve", case.pk), ("dismiss", case.pk), ("excuse_member", case.member_id)):
        address = reverse(f"admin:loyalty_conductcase_{verb}", args=[key])
        assert client.post(address, {"note": "x"}).status_code == 403
    assert percent() == 100


def test_returns_are_excused_and_the_member_is_rated_again(client, case):
    sign_in(client, "rita", "risk")
    address = reverse("admin:loyalty_conductcase_excuse_member", args=[case.member_id])
    assert "sku-30" in client.get(address).content.decode()
    lines = [line.pk for line in selector.evidence(case.member, NOW).held][:25]
    client.post(address, {"lines": lines, "note": "Sizes were mixed up"})
    case.refresh_from_db()
    assert (ExcusedLine.objects.count(), case.status) == (25, "withdrawn")
    text = page(client, "members_member_change", case.member_id)
    assert "Sizes were mixed up" in text


def test_returns_of_others_cannot_be_excused(client, case):
    sign_in(client, "rita", "risk")
    other = conducts.give_back(conducts.an_order("charlie", LAST_MONTH), 1).order.lines.get()
    address = reverse("admin:loyalty_conductcase_excuse_member", args=[case.member_id])
    client.post(address, {"lines": [other.pk], "note": "x"})
    assert ExcusedLine.objects.count() == 0


def test_the_members_page_shows_step_evidence_history_and_the_open_case(client, case):
    sign_in(client, "sam", "support")
    text = page(client, "members_member_change", case.member_id)
    for words in ("Growth coefficient", "× 1.00", "30 of 30 order lines", "A person has to decide", "sku-30"):
        assert words in text
    assert "excuse returns" not in text, "support only looks"


def test_a_broken_promise_is_seen_on_the_members_page_and_excused_by_a_person(client):
    alice = conducts.member("alice")
    conducts.a_policy()
    told = [breaches.Told(alice.pk, "instant-refund:1", "o-77")]
    breaches.record(told, Breach.Kind.INSTANT_REFUND, LAST_MONTH)
    sign_in(client, "rita", "risk")
    says = client.get(reverse("admin:members_member_change", args=[alice.pk])).content.decode()
    assert "Goods of an instant refund did not come back" in says
    assert "o-77" in says
    breach = Breach.objects.get()
    answer = client.post(
        reverse("admin:loyalty_breach_excuse", args=[breach.pk]), {"note": "The parcel was lost"}, follow=True
    )
    assert "It no longer counts" in answer.content.decode()
    breach.refresh_from_db()
    assert breach.note == "The parcel was lost"
    sign_in(client, "sam", "support")
    assert client.post(reverse("admin:loyalty_breach_excuse", args=[breach.pk]), {"note": "x"}).status_code == 403
