import pytest
from rest_framework.test import APIClient

from members.models import Plan
from merchants.models import MemberPrice
from merchants.services import prices
from merchants.tests.admin.test_frame import a_person
from merchants.tests.buyers import a_club, a_merchant, a_plan, a_price, a_tier

pytestmark = pytest.mark.django_db
URL = "/api/v1/merchant/member-prices"
START = "2026-03-01T00:00:00Z"


@pytest.fixture
def mine():
    """The merchant of the staff that a_person makes."""
    return a_person().merchant_role.merchant


def caller(role="operator"):
    client = APIClient()
    client.force_login(a_person(f"{role}-person", role))
    return client


def a_body(**values):
    return {"sku": "sku-9", "price": 8800, "plan": "plus", "starts_at": START} | values


@pytest.fixture(autouse=True)
def programme():
    a_plan("plus")
    a_tier("gold", 3)


def test_a_price_is_set_read_changed_and_taken_away(mine):
    client = caller()
    made = client.post(URL, a_body(), format="json")
    assert (made.status_code, made.json()["price"], made.json()["plan"]) == (201, 8800, "plus")
    address = f"{URL}/{made.json()['uuid']}"
    assert [row["sku"] for row in client.get(URL).json()["results"]] == ["sku-9"]
    assert client.patch(address, {"price": 8500}, format="json").json()["price"] == 8500
    assert client.patch(address, {"ends_at": "2026-04-01T00:00:00Z"}, format="json").json()["price"] == 8500
    assert client.get(address).json()["ends_at"] == "2026-04-01T00:00:00Z"
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404
    assert list(MemberPrice.history.values_list("price", flat=True)) == [8500, 8500, 8500, 8800]


def test_a_list_adds_and_changes_and_a_second_time_changes_nothing(mine):
    client = caller()
    rows = {"prices": [a_body(), a_body(sku="sku-10", price=100)]}
    assert client.put(URL, rows, format="json").json() == {"added": 2, "changed": 0}
    rows["prices"][1]["price"] = 90
    assert client.put(URL, rows, format="json").json() == {"added": 0, "changed": 1}
    assert client.put(URL, rows, format="json").json() == {"added": 0, "changed": 0}
    assert set(MemberPrice.objects.values_list("sku", "price")) == {("sku-9", 8800), ("sku-10", 90)}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"store": "other"}, "/prices/1/store"),
        ({"plan": "nobody"}, "/prices/1/plan"),
        ({"tier": "gold"}, "/prices/1"),
        ({"level": 2}, "/prices/1/level"),
        ({"ends_at": START}, "/prices/1/ends_at"),
        ({"sku": "sku-9"}, "/prices/1"),
        ({"price": 0}, "/prices/1/price"),
        ({"starts_at": "2026-03-01T00:00:00"}, "/prices/1/starts_at"),
    ],
)
def test_one_bad_row_refuses_the_list_and_is_pointed_at(mine, change, pointer):
    a_merchant("other")
    rows = [a_body(), a_body(sku="sku-10") | change]
    answer = caller().put(URL, {"prices": rows}, format="json")
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])
    assert not MemberPrice.objects.exists()


def test_another_merchants_membership_cannot_be_named(mine):
    club = a_club(a_merchant("other"))
    body = a_body(plan=None, membership=str(club.uuid), level=1)
    answer = caller().post(URL, body, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/membership")


def test_another_merchants_prices_are_not_there(mine):
    price = a_price(a_merchant("other"), 100, plan=Plan.objects.get())
    client = caller()
    assert client.get(URL).json()["results"] == []
    for method in (client.get, client.delete):
        assert method(f"{URL}/{price.uuid}").status_code == 404
    assert client.patch(f"{URL}/{price.uuid}", {"price": 1}, format="json").status_code == 404
    assert MemberPrice.objects.get().price == 100


def test_a_viewer_looks_and_changes_nothing(mine):
    client = caller("viewer")
    assert client.get(URL).status_code == 200
    for answer in (client.post(URL, a_body(), format="json"), client.put(URL, {"prices": [a_body()]}, format="json")):
        assert answer.status_code == 403


def test_prices_in_force_are_found(mine):
    a_price(mine, 1, plan=Plan.objects.get())
    later = a_price(mine, 2, sku="later", plan=Plan.objects.get(), starts_at="2999-01-01T00:00:00Z")
    client = caller()
    found = {
        value: [row["sku"] for row in client.get(URL, {"in_force": value}).json()["results"]]
        for value in ("true", "false")
    }
    assert found == {"true": ["sku-1"], "false": [later.sku]}
    assert client.get(URL, {"in_force": "1"}).json()["errors"][0]["pointer"] == "/in_force"


def test_the_list_takes_as_many_queries_for_many_prices(mine, django_assert_max_num_queries):
    for number in range(20):
        a_price(mine, 1, sku=f"sku-{number}", plan=Plan.objects.get())
    client = caller()
    with django_assert_max_num_queries(6):
        assert len(client.get(URL).json()["results"]) == 20


def test_a_thousand_prices_take_few_queries(mine, django_assert_max_num_queries):
    rows = {"prices": [a_body(sku=f"sku-{number}") for number in range(1000)]}
    client = caller()
    with django_assert_max_num_queries(60):
        assert client.put(URL, rows, format="json").json()["added"] == 1000
    assert prices.MOST_ROWS >= 1000
