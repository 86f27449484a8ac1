import pytest
from django.utils import timezone

from common.services import outbox
from loyalty.models import Entry, Wallet
from loyalty.tests.api.callers import grant, shop
from loyalty.tests.stage import line, order, send
from members.services import members
from members.tests import plus
from merchants.tests import buyers
from rewards.tests import perks
from rewards.tests.shop import a_reward, redeem

pytestmark = pytest.mark.django_db

BODY = {
    "member": "alice",
    "lines": [{"line": "1", "cash": 4000, "category": "books"}],
    "freight": 600,
    "channel": "app",
}


def test_the_shop_is_told_what_points_can_do(server, alice):
    grant(alice, 5000)
    answer = server.post("/api/v1/checkout/quote", BODY)
    assert answer.status_code == 200
    assert answer.json() == {
        "max_points": 2000,
        "points_step": 1000,
        "points_value": 2000,
        "points_available": 5000,
        "points_to_earn": 0,
        "points_to_earn_with_points": 0,
        "growth_to_earn": 0,
        "growth_to_earn_with_points": 0,
        "lines": [
            {"line": "1", "list_price": 4000, "price": 4000, "because": "", "coupon": 0, "points": 2000, "cash": 2000}
        ],
        "list_total": 4000,
        "total": 4000,
        "coupon_off": 0,
        "saving": 0,
        "freight": {"asked": 600, "to_pay": 600, "free_from": None, "missing": None, "waived": 0, "back_charge": False},
        "coupons": [],
        "plans": [],
    }


def test_the_shop_is_told_prices_shipping_coupons_and_what_a_plan_would_save(server, alice):
    now = timezone.now()
    merchant = buyers.a_merchant("acme", "acme-1")
    buyers.in_tier(alice, perks.tier("gold"))
    buyers.a_price(merchant, 1900, tier=perks.tier("silver"), starts_at=now)
    buyers.a_price(merchant, 1800, plan=plus.plus().plan, starts_at=now)
    perks.grant(perks.benefit("shipping", kind="free_shipping"), perks.tier("bronze"), value=9900)
    perks.grant(perks.benefit("plus-shipping", kind="free_shipping"), buyers.a_plan(), value=0)
    grant(alice, 500)
    redeem(a_reward("tea", kind="coupon", perceived_value=500), at=now)
    line = {"line": "1", "cash": 4000, "quantity": 2, "sku": "sku-1", "store": "acme-1"}
    told = server.post("/api/v1/checkout/quote", BODY | {"lines": [line]}).json()
    assert (told["list_total"], told["total"], told["saving"]) == (4000, 3800, 200)
    assert told["lines"][0]["because"] == "Silver price"
    assert told["freight"] == {
        "asked": 600, "to_pay": 600, "free_from": 9900, "missing": 6100, "waived": 0, "back_charge": False,
    }  # fmt: skip
    assert [(coupon["reward"], coupon["worth"]) for coupon in told["coupons"]] == [("tea", 500)]
    (plan,) = told["plans"]
    assert (plan["total"], plan["prices"], plan["freight"], plan["points"]) == (800, 200, 600, 0)
    assert plan["basis"].startswith("Prices, free shipping and points of PLUS")


def test_the_shop_is_told_what_a_coupon_takes_off_and_asks_for_it_by_its_code(server, alice):
    grant(alice, 300)
    taken = [
        redeem(a_reward(kind="coupon", off_percent=10, validity_days=30, only_categories=of), at=timezone.now())
        for of in ("books", "tea")
    ]
    told = server.post("/api/v1/checkout/quote", BODY).json()
    assert told["coupon_off"] == 0
    fitting, other = told["coupons"]
    assert fitting["redemption"] == str(taken[0].uuid)
    assert (fitting["applies"], fitting["off"], fitting["lines"]) == (True, 400, [{"line": "1", "off": 400}])
    assert fitting["terms"]["text"] == "10 % off, for books, good for 30 days"
    assert (other["applies"], other["off"], other["reasons"][0]["code"]) == (False, 0, "no_line_fits")
    used = server.post("/api/v1/checkout/quote", BODY | {"coupon": fitting["code"]}).json()
    assert (used["total"], used["coupon_off"], used["lines"][0]["cash"]) == (4000, 400, 3600)
    refused = server.post("/api/v1/checkout/quote", BODY | {"coupon": other["code"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "coupon_refused")
    unknown = server.post("/api/v1/checkout/quote", BODY | {"coupon": "NOPE"})
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/coupon")


def test_a_coupon_of_a_cancelled_order_is_good_again_and_one_of_a_refunded_order_is_not(server, alice):
    """domain.md E14."""
    now = timezone.now()
    grant(alice, 300)
    code = []
    for number in ("o-1", "o-2"):
        taken = redeem(a_reward(kind="coupon", off_amount=500), at=now)
        code.append(taken.code.code)
        answer = server.post(f"/api/v1/redemptions/{taken.uuid}/use", {"order": number}).json()
        assert (answer["status"], answer["order"]) == ("used", number)
        send("order.completed", at=now, **order(number, line("1", 3500)))
    send("order.cancelled", at=now, order="o-1")
    back = {"refund": "r", "reason": "no_reason", "cash": 3500, "lines": [{"line": "1", "quantity": 1}]}
    send("order.refunded", at=now, order="o-2", **back)
    outbox.drain(timezone.now)
    assert [one["code"] for one in server.post("/api/v1/checkout/quote", BODY).json()["coupons"]] == code[:1]


def test_a_coupon_is_used_for_one_order_and_never_for_a_cancelled_one(server, alice):
    """Two tills, two orders, and a call that comes after the cancellation (domain.md E14)."""
    now = timezone.now()
    grant(alice, 300)
    taken = redeem(a_reward(kind="coupon", off_amount=500), at=now)
    address = f"/api/v1/redemptions/{taken.uuid}/use"
    for number, pay in (("o-1", True), ("o-2", False)):
        if pay:
            send("order.paid", at=now, **order(number, line("1", 3500)))
        assert server.post(address, {"order": number}).status_code == 200
        assert server.post(address, {"order": number}).json()["order"] == number
        for other in ("o-9", ""):
            refused = server.post(address, {"order": other})
            assert (refused.status_code, refused.json()["code"]) == (409, "reward_used")
        send("order.cancelled", at=now, order=number)
        outbox.drain(timezone.now)
        late = server.post(address, {"order": number})
        assert (late.status_code, late.json()["code"]) == (409, "order_cancelled")
        assert len(server.post("/api/v1/checkout/quote", BODY).json()["coupons"]) == 1
    assert server.post(address).status_code == 200
    assert (server.post(address).status_code, server.post(address, {"order": "o-9"}).status_code) == (409, 409)


def test_the_policy_on_freight_is_stated_up_front_and_a_refund_does_what_it_says(server, alice):
    """domain.md E16: quote, order, and a return that leaves less than shipping was free from."""
    perks.member("alice", "bronze")
    perks.grant(perks.benefit("shipping", kind="free_shipping"), value=9_900)
    lines = [{"line": "1", "cash": 6_000}, {"line": "2", "cash": 4_000}]
    told = server.post("/api/v1/checkout/quote", BODY | {"lines": lines}).json()["freight"]
    assert told == {"asked": 600, "to_pay": 0, "free_from": 9_900, "missing": None, "waived": 600, "back_charge": True}
    now = timezone.now()
    bought = order(
        "o-1", line("1", 6_000), line("2", 4_000), freight_waived=told["waived"], free_from=told["free_from"]
    )
    send("order.completed", at=now, **bought)
    back = {"refund": "r", "reason": "no_reason", "cash": 4_000, "lines": [{"line": "2", "quantity": 1}]}
    assert send("order.refunded", at=now, order="o-1", **back)["effects"]["freight"] == {"charge": 600}


def test_a_quote_writes_nothing(server, alice, bob):
    grant(alice, 5000)
    before = Entry.objects.count(), Wallet.objects.count()
    server.post("/api/v1/checkout/quote", BODY)
    server.post("/api/v1/checkout/quote", BODY | {"member": "bob"})
    assert (Entry.objects.count(), Wallet.objects.count()) == before


def test_unknown_and_closed_members_are_not_quoted(server, alice):
    assert server.post("/api/v1/checkout/quote", BODY | {"member": "nobody"}).json()["code"] == "unknown_member"
    members.close("alice", alice.registered_at)
    assert server.post("/api/v1/checkout/quote", BODY).json()["code"] == "member_closed"


def test_a_merged_name_is_quoted_the_points_it_stands_for(server, alice, bob):
    grant(alice, 5000)
    members.merge("bob", "alice", alice.registered_at)
    assert server.post("/api/v1/checkout/quote", BODY | {"member": "bob"}).json()["max_points"] == 2000


def test_members_and_readers_cannot_ask_for_quotes(phone, alice):
    assert phone(alice).post("/api/v1/checkout/quote", BODY).status_code == 401
    assert shop("reader", ["members:read"]).post("/api/v1/checkout/quote", BODY).status_code == 403
