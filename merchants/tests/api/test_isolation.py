"""Bob's staff ask every address of the merchants' API about Alice, and learn and change nothing of hers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from merchants.models import StaffRole
from merchants.tests.walk import fill, routes
from merchants.tests.worlds import World, crossings, text_of, writes

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(1200)]
PREFIX = "/api/v1/merchant/"
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(autouse=True)
def still_time(settings):
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": {}}
    with time_machine.travel(timezone.now().replace(microsecond=0), tick=False):
        yield


@pytest.fixture
def bob() -> World:
    return World("b", 1842)


@pytest.fixture
def alice(bob) -> World:
    return World("a", 1731)


def signed_in(world: World, role: str = "owner") -> APIClient:
    client = APIClient(raise_request_exception=True)
    client.force_login(world.people[role])
    return client


def addresses(world: World) -> set[str]:
    """Every address of the merchants' API, with every id of the world wherever one may stand."""
    return {address for route in routes(PREFIX) for address in fill(route, world.ids())}


def operations() -> dict[str, dict[str, Any]]:
    """What the API's own description says of the merchants' addresses."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    found = {path: methods for path, methods in schema["paths"].items() if path.startswith(PREFIX)}
    return {"paths": found, "components": schema["components"]}


def test_the_description_names_every_address():
    described = {path.count("{") for path in operations()["paths"]}
    assert len(operations()["paths"]) == len(routes(PREFIX))
    assert described


@pytest.mark.parametrize("role", StaffRole.Role.values)
def test_what_the_api_says_does_not_depend_on_other_merchants(bob, role):
    client = signed_in(bob, role)
    before = {address: text_of(client.get(address)) for address in addresses(bob)}
    World("a", 1731)
    assert [address for address, said in before.items() if text_of(client.get(address)) != said] == []


def test_addresses_of_another_merchants_rows_are_not_found(bob, alice):
    client, before, wrong = signed_in(bob), alice.state(), []
    for address in addresses(alice) - addresses(bob):
        for method in METHODS:
            with transaction.atomic(), writes() as written:
                answer = getattr(client, method)(address, {})
                said = set(address.split("/"))
                # A word may be nobody's: a category, a SKU or a month. Then the answer is Bob's own, or empty.
                refused = answer.status_code in (403, 404, 405, 415, 422)
                if (
                    alice.leaks(answer, said)
                    or (written and alice.state() != before)
                    or not (refused or method == "get")
                ):
                    wrong.append((method, address, answer.status_code))
                transaction.set_rollback(True)
    assert wrong == []


def test_no_filter_finds_another_merchants_rows(bob, alice):
    client, wrong, asked = signed_in(bob), [], 0
    ids = alice.ids()
    for path, methods in operations()["paths"].items():
        for parameter in methods.get("get", {}).get("parameters", []):
            if parameter["in"] != "query":
                continue
            for value in sorted(set().union(*ids.values())):
                for address in fill(path.replace("{", "<").replace("}", ">"), bob.ids()):
                    answer = client.get(address, {parameter["name"]: value})
                    asked += 1
                    rows = answer.json().get("results") if answer.status_code == 200 else None
                    if alice.leaks(answer, {value}):
                        wrong.append((address, parameter["name"], value, rows))
                    if "{" in path:
                        break
    assert wrong == []
    assert asked > 0


def bodies(schema: dict[str, Any], components: dict[str, Any], hers: list[Any]) -> Iterator[dict[str, Any]]:
    """A body for each place of it and each of Alice's ids; the other places hold what the schema's examples say."""
    if "$ref" in schema:
        schema = components["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    places = schema.get("properties", {})
    plain = {name: _some(place) for name, place in places.items()}
    for name, place in places.items():
        for value in hers:
            yield plain | {name: [value] if place.get("type") == "array" else value}


def _some(place: dict[str, Any]) -> Any:
    kind = place.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if "enum" in place:
        return place["enum"][0]
    if place.get("format") == "date-time":
        return timezone.now().isoformat()
    return {"integer": 1, "boolean": True, "array": [], "object": {}}.get(kind, "x")


def test_no_body_takes_hold_of_another_merchants_rows(bob, alice):
    client, before, wrong = signed_in(bob), alice.state(), []
    described = operations()
    hers = sorted(alice.ids()["uuid"] | alice.ids()["str"]) + sorted(map(int, alice.ids()["int"]))
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if not content:
                continue
            for address in list(fill(path.replace("{", "<").replace("}", ">"), bob.ids()))[:20]:
                for body in bodies(content["schema"], described["components"], hers):
                    with transaction.atomic(), writes() as written:
                        answer = getattr(client, method)(address, body)
                        sent = {
                            str(item)
                            for value in body.values()
                            for item in (value if isinstance(value, list) else [value])
                        }
                        if alice.leaks(answer, sent) or (written and (alice.state() != before or list(crossings()))):
                            wrong.append((method, address, body))
                        transaction.set_rollback(True)
    assert wrong == []


def test_a_viewer_changes_nothing(bob):
    client, before, wrong = signed_in(bob, "viewer"), bob.state(), []
    for address in addresses(bob):
        for method in METHODS[1:]:
            with transaction.atomic(), writes() as written:
                answer = getattr(client, method)(address, {})
                if (written and bob.state() != before) or answer.status_code >= 500:
                    wrong.append((method, address, answer.status_code))
                transaction.set_rollback(True)
    assert wrong == []
