import json

import pytest
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, SuspiciousOperation
from django.db import DataError, IntegrityError, OperationalError
from django.http import Http404
from django.test import RequestFactory
from rest_framework import exceptions as drf

from common.api import exceptions
from common.problems import Conflict, InvalidInput


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidInput(), 422, "invalid_input"),
        (Conflict(), 409, "conflict"),
        (Http404(), 404, "not_found"),
        (ObjectDoesNotExist("Member matching query"), 404, "not_found"),
        (PermissionDenied(), 403, "forbidden"),
        (drf.PermissionDenied(), 403, "forbidden"),
        (drf.MethodNotAllowed("GET"), 405, "method_not_allowed"),
        (drf.NotAcceptable(), 406, "not_acceptable"),
        (drf.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
        (drf.Throttled(wait=2.5), 429, "throttled"),
        (SuspiciousOperation("x"), 400, "bad_request"),
        (OperationalError("deadlock detected"), 503, "unavailable"),
        (IntegrityError("duplicate key (secret)"), 409, "conflict"),
        (DataError("integer out of range (secret)"), 422, "invalid_input"),
        (OverflowError("Python int too large"), 422, "invalid_input"),
        (RuntimeError("secret"), 500, "internal_error"),
    ],
)
def test_anything_that_is_raised_becomes_a_problem_document(error, status, code):
    response = exceptions.handle(error, {})
    assert (response.status_code, response.data["status"], response.data["code"]) == (status, status, code)
    assert response.content_type == "application/problem+json"
    assert "secret" not in str(response.data)


@pytest.mark.parametrize(
    ("error", "seconds"), [(drf.Throttled(wait=2.5), "3"), (OperationalError(), "1"), (IntegrityError(), "1")]
)
def test_what_may_be_tried_again_says_when(error, seconds):
    assert exceptions.handle(error, {})["Retry-After"] == seconds


def test_invalid_fields_are_listed_with_their_pointers():
    error = drf.ValidationError(
        {
            "name": ["Too long.", drf.ErrorDetail("Silly.", code="silly")],
            "lines": [{}, {"cash": [drf.ErrorDetail("Not a number.", code="nan")]}],
            "a/b~c": ["No."],
            "non_field_errors": ["All of it."],
        }
    )
    assert exceptions.handle(error, {}).data["errors"] == [
        {"pointer": "/name", "code": "invalid", "detail": "Too long."},
        {"pointer": "/name", "code": "silly", "detail": "Silly."},
        {"pointer": "/lines/1/cash", "code": "nan", "detail": "Not a number."},
        {"pointer": "/a~1b~0c", "code": "invalid", "detail": "No."},
        {"pointer": "", "code": "invalid", "detail": "All of it."},
    ]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (exceptions.server_error, 500),
        (lambda request: exceptions.bad_request(request, SuspiciousOperation()), 400),
        (lambda request: exceptions.permission_denied(request, PermissionDenied()), 403),
        (lambda request: exceptions.page_not_found(request, Http404()), 404),
    ],
)
def test_what_fails_outside_of_the_views_is_a_problem_under_api_and_a_page_elsewhere(answer, status):
    problem = answer(RequestFactory().get("/api/v1/x"))
    assert (problem.status_code, json.loads(problem.content)["status"]) == (status, status)
    assert problem["Content-Type"] == "application/problem+json"
    page = answer(RequestFactory().get("/x"))
    assert (page.status_code, page["Content-Type"]) == (status, "text/html; charset=utf-8")
