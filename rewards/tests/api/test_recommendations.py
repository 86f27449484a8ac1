import pytest
from django.utils import timezone

from loyalty.tests.api.callers import grant
from members.models import Consent
from members.services import consents
from rewards.tests.shop import a_reward

pytestmark = pytest.mark.django_db


def test_a_member_sees_what_is_recommended_and_why(alice, phone):
    a_reward("tea", points=100)
    grant(alice, 1000)
    consents.give(alice, Consent.Purpose.PERSONALISE, "", "app", timezone.now())
    told = phone(alice).get("/api/v1/me/recommendations").json()
    assert told["personalised"] is True
    (tea,) = told["results"]
    assert (tea["kind"], tea["code"], tea["points"]) == ("reward", "tea", 100)
    assert {"code": "affordable", "words": "It takes at most half of your points."} in tea["because"]


def test_without_consent_the_order_is_everybodys(alice, phone):
    grant(alice, 1000)
    a_reward("tea", points=200)
    a_reward("wine", points=100)
    told = phone(alice).get("/api/v1/me/recommendations?limit=1").json()
    assert (told["personalised"], [one["code"] for one in told["results"]]) == (False, ["wine"])
    assert told["basis"].startswith("The same order for everybody")


@pytest.mark.parametrize("limit", ["0", "101", "many"])
def test_a_limit_that_makes_no_sense_is_refused(alice, phone, limit):
    assert phone(alice).get(f"/api/v1/me/recommendations?limit={limit}").status_code == 422
