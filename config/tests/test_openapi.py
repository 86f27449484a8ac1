"""docs/openapi.yaml is what the code says. After a change: make openapi (or the command below), and read the diff."""

from pathlib import Path

from django.conf import settings
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from common.api.openapi import TAGS

COMMAND = "python manage.py spectacular --file docs/openapi.yaml --validate --fail-on-warn"


def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


def test_the_committed_document_is_the_codes():
    committed = Path(settings.BASE_DIR, "docs", "openapi.yaml").read_text()
    current = OpenApiYamlRenderer().render(schema(), renderer_context={}).decode()
    assert committed == current, f"Run: {COMMAND}"


def test_the_document_is_valid_and_made_without_a_warning():
    GENERATOR_STATS.reset()
    validate_schema(schema())
    assert not GENERATOR_STATS


def test_every_operation_says_what_it_is_for_who_may_call_and_what_can_go_wrong():
    for path, operations in schema()["paths"].items():
        for method, operation in operations.items():
            where = f"{method.upper()} {path}"
            assert operation.get("summary"), where
            assert not operation.get("description", "").startswith(("Mixin", "One step")), f"{where}: words for us"
            assert operation.get("security"), where
            assert operation["tags"][0] in {tag["name"] for tag in TAGS}, where
            for status, response in operation["responses"].items():
                media_type = "application/problem+json" if int(status) >= 400 else "application/json"
                expected = [] if status == "204" else [media_type]
                assert list(response.get("content", {})) == expected, f"{where} {status}"
            if "requestBody" in operation:
                assert "413" in operation["responses"], where


def test_what_moves_value_documents_the_idempotency_key():
    moves = ["/holds", "/holds/{uuid}/capture", "/holds/{uuid}/release", "/transfers", "/me/transfers"]
    moves.append("/members/{external_id}/adjustments")
    moves += ["/me/redemptions", "/me/redemptions/{uuid}/cancel", "/me/games/{code}/plays"]
    moves += ["/members/{external_id}/benefits/{code}/uses", "/members/{external_id}/instant-refunds"]
    moves += ["/me/plan/purchases", "/me/plan/purchases/{uuid}/refund", "/plan-purchases/{uuid}/pay"]
    for path in moves:
        parameters = schema()["paths"][f"/api/v1{path}"]["post"]["parameters"]
        key = next(parameter for parameter in parameters if parameter["name"] == "Idempotency-Key")
        assert key["schema"]["pattern"] == "^[ -~]+$", path
        assert key.get("required", False) is path.endswith("/plays"), path


def test_every_example_keeps_to_its_schema():
    document, seen = schema(), 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for where, content in bodies(operation):
                validator = Draft202012Validator({"components": document["components"]} | content["schema"])
                for name, example in content.get("examples", {}).items():
                    errors = [error.message for error in validator.iter_errors(example["value"])]
                    assert not errors, f"{method.upper()} {path} {where} {name}: {errors}"
                    seen += 1
    assert seen > 20


def bodies(operation):
    """The body an operation takes and those it answers, with where they stand."""
    parts = {"request": operation.get("requestBody", {})} | operation["responses"]
    return [(where, content) for where, part in parts.items() for content in part.get("content", {}).values()]
