"""Bad input to every POST and PATCH: a clear problem document, nothing changed, never a 500."""

import json

import pytest

from common.models import AuditEntry, Fact, IdempotencyRecord, InboxEvent
from loyalty.models import Adjustment, Entry, Hold, Transfer
from loyalty.tests.api.callers import grant
from members.models import Member

pytestmark = pytest.mark.django_db

HOLD = {"member": "alice", "points": 1000, "lines": [{"line": "1", "cash": 4000}]}
QUOTE = {"member": "alice", "lines": [{"line": "1", "cash": 4000}]}
ADJUSTMENT = {"points": 5, "category": "goodwill", "reason": "Sorry."}
REGISTRATION = {"external_id": "dora"}
TRANSFER = {"sender": "alice", "to": "bob", "points": 1}

HOLDS, QUOTES, TRANSFERS = "/api/v1/holds", "/api/v1/checkout/quote", "/api/v1/transfers"
MEMBERS, ALICE, ADJUSTMENTS = "/api/v1/members", "/api/v1/members/alice", "/api/v1/members/alice/adjustments"


def lines(*changes):
    return {"lines": [{"line": "1", "cash": 4000} | change for change in changes]}


BAD = [
    (HOLDS, HOLD | {"points": 0}, "/points"),
    (HOLDS, HOLD | {"points": -1000}, "/points"),
    (HOLDS, HOLD | {"points": 10**30}, "/points"),
    (HOLDS, HOLD | {"points": 2**63}, "/points"),
    (HOLDS, HOLD | {"points": 1000.0}, "/points"),
    (HOLDS, HOLD | {"points": 1000.5}, "/points"),
    (HOLDS, HOLD | {"points": "1000"}, "/points"),
    (HOLDS, HOLD | {"points": True}, "/points"),
    (HOLDS, HOLD | {"points": None}, "/points"),
    (HOLDS, HOLD | {"member": 42}, "/member"),
    (HOLDS, HOLD | {"member": ""}, "/member"),
    (HOLDS, HOLD | {"member": "a\u0001"}, "/member"),
    (HOLDS, HOLD | {"member": "alice\n"}, "/member"),
    (HOLDS, HOLD | {"order": "x" * 101}, "/order"),
    (HOLDS, HOLD | {"order": ["o-1"]}, "/order"),
    (HOLDS, HOLD | {"expires_in": 0}, "/expires_in"),
    (HOLDS, HOLD | {"expires_in": 10**12}, "/expires_in"),
    (HOLDS, HOLD | {"lines": []}, "/lines"),
    (HOLDS, HOLD | {"lines": {"line": "1"}}, "/lines"),
    (HOLDS, HOLD | {"lines": [{"line": str(n), "cash": 1} for n in range(1001)]}, "/lines"),
    (HOLDS, HOLD | lines({"cash": -1}), "/lines/0/cash"),
    (HOLDS, HOLD | lines({"cash": 10**20}), "/lines/0/cash"),
    (HOLDS, HOLD | lines({"cash": "4000"}), "/lines/0/cash"),
    (HOLDS, HOLD | lines({"line": 1}), "/lines/0/line"),
    (HOLDS, HOLD | lines({"line": ""}), "/lines/0/line"),
    (HOLDS, HOLD | lines({"virtual": "no"}), "/lines/0/virtual"),
    (HOLDS, HOLD | lines({}, {}), "/lines/1/line"),
    (HOLDS, {}, ""),
    (HOLDS, [], ""),
    (HOLDS, "hold", ""),
    (HOLDS, None, ""),
    (QUOTES, QUOTE | lines({}, {}), "/lines/1/line"),
    (QUOTES, QUOTE | lines({"quantity": 0}), "/lines/0/quantity"),
    (QUOTES, QUOTE | lines({"quantity": 10**30}), "/lines/0/quantity"),
    (QUOTES, QUOTE | lines({"attributes": []}), "/lines/0/attributes"),
    (QUOTES, QUOTE | {"freight": -1}, "/freight"),
    (QUOTES, QUOTE | {"member": None}, "/member"),
    (ADJUSTMENTS, ADJUSTMENT | {"points": 10**10}, "/points"),
    (ADJUSTMENTS, ADJUSTMENT | {"points": 0}, ""),
    (ADJUSTMENTS, ADJUSTMENT | {"points": "5"}, "/points"),
    (ADJUSTMENTS, ADJUSTMENT | {"category": "reversal"}, "/category"),
    (ADJUSTMENTS, ADJUSTMENT | {"reason": ""}, "/reason"),
    (ADJUSTMENTS, ADJUSTMENT | {"reason": "   "}, ""),
    (ADJUSTMENTS, ADJUSTMENT | {"reason": "x" * 501}, "/reason"),
    (ADJUSTMENTS, ADJUSTMENT | {"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
    (ADJUSTMENTS, ADJUSTMENT | {"expires_at": "9999-12-31T23:59:59-12:00"}, "/expires_at"),
    (ADJUSTMENTS, ADJUSTMENT | {"expires_at": "2030-01-01"}, "/expires_at"),
    (ADJUSTMENTS, ADJUSTMENT | {"category": "write_off"}, ""),
    (TRANSFERS, TRANSFER | {"points": -1}, "/points"),
    (TRANSFERS, TRANSFER | {"kind": "merge"}, "/kind"),
    (TRANSFERS, TRANSFER | {"message": "x" * 201}, "/message"),
    (TRANSFERS, {"to": "bob", "points": 1}, ""),
    (MEMBERS, REGISTRATION | {"external_id": "a/b"}, "/external_id"),
    (MEMBERS, REGISTRATION | {"external_id": "x" * 101}, "/external_id"),
    (MEMBERS, REGISTRATION | {"birthday": "2999-01-01"}, "/birthday"),
    (MEMBERS, REGISTRATION | {"birthday": "1990-02-30"}, "/birthday"),
    (MEMBERS, REGISTRATION | {"registered_at": "0001-01-01T00:00:00+14:00"}, "/registered_at"),
    (MEMBERS, REGISTRATION | {"kind": "alien"}, "/kind"),
    (MEMBERS, {}, ""),
]
BAD_PATCHES = [
    ({"birthday": "2999-01-01"}, "/birthday"),
    ({"phone_verified": 1}, "/phone_verified"),
    ({"phone_verified": None}, "/phone_verified"),
    ({"attributes": {"a": []}}, "/attributes"),
    ({"attributes": {"a": 2**70}}, "/attributes"),
    ({"attributes": {str(n): n for n in range(51)}}, "/attributes"),
    ({"name": "x" * 201}, "/name"),
    ([], ""),
]


@pytest.fixture(autouse=True)
def unchanged(alice, bob):
    """Whatever the test sends, it changes nothing."""
    grant(alice, 5000)

    def state():
        models = (Adjustment, AuditEntry, Entry, Fact, Hold, InboxEvent, Member, Transfer)
        return [model.objects.count() for model in models], list(Member.objects.values())

    alice.refresh_from_db()
    before = state()
    yield
    added = AuditEntry.objects.filter(action="common.api_keys.issue").count()
    counts, rows = state()
    counts[1] -= added
    assert (counts, rows) == before


def check(answer, status, pointer):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (status, "invalid_input")
    if pointer:
        assert problem["errors"][0]["pointer"].startswith(pointer)


@pytest.mark.parametrize("key", [None, "k1"], ids=["without a key", "with a key"])
@pytest.mark.parametrize(("address", "body", "pointer"), BAD)
def test_a_bad_body_is_refused_with_a_pointer(server, address, body, pointer, key):
    headers = {"Idempotency-Key": key} if key else {}
    check(server.generic("POST", address, json.dumps(body), "application/json", headers=headers), 422, pointer)


@pytest.mark.parametrize(("body", "pointer"), BAD_PATCHES)
def test_a_bad_change_is_refused_with_a_pointer(server, body, pointer):
    check(server.generic("PATCH", ALICE, json.dumps(body), "application/json"), 422, pointer)


@pytest.mark.parametrize("address", [HOLDS, QUOTES, ADJUSTMENTS, TRANSFERS, MEMBERS])
@pytest.mark.parametrize(
    ("raw", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_body"),
        (b"", "application/json", 422, "invalid_input"),
        (b'{"points": NaN}', "application/json", 400, "malformed_body"),
        (b'{"member": "\\ud800"}', "application/json", 400, "malformed_body"),
        (b'{"member": "\\u0000"}', "application/json", 400, "malformed_body"),
        (b"\xff\xfe", "application/json", 400, "malformed_body"),
        (b"[" * 100_000, "application/json", 400, "malformed_body"),
        (b"<hold/>", "text/xml", 415, "unsupported_media_type"),
        (b"points=5", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b'{"x": "' + b"x" * 10_000_000 + b'"}', "application/json", 413, "body_too_large"),
    ],
    ids=["half", "empty", "NaN", "surrogate", "NUL", "bytes", "deep", "XML", "form", "10 MB"],
)
def test_a_body_that_cannot_be_read_is_a_clear_problem(server, address, raw, content_type, status, code):
    answer = server.generic("POST", address, raw, content_type, headers={"Idempotency-Key": "k"})
    if code == "invalid_input" and answer.status_code == 400:
        code, status = "malformed_body", 400
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["", "x" * 201, "caf\u00e9"])
def test_a_key_that_cannot_be_kept_is_refused(server, key):
    answer = server.generic(
        "POST", HOLDS, json.dumps(HOLD), "application/json", HTTP_IDEMPOTENCY_KEY=key.encode().decode("latin-1")
    )
    check(answer, 422, "")
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.parametrize("method", ["delete", "put"])
@pytest.mark.parametrize("address", [HOLDS, ALICE, MEMBERS, QUOTES])
def test_a_method_that_is_not_there_is_a_problem_too(server, address, method):
    answer = getattr(server, method)(address)
    assert answer.status_code in (403, 405)
    assert answer["Content-Type"] == "application/problem+json"
