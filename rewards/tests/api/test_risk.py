"""Risk rules at the doors of the API: refused before the work, remembered, explained, contested; Charlie sees nothing of it."""

import datetime as dt

import pytest
from django.utils import timezone

from common.models import IdempotencyRecord, RejectedEvent
from common.services import outbox
from loyalty.models import Hold, Quarantine, Transfer
from loyalty.services import risk as look
from loyalty.tests import stage
from loyalty.tests.api.callers import grant
from members.models import RiskAppeal, RiskListing, RiskRefusal, RiskTally
from members.services import risk_listings
from members.tests import risk
from rewards.models import Redemption
from rewards.tests.shop import a_reward

pytestmark = pytest.mark.django_db

MINE = "/api/v1/me/redemptions"


@pytest.fixture(autouse=True)
def points(alice, charlie):
    grant(alice, 5000)


def rule(*args, **more):
    return risk.in_force(*args, at=timezone.now() - dt.timedelta(minutes=1), **more)


def redeem(client, key=None, **headers):
    if key:
        headers["Idempotency-Key"] = key
    return client.post(MINE, {"reward": "mug"}, headers=headers)


def test_a_redemption_beyond_the_limit_is_refused_and_nothing_is_taken(phone, alice):
    a_reward("mug")
    rule(limit=1)
    assert redeem(phone(alice)).status_code == 201
    answer = redeem(phone(alice))
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert (answer.json()["code"], answer.json()["detail"]) == ("refused_by_risk", "Too often.")
    assert Redemption.objects.count() == 1


def test_a_refusal_under_a_key_stays_remembered_and_is_replayed_without_counting(phone, alice):
    a_reward("mug")
    rule(limit=0)
    first, again = redeem(phone(alice), "k"), redeem(phone(alice), "k")
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert RiskRefusal.objects.count() == 1
    assert IdempotencyRecord.objects.get().status_code == 403


def test_a_key_that_is_sent_again_is_not_counted_again(phone, alice):
    a_reward("mug")
    rule(limit=1)
    assert [redeem(phone(alice), "k").status_code for _ in range(3)] == [201, 201, 201]


def test_work_that_fails_was_not_counted(phone, alice):
    rule(limit=1)
    assert redeem(phone(alice)).status_code == 404
    assert not RiskTally.objects.exists()


def test_coupons_have_rules_of_their_own(phone, alice):
    a_reward("mug")
    a_reward("five-off", kind="coupon")
    rule("coupon", 0)
    assert redeem(phone(alice)).status_code == 201
    assert phone(alice).post(MINE, {"reward": "five-off"}).json()["code"] == "refused_by_risk"


def test_the_server_redeeming_for_a_member_is_guarded_too(server, alice):
    a_reward("mug")
    rule(limit=0)
    answer = server.post("/api/v1/members/alice/redemptions", {"reward": "mug"})
    assert answer.json()["code"] == "refused_by_risk"


def test_a_device_is_counted_by_its_digest(phone, alice, charlie):
    a_reward("mug")
    grant(charlie, 1000)
    rule(limit=1, counter="device")
    device = {"Device-Id": "imei-1"}
    assert redeem(phone(alice), **device).status_code == 201
    assert redeem(phone(charlie), **device).status_code == 403
    assert redeem(phone(charlie), **{"Device-Id": "imei-2"}).status_code == 201
    assert "imei" not in str(list(RiskTally.objects.values()) + list(RiskRefusal.objects.values()))


@pytest.mark.parametrize(
    ("action", "address", "body"),
    [
        ("hold", "/api/v1/holds", {"member": "alice", "points": 1000, "lines": [{"line": "1", "cash": 9000}]}),
        ("transfer", "/api/v1/transfers", {"sender": "alice", "to": "charlie", "points": 1}),
        ("sign_up", "/api/v1/members", {"external_id": "newcomer"}),
        ("instant_refund", "/api/v1/members/alice/instant-refunds", {"order": "o-1", "amount": 100}),
        ("plan", "/api/v1/members/alice/plan/renew", {"payment": "p-1"}),
    ],
)
def test_every_door_of_the_server_asks(server, action, address, body):
    rule(action, 0)
    answer = server.post(address, body, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (403, "refused_by_risk")
    assert RiskRefusal.objects.get().action == action
    assert not Hold.objects.exists()


@pytest.mark.parametrize(
    ("action", "address", "body"),
    [
        ("transfer", "/api/v1/me/transfers", {"to": "charlie", "points": 1}),
        ("play", "/api/v1/me/games/joy/plays", {"commitment": "0" * 64}),
        ("plan", "/api/v1/me/plan/purchases", {"quote": "0b5e4c8e-0f5a-4a53-9d35-5c1b7d6fd0a1"}),
        ("plan", "/api/v1/me/plan/trial", {"offer": "plus-year"}),
        ("plan", "/api/v1/me/plan/vouchers", {"code": "ABCD"}),
        ("check_in", "/api/v1/me/check-ins", {}),
    ],
)
def test_every_door_of_the_member_asks(phone, alice, action, address, body):
    rule(action, 0)
    answer = phone(alice).post(address, body, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (403, "refused_by_risk")
    assert not Transfer.objects.exists()


def test_the_shop_asks_about_its_own_doors(server):
    rule("coupon", 1)
    ask = {"member": "alice", "action": "coupon"}
    assert server.post("/api/v1/risk/checks", ask).status_code == 204
    assert server.post("/api/v1/risk/checks", ask).json()["code"] == "refused_by_risk"
    assert server.post("/api/v1/risk/checks", ask | {"action": "return"}).json()["code"] == "invalid_input"


def test_members_read_their_own_refusals_only(phone, server, alice, charlie):
    a_reward("mug")
    version = rule(limit=0)
    redeem(phone(alice))
    (mine,) = phone(alice).get("/api/v1/me/refusals").json()["results"]
    assert (mine["action"], mine["rule"], mine["version"], mine["reason"], mine["appeal"]) == (
        "redemption", version.rule.code, 1, "Too often.", None,
    )  # fmt: skip
    assert server.get("/api/v1/members/alice/refusals").json()["results"] == [mine]
    assert phone(charlie).get("/api/v1/me/refusals").json()["results"] == []
    explained = phone(alice).get("/api/v1/me/points/explain").json()["results"]
    assert [row["refusal"] for row in explained if row["refusal"]] == [mine]


def test_the_reason_is_said_in_the_language_of_the_caller(phone, alice):
    a_reward("mug")
    rule(limit=0)
    redeem(phone(alice))
    answer = phone(alice).get("/api/v1/me/refusals", headers={"Accept-Language": "zh-hans"})
    assert answer.json()["results"][0]["reason"] == "次数过多。"


def test_a_member_contests_a_refusal_once_and_charlie_cannot(phone, alice, charlie):
    a_reward("mug")
    rule(limit=0)
    address = f"/api/v1/me/refusals/{redeem(phone(alice)).json()['refusal']}/appeal"
    assert phone(charlie).post(address, {"text": "It was me."}).status_code == 404
    answer = phone(alice).post(address, {"text": "It was me."})
    assert (answer.status_code, answer.json()["status"]) == (201, "open")
    assert phone(alice).post(address, {"text": "Again."}).json()["code"] == "already_contested"
    assert RiskAppeal.objects.get().text == "It was me."


def test_what_ran_in_shadow_is_not_shown(phone, alice):
    from members.services import risk_rules

    a_reward("mug")
    version = risk.draft(limit=0)
    risk_rules.watch(version, risk.person("olivia"), timezone.now() - dt.timedelta(minutes=1))
    assert redeem(phone(alice)).status_code == 201
    assert RiskRefusal.objects.count() == 1
    assert phone(alice).get("/api/v1/me/refusals").json()["results"] == []


# Events -----------------------------------------------------------------------------------------------------


def test_an_event_that_is_refused_is_rejected_and_may_be_sent_again_later():
    risk.in_force("check_in", 0, at=stage.NOON - stage.DAY)
    event = stage.event("member.checked_in")
    (result,) = stage.send_all([event], stage.NOON)
    assert (result["status"], result["problem"]["code"]) == ("rejected", "refused_by_risk")
    assert RejectedEvent.objects.get().problem["rule"]
    entry = RiskListing(kind="allow", by="member", subject="alice", reason="tester", starts_at=stage.NOON - stage.DAY)
    entry.subject, entry.member = risk_listings.describe("member", "alice")
    risk_listings.enter(entry, risk.person("rita"), stage.NOON)
    assert stage.send_all([event], stage.NOON)[0]["status"] == "applied"


def test_one_refused_event_spoils_no_other():
    risk.in_force("check_in", 0, at=stage.NOON - stage.DAY)
    batch = [stage.event("member.shared"), stage.event("member.checked_in"), stage.event("member.logged_in")]
    assert [result["status"] for result in stage.send_all(batch, stage.NOON)] == ["applied", "rejected", "applied"]


def test_an_event_taken_in_before_is_a_duplicate_and_not_counted_again():
    risk.in_force("share", 1, at=stage.NOON - stage.DAY)
    event = stage.event("member.shared")
    assert [stage.send_all([event], stage.NOON)[0]["status"] for _ in range(3)] == ["applied", "duplicate", "duplicate"]


def test_sign_ups_are_counted_by_device_of_the_event():
    risk.in_force("sign_up", 2, counter="device", at=stage.NOON - stage.DAY)
    events = [stage.event("member.registered", f"new-{n}") | {"device": "farm-1"} for n in range(3)]
    results = stage.send_all(events, stage.NOON)
    assert [result["status"] for result in results] == ["applied", "applied", "rejected"]
    assert "farm-1" not in str(list(RejectedEvent.objects.values()))


def test_likes_between_the_same_two_are_refused_beyond_the_limit(alice):
    risk.in_force("like", 1, counter="pair", at=stage.NOON - stage.DAY)
    for number in (1, 2):
        stage.send("order.completed", **stage.order(f"o-{number}", stage.line(number)))
        stage.send("review.approved", review=f"r-{number}", order=f"o-{number}", line=str(number))
    statuses = [stage.send("review.liked", review=f"r-{number}", by="bob")["status"] for number in (1, 2)]
    assert statuses == ["applied", "rejected"]


def test_only_returns_without_cause_count(alice):
    """domain.md E52: what the seller is to blame for does not."""
    risk.in_force("return", 9, outcome="watch", at=stage.NOON - stage.DAY)
    for number, reason in enumerate(["no_reason", "seller_fault", "refused", "defect"]):
        stage.send("order.completed", **stage.order(f"o-{number}"))
        stage.send(
            "order.refunded", order=f"o-{number}", refund="f", reason=reason, lines=[{"line": "1", "quantity": 1}]
        )
    (times,) = RiskTally.objects.values_list("times", flat=True)
    assert len(times) == 2


def test_after_a_chargeback_what_is_left_is_frozen(alice):
    """domain.md E20."""
    stage.a_rule()
    stage.send("order.completed", **stage.order("o-1"))
    stage.send("order.completed", **stage.order("o-2"))
    before = stage.balance().available
    stage.send("order.refunded", order="o-1", refund="f", reason="chargeback", lines=[{"line": "1", "quantity": 1}])
    assert (stage.balance().available, stage.balance().held) == (0, before - 100)
    case = Quarantine.objects.get()
    assert (case.status, case.opened_by, "o-1" in case.title) == ("open", None, True)


def test_a_rule_that_asks_for_a_look_sets_the_points_aside(alice):
    stage.a_rule(event_type="member.checked_in", formula="fixed", points=7)
    risk.in_force("check_in", 0, outcome="review", at=stage.NOON - stage.DAY)
    before = stage.balance().available
    assert stage.send("member.checked_in")["status"] == "applied"
    assert stage.balance().available == before + 7
    outbox.drain(lambda: stage.NOON)
    assert (stage.balance().available, stage.balance().held) == (before, 7)
    assert Quarantine.objects.get().opened_by is None


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_a_look_at_a_late_event_waits_for_its_points_and_then_lets_go(name):
    late, told = (stage.NOON - 3 * stage.DAY).isoformat(), stage.NOON
    payload = {"key": name, "at": late, "rule": "check-ins", "refusal": "r-1", "outcome": "review"}
    with pytest.raises(look.PointsNotThereYet):
        look.look_into(payload, told, told + dt.timedelta(seconds=119))
    look.look_into(payload, told, told + look.PATIENCE)
    assert not Quarantine.objects.exists()
