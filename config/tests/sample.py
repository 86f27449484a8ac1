"""A small house in which every page has something to show. Things come in by the doors that shops use."""

from __future__ import annotations

import datetime as dt

from axes.models import AccessAttempt
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from common import clock
from common.models import Delivery, DeliveryAttempt, Fact, Look, Staff, WebhookEndpoint
from common.services import api_keys, looks, outbox
from common.services.audit import Actor
from loyalty.models import (
    Breach,
    Campaign,
    Coefficient,
    ConductCase,
    ConductRating,
    CustomEventType,
    DeliveryRefusal,
    EarningRule,
    EarningRuleVersion,
    GrowthEntry,
    GrowthPolicy,
    Ladder,
    LifecyclePolicy,
    Medal,
    Order,
    RuleCondition,
    Rung,
    ScoreRestatement,
    ScoreSnapshot,
    ScoreThreshold,
    Segment,
    Standing,
    Tier,
    TierChange,
    Wallet,
)
from loyalty.services import (
    adjustments,
    breaches,
    campaign_undos,
    gift_sends,
    holds,
    medals,
    member_stats,
    proof,
    pyramid,
    quarantines,
    rules,
    score_settlements,
    scores,
    segments,
    transfers,
)
from loyalty.services.occasions import Item
from loyalty.tests import conducts, gifting, ratings, stage
from members.models import (
    Consent,
    CreditScore,
    Member,
    PlanOffer,
    RiskListing,
    RiskRefusal,
    SalesChannel,
    VoucherBatch,
)
from members.services import consents, plan_renewals, risk_appeals, risk_listings, sales_channels
from members.tests import plus, risk
from merchants.models import (
    Brand,
    BrandMember,
    CardSegment,
    Club,
    InsightAccess,
    MemberPrice,
    Merchant,
    Message,
    PointPack,
    Rebate,
    RebateScheme,
    StaffRole,
    Store,
    UnknownStore,
)
from merchants.selectors import tariffs
from merchants.services import campaign_sends, purchases
from merchants.services import settlements as month_settlements
from merchants.tests import buyers, campaigning, shops
from rewards.models import BenefitBudget, SponsorPayment
from rewards.services import benefits, birthdays, instant_refunds, member_grants, packs, plan_rights, settlements
from rewards.tests import arcade, perks, shop

PASSWORD = "correct-horse-battery"
HOUSE = Actor("the sample")


def staff(name: str, *roles: str, site: str = Staff.Site.OPERATORS, **more) -> Staff:
    """Somebody who signs in with PASSWORD and has these roles."""
    person = Staff.objects.create_user(name, password=PASSWORD, is_staff=True, site=site, **more)
    if roles:
        if not Group.objects.filter(name="support").exists():
            call_command("sync_roles", verbosity=0)
        person.groups.set(Group.objects.filter(name__in=roles))
    return person


def merchant_staff(name: str = "mona") -> Staff:
    """Somebody of the merchant ACME."""
    merchant, _made = Merchant.objects.get_or_create(code="acme", defaults={"name": "ACME"})
    Store.objects.get_or_create(code="acme-1", defaults={"name": "ACME One", "merchant": merchant})
    person = staff(name, "merchant", site=Staff.Site.MERCHANTS)
    StaffRole.objects.create(staff=person, merchant=merchant, role=StaffRole.Role.OWNER)
    return person


def buy(member: str, order: str, cash: int = 100_00, *, at: dt.datetime, sku: str = "sku-1", **line) -> dict:
    """A completed order of one line."""
    lines = [{"line": "1", "sku": sku, "category": "books", "store": "acme-1", "cash": cash, **line}]
    return stage.send("order.completed", member, at, order=order, channel="app", lines=lines)


def rule(**values) -> EarningRuleVersion:
    """One point per yuan, in force for ever."""
    return stage.a_rule("purchase", cap_item=50, conditions=[("line.virtual", "is", "no")], **values)


def draft(author: Staff | None = None, code: str = "photo-reviews") -> EarningRuleVersion:
    """A draft of a rule."""
    made, _made = EarningRule.objects.get_or_create(code=code, defaults={"name": code.replace("-", " ").capitalize()})
    version = EarningRuleVersion.objects.create(
        rule=made,
        number=made.versions.count() + 1,
        event_type="order.completed",
        points=2,
        effective_from=timezone.now(),
        created_by=author,
    )
    RuleCondition.objects.create(version=version, attribute="order.cash", operator="at_least", value="5000")
    return version


def wallet(member: str) -> Wallet:
    return Wallet.objects.select_related("member", "account").get(member__external_id=member)


def ladder(author: Staff | None = None, *, at: dt.datetime, published: bool = True) -> Ladder:
    """Registered from nothing, and above it every other tier there is, a thousand growth a rank."""
    made = Ladder.objects.create(drafted_by=author, drafted_at=at)
    if published:
        Ladder.objects.filter(pk=made.pk).update(status="published", effective_at=at, published_at=at)
        made.refresh_from_db()
    Tier.objects.get_or_create(code="registered", defaults={"name": "Registered", "rank": 0})
    for tier in Tier.objects.all():
        Rung.objects.create(
            ladder=made,
            tier=tier,
            threshold=1000 * tier.rank,
            deduction=500 * tier.rank,
            validity_months=12 if tier.rank else None,
        )
    rules.changed()
    return made


def standings(tier: Tier, now: dt.datetime) -> None:
    """Alice has climbed the ladder; what led there stands in her growth and in her tier's history."""
    made = ladder(at=now - dt.timedelta(days=400))
    GrowthPolicy.objects.create(drafted_at=now)
    alice = Member.objects.get(external_id="alice")
    seq = Standing.objects.get(member=alice).version + 1
    Standing.objects.filter(member=alice).update(
        tier=tier, growth=1250_50, version=seq, ladder=made, tier_until=now, due_at=now
    )
    GrowthEntry.objects.create(
        member=alice, seq=seq, kind="order", criterion="consumption", base=1000, percent=125, asked=1250_00, delta=1250_00,
        balance_after=1250_50, occurred_on=now.date(), at=now, reference="order:o-0",
    )  # fmt: skip
    TierChange.objects.create(
        member=alice,
        before=None,
        after=tier,
        reason="growth",
        growth=1250_50,
        at=now,
        ladder=made,
        reference="order:o-0",
    )


def medal(now: dt.datetime) -> None:
    """A medal for books, awarded as at the end of next month, so that what was bought just now counts."""
    made = Medal.objects.create(code="reader", name="Bookworm", money_unit=10_00, icon="menu_book", colour="#7c3aed")
    made.categories.create(category="books")
    for number, (name, score) in enumerate([("Bronze", 10), ("Silver", 100)], 1):
        made.levels.create(number=number, name=name, score=score)
    medals.award(now + dt.timedelta(days=31), now)


def conduct(alice: Member, bob: Member, now: dt.datetime) -> None:
    """A coefficient policy, a member who does well and one for whom a person has to decide."""
    policy = conducts.a_policy(note="How JD did it")
    Coefficient.objects.create(member=alice, before=100, after=120, policy=policy, lines=10, cash=1000_00, at=now)
    ConductCase.objects.create(member=bob, policy=policy, returned=30, lines=30, opened_at=now)
    told = [breaches.Told(bob.pk, "instant-refund:sample", "o-0")]
    breaches.record(told, Breach.Kind.INSTANT_REFUND, now)


def value_scores(now: dt.datetime) -> None:
    """A score policy with a curve, counted tonight and settled; and news that came too late for Alice."""
    ratings.a_policy(
        ratings.a_source("cash", 1, "consumption", cap_month=150),
        ratings.a_source("login", 5),
        ratings.a_source("phone", 20, "account"),
        curves={"consumption": [(0, 0), (100, 80), (400, 200)]},
    )
    ScoreThreshold.objects.create(code="birthday", name="Birthday gift", value=50)
    tonight = clock.day_start(clock.local_date(now))
    scores.count(tonight, now)
    score_settlements.settle(tonight, now)
    snapshot = ScoreSnapshot.objects.get(member__external_id="alice")
    ScoreRestatement.objects.create(
        member=snapshot.member, month=snapshot.month, settled=snapshot.value, restated=snapshot.value + 5, at=now
    )


def everything() -> None:
    """At least one row on every page of both sites."""
    now = timezone.now()
    day = dt.timedelta(days=1)
    rule()
    draft()
    stage.a_rule("login", event_type="member.logged_in", formula="fixed", points=3)
    Campaign.objects.create(
        code="spring", name="Spring", starts_at=now - day, ends_at=now + day, budget=1000, spent=900
    )
    CustomEventType.objects.create(name="app.quiz_finished", schema={"type": "object", "properties": {"score": {}}})
    tier = Tier.objects.create(code="gold", name="Gold", rank=1)
    stage.set_programme(gifts_allowed=True)
    for number, name in enumerate(["alice", "bob", "charlie"]):
        buy(name, f"o-{number}", at=now - 20 * day)
    alice, bob = wallet("alice"), wallet("bob")
    standings(tier, now)
    stage.send("member.logged_in", "alice", now - day, channel="app")
    stage.send("review.approved", "alice", now - day, review="r-1", order="o-0", line="1", photos=1)
    stage.send("review.liked", "alice", now - day, review="r-1", by="bob", device="d-1")
    stage.send(
        "order.refunded",
        "bob",
        now - day,
        order="o-1",
        refund="f-1",
        reason="no_reason",
        cash=50_00,
        lines=[{"line": "1", "cash": 50_00}],
    )
    stage.send("order.cancelled", "bob", now - day, order="o-later")
    stage.send("no.such_type", "bob", now - day)
    with transaction.atomic():
        adjustments.post(alice.account, 3000, category="goodwill", reason="Sorry for the wait", actor=HOUSE, at=now)
    transfers.send(alice.member, bob.member, 10, kind="gift", message="Enjoy", at=now)
    holds.place("alice", 1000, order_code="o-9", lines=[Item("1", cash=100_00)], expires_at=now + day, at=now)
    DeliveryRefusal.objects.create(member=bob.member, order=Order.objects.get(code="o-1"), day=now.date(), at=now)
    plans(alice.member, now)
    refusals(alice.member, now)
    CreditScore.objects.create(member=alice.member, score=98, at=now)
    conduct(alice.member, bob.member, now)
    Segment.objects.create(code="friends", name="Friends").members.add(alice.member)
    medal(now)
    customers(now)
    value_scores(now)
    games(now)
    rewards(now)
    perks_of(alice.member, now)
    reach(now)
    gifts(now)
    trade(alice.member, now)
    quarantines.open(
        [bob.account.lots.filter(is_open=True).latest("pk").pk],
        title="Chargebacks",
        evidence="Letter 17",
        actor=HOUSE,
        at=now,
    )
    _house(now)


def plans(alice: Member, now: dt.datetime) -> None:
    """Alice has PLUS and lets it renew; another offer is a draft; a bank has codes."""
    offer = plus.plus(
        discounts=[{"kind": "score", "above": 4_500, "amount": 5_000}], starts_at=now - dt.timedelta(days=2)
    )
    video = shop.a_reward("video-year", name="A year of video", kind="partner", unit_cost=60_00, validity_days=365)
    shop.a_pool(video, "YEAR-0001", "YEAR-0002")
    offer.rights.create(reward=video, price=60_00)
    purchase = plus.buy(alice, offer, now - dt.timedelta(days=1))
    plan_rights.claim(alice, purchase.uuid, "video-year", now)
    plan_renewals.agree(alice, offer, now)
    PlanOffer.objects.create(plan=offer.plan, code="plus-month", name="PLUS, a month", fee=1_990, starts_at=now)
    bank = SalesChannel.objects.create(code="bank", name="Bank", kind="bank")
    VoucherBatch.objects.create(
        channel=bank, offer=offer, name="Card holders", size=3, price=12_000, expires_at=now + dt.timedelta(days=90)
    )
    sales_channels.issue_key(bank, "Bank", HOUSE, now)


def refusals(alice: Member, now: dt.datetime) -> None:
    """Alice was refused a transfer and contests it; a rule is a draft."""
    risk.in_force("transfer", 0, at=now - dt.timedelta(days=2))
    risk.draft("play")
    risk.passes("alice", now - dt.timedelta(days=1), "transfer", other="bob")
    risk_appeals.file(RiskRefusal.objects.get(), "It was a birthday gift.", Actor("alice"), now)
    entry = RiskListing(
        kind="allow", by="member", subject="alice", member=alice, actions=["play"], reason="Tester", starts_at=now
    )
    risk_listings.enter(entry, HOUSE, now)
    ConductRating.objects.create(member=alice, band="doubtful", reasons=["refusals"], rated_at=now)


def rewards(now: dt.datetime) -> None:
    """Alice has taken a mug that ACME helps to pay and a video right that was settled; the mug is cheaper for gold."""
    acme, _made = Merchant.objects.get_or_create(code="acme", defaults={"name": "ACME"})
    mug = shop.a_reward(
        "mug", name="Mug", symbol="coffee", stock=10, unit_cost=9_00, perceived_value=39_00, merchant=acme
    )
    mug.prices.create(tier=Tier.objects.get(code="gold"), points=80)
    video = shop.a_reward("video", name="A month of video", kind="partner", unit_cost=5_00)
    shop.a_pool(video, "VIDEO-0001", "VIDEO-0002")
    shop.redeem(mug, "alice", now)
    shop.redeem(video, "alice", now)
    month = clock.month_start(clock.local_date(now))
    settlements.settle(video.partner, month, actor=HOUSE, at=clock.day_start(clock.months_after(month, 1)))
    paid = {"amount": 9_00, "paid_on": month, "reference": "bank-1", "at": now, "actor_label": "house"}
    SponsorPayment.objects.create(merchant=acme, month=clock.months_after(month, -1), **paid)


def games(now: dt.datetime) -> None:
    """Alice has won a mug; a draft of another version waits for a colleague."""
    mug = {"kind": "gift", "name": "Mug", "price": 20, "weight": 100, "stock": 5}
    version = arcade.a_game(prizes=[mug, (300, 5)], starts_at=now, ends_at=now + dt.timedelta(days=9), at=now)
    arcade.rig(version, 1)
    arcade.play(at=now)
    arcade.a_draft(starts_at=now, ends_at=now + dt.timedelta(days=30))


def perks_of(alice: Member, now: dt.datetime) -> None:
    """Alice uses a benefit, has a birthday pack and an instant refund, and was given something besides."""
    tier = Tier.objects.get(code="registered")
    BenefitBudget.objects.create(tier=tier, monthly=1_000_00)
    pack = perks.benefit("birthday-pack", kind="birthday_pack")
    perks.grant(pack, tier, value=100)
    perks.grant(perks.bundle((perks.benefit("parcel"), {"quota": 2})), tier)
    perks.grant(perks.benefit("instant-refund", kind="instant_refund"), tier, value=500_00)
    benefits.use(alice, "parcel", now, key="sample")
    instant_refunds.open(alice, "o-0", 20_00, now, key="sample-refund")
    member_grants.give(
        alice, perks.benefit("vip-line"), HOUSE, now, until=now + dt.timedelta(days=9), reason="Sorry for the wait"
    )
    Member.objects.filter(pk=alice.pk).update(birthday=now.date().replace(year=1990), phone_verified=True)
    birthdays.issue(now, now)
    presale = perks.benefit("presale-gift", kind="presale_gift")
    presale.pack_items.create(reward=shop.a_reward("key-ring"))
    perks.grant(presale, tier, period="year")
    packs.claim(alice, "presale-gift", now)


def reach(now: dt.datetime) -> None:
    """ACME has given points to its members, drafts another campaign for some of them, and writes to them."""
    club = campaigning.a_club("acme", points=5_000)
    campaigning.cards(club, "alice", "bob")
    times = {"starts_at": now, "ends_at": now + dt.timedelta(days=9)}
    campaign_sends.send(campaigning.started(club, at=now, name="Thank you", **times), now)
    some = CardSegment.objects.create(club=club, name="New members", joined_within=180)
    campaigning.a_draft(club, name="Next", audience="segment", segment=some, **times)
    Message.objects.create(club=club, title="New tea", text="The spring tea has come in.")


def gifts(now: dt.datetime) -> None:
    """A gift campaign has reached everybody, another was undone, a third is a draft."""
    ended = gifting.started({"gold": 20, "": 10}, name="Warm-up", starts_at=now, ends_at=now + dt.timedelta(days=9))
    gift_sends.give(ended, now, now)
    wrong = gifting.started({"": 7}, name="By mistake", starts_at=now, ends_at=now + dt.timedelta(days=9))
    gift_sends.give(wrong, now, now)
    undo = campaign_undos.propose(wrong, "unspent", reason="Wrong members", actor=gifting.person("orla"), at=now)
    campaign_undos.carry_out(campaign_undos.approve(undo, gifting.person("rhoda"), now), now)
    gifting.a_draft(name="Win-back", trigger="lapse", starts_at=now, ends_at=now + dt.timedelta(days=30))


def trade(alice: Member, now: dt.datetime) -> None:
    """ACME has a brand with a member outside, levels, prices, a rebate that waits, and has looked at Alice, who lets it."""
    acme, today = Merchant.objects.get(code="acme"), clock.local_date(now)
    UnknownStore.objects.create(code="nobody-1", first_seen_at=now, last_seen_at=now)
    brand = Brand.objects.create(merchant=acme, code="acme-tea", name="ACME Tea")
    club = Club.objects.create(merchant=acme, scope="brand", brand=brand, name="Tea friends", status="open")
    shops.a_scheme(club, [("Leaf", 0, 100), ("Bud", 100_00, 150)])
    BrandMember.objects.create(club=club, external_card="T-1", level_name="Bud", points=300, imported_at=now)
    price = {"sku": "sku-1", "created_at": now, "changed_at": now, "starts_at": now}
    MemberPrice.objects.create(merchant=acme, who="plan", plan=alice.subscriptions.get().plan, price=80_00, **price)
    buyers.a_ladder(acme, {"from_quantity": 10, "percent_off": 5}, starts_at=now)
    scheme = RebateScheme.objects.create(merchant=acme, name="Business", status="running", starts_on=today)
    Rebate.objects.create(
        scheme=scheme, member=alice, starts_on=today - dt.timedelta(days=90), ends_on=today, spend=100_00, percent=2,
        earned=200, points=200, status="open", reason="purse_short", settled_at=now,
    )  # fmt: skip
    consents.give(alice, Consent.Purpose.INSIGHT, "acme", "app", now)
    staff_member = acme.staff_roles.first()
    looks.note(HOUSE, Look.Kind.PAGE, "members.member", now, subject="alice")
    InsightAccess.objects.create(
        merchant=acme, member=alice, staff=staff_member.staff if staff_member else staff("ann"), staff_label="Ann",
        what="member", at=now,
    )  # fmt: skip


def customers(now: dt.datetime) -> None:
    """Everybody measured, a life-cycle policy, and a segment chosen by conditions."""
    LifecyclePolicy.objects.create(drafted_at=now)
    member_stats.measure(now, now)
    keen = Segment.objects.create(code="keen", name="Keen", kind=Segment.Kind.RULED)
    keen.conditions.create(attribute="orders", operator="at_least", value="1")
    segments.refresh(keen, HOUSE, now)


def _house(now: dt.datetime) -> None:
    """What the ground floor keeps."""
    outbox.dispatch(now, 1000)
    fact = Fact.objects.first()
    delivery = Delivery.objects.create(
        fact=fact, subscriber="webhook:test", status="dead", next_attempt_at=now, attempts=10, last_error="HTTP 500"
    )
    DeliveryAttempt.objects.create(delivery=delivery, at=now, status_code=500, error="HTTP 500", duration_ms=12)
    WebhookEndpoint.objects.create(
        name="Shop", url="https://shop.example/hooks", secret="whsec_c2VjcmV0", topics=["points.earned"]
    )
    api_keys.issue("shop", ["events:write"], HOUSE, now)
    proof.prove(now, now)
    pyramid.count(now, now)
    AccessAttempt.objects.create(
        username="mallory", ip_address="192.0.2.1", path_info="/admin/login/", failures_since_start=3
    )
    merchant_staff("mona-sample")
    _points_for_merchants(now)


def _points_for_merchants(now: dt.datetime) -> None:
    """ACME has bought a pack, and last month is settled as far as there is anything to settle."""
    tariffs.current()
    pack = PointPack.objects.create(code="sample", name="Sample pack", points=5_000, price=4_500)
    purchase = purchases.draft(Merchant.objects.get(code="acme"), pack=pack, actor=HOUSE, at=now)
    purchases.approve(purchases.submit(purchase, actor=HOUSE, at=now), bank_reference="B-1", actor=HOUSE, at=now)
    month_settlements.compute(now.date().replace(day=1), now)
