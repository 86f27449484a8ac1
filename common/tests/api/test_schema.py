import re

import pytest
import yaml
from drf_spectacular.generators import SchemaGenerator


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator().get_schema(request=None, public=True)


def test_it_is_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")


def test_every_operation_documents_its_problems(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            problems = {status for status, answer in operation["responses"].items() if status >= "400"}
            assert problems >= {"400", "401", "422", "429", "503"}, (path, method)
            for status in problems:
                assert "application/problem+json" in operation["responses"][status]["content"], (path, method, status)


def test_every_operation_says_who_may_call(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["security"], (path, method)


def test_events_are_documented_with_all_their_media_types(document):
    operation = document["paths"]["/api/v1/events"]["post"]
    assert set(operation["requestBody"]["content"]) == {
        "application/json",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
    }
    assert {"200", "201", "403", "409", "413", "415"} <= set(operation["responses"])


def test_the_schema_is_served_to_everybody(client, db):
    response = client.get("/api/schema/")
    assert response.status_code == 200
    assert yaml.safe_load(response.content)["info"]["title"]


def test_the_docs_page_loads_nothing_from_another_host(client, db):
    page = client.get("/api/docs/")
    assert page.status_code == 200
    script = client.get("/api/docs/?script=")
    for text in (page.content.decode(), script.content.decode()):
        assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", text)
        assert "cdn" not in text
    assert "<script>" not in page.content.decode()
