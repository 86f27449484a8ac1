import base64
import contextlib

import pytest
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from common.api.pagination import CursorPagination
from common.models import AuditEntry
from common.problems import InvalidInput
from common.services import audit
from common.tests.conftest import AT, OPERATOR

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries():
    return [audit.record(OPERATOR, "did", None, str(number), AT) for number in range(7)]


def page(url="/", **params):
    request = Request(APIRequestFactory().get(url, params))
    pagination = CursorPagination()
    rows = pagination.paginate_queryset(AuditEntry.objects.all(), request)
    return [row.summary for row in rows], pagination.get_paginated_response([]).data


def test_pages_follow_each_other_without_gap_or_repetition_while_rows_are_added(entries):
    first, links = page(limit=3)
    audit.record(OPERATOR, "did", None, "late", AT)
    second, links = page(links["next"])
    third, links = page(links["next"])
    assert first + second + third == ["6", "5", "4", "3", "2", "1", "0"]
    assert links["next"] is None


def test_a_page_has_an_end_whatever_is_asked_for(entries):
    assert CursorPagination.max_page_size == 200
    assert len(page(limit=10**9)[0]) == 7


@pytest.mark.parametrize("nonsense", ["0", "-1", "x", "", "null", "9" * 5000])
def test_a_limit_that_is_none_is_refused(entries, nonsense):
    with pytest.raises(InvalidInput) as refusal:
        page(limit=nonsense)
    assert refusal.value.errors[0]["pointer"] == "/limit"


@pytest.mark.parametrize("text", ["p=abc", "p=\0", "p=" + "9" * 30, "o=-5", "o=x", "r=1&p=", "\xff", "p=1e5"])
def test_a_forged_cursor_is_a_problem_and_never_a_fault(entries, text):
    cursor = base64.b64encode(text.encode("latin-1")).decode()
    with contextlib.suppress(InvalidInput):  # some of them mean something
        page(cursor=cursor)


@pytest.mark.parametrize("cursor", ["nonsense", "é", "A"])
def test_a_cursor_that_is_none_is_refused(entries, cursor):
    with pytest.raises(InvalidInput) as refusal:
        page(cursor=cursor)
    assert refusal.value.errors[0]["pointer"] == "/cursor"
