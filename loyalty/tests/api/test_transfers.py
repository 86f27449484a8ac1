import pytest

from loyalty.models import Programme, Transfer
from loyalty.selectors import programme
from loyalty.tests.api.callers import grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def allowed(db):
    programme.current()
    Programme.objects.update(transfers_allowed=True)


def test_transfers_are_off_by_default(server, phone, alice, bob):
    grant(alice, 100)
    answer = phone(alice).post("/api/v1/me/transfers", {"to": "bob", "points": 10})
    assert (answer.status_code, answer.json()["code"]) == (403, "transfers_not_allowed")
    answer = server.post("/api/v1/transfers", {"sender": "alice", "to": "bob", "points": 10})
    assert (answer.status_code, answer.json()["code"]) == (403, "transfers_not_allowed")
    assert not Transfer.objects.exists()


def test_alice_passes_points_on_to_bob(phone, alice, bob, allowed):
    grant(alice, 100)
    answer = phone(alice).post("/api/v1/me/transfers", {"to": "bob", "points": 10, "message": "Thanks"})
    assert answer.status_code == 201
    assert (answer.json()["to"], answer.json()["points"], answer.json()["kind"]) == ("bob", 10, "transfer")
    assert phone(bob).get("/api/v1/me/points").json()["points"]["available"] == 10
    assert phone(alice).get("/api/v1/me/points").json()["points"]["available"] == 90


def test_the_same_key_sends_once(phone, alice, bob, allowed):
    grant(alice, 100)
    for _ in range(2):
        phone(alice).post("/api/v1/me/transfers", {"to": "bob", "points": 10}, headers={"Idempotency-Key": "k"})
    assert bob.wallet.account.available == 10


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"to": "bob", "points": 101}, "insufficient_points"),
        ({"to": "alice", "points": 1}, "invalid_input"),
        ({"to": "nobody", "points": 1}, "unknown_member"),
        ({"to": "bob", "points": 1, "kind": "gift"}, "transfers_not_allowed"),
    ],
)
def test_what_cannot_be_sent_is_refused(phone, alice, bob, allowed, body, code):
    grant(alice, 100)
    assert phone(alice).post("/api/v1/me/transfers", body).json()["code"] == code
    assert not Transfer.objects.exists()
