"""The demo's memberships: one of a merchant's stores, one of a brand inside and outside the marketplace; who joined, and how."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from common.models import Staff
from common.services import audit
from config.demo.catalogue import CATEGORIES
from config.demo.people import Person
from loyalty.models import Order, Refund
from members.models import Consent, Member
from members.services import consents, identities
from merchants.models import Brand, Card, Club, ClubStore, LevelScheme, Merchant, Store
from merchants.services import card_orders, cards, clubs, levels, links
from merchants.services.levels import Rung

SEED = 1027
DAYS = 40
CHANNELS = ("app", "app", "mini_program", "store_page", "shop")
Purpose = Consent.Purpose


@dataclass(frozen=True)
class Plan:
    """A membership as it is set up."""

    name: str
    scope: str
    stores: tuple[str, ...]
    unit_name: str
    basis: str
    rungs: tuple[Rung, ...]


PLANS = {
    "lantu": Plan(
        "Lantu Club 蓝图会员",
        Club.Scope.JOINT,
        ("lantu-audio", "lantu-flagship", "lantu-office"),
        "watts 瓦特",
        LevelScheme.Basis.AMOUNT,
        (
            Rung("蓝卡", 0, 100, "Welcome gift 入会礼", "#2563eb"),
            Rung("银卡", 200_00, 120, "Longer guarantee 延长保修", "#94a3b8"),
            Rung("金卡", 1_000_00, 150, "Own adviser 专属顾问", "#ca8a04"),
        ),
    ),
    "moxiang": Plan(
        "Moxiang Readers 墨香书友",
        Club.Scope.BRAND,
        ("moxiang-books", "moxiang-children"),
        "leaves 书叶",
        LevelScheme.Basis.ORDERS,
        (
            Rung("书童", 0, 100, "Reading list 书单", "#0f766e"),
            Rung("书生", 2, 120, "Advance copies 新书试读", "#7c3aed"),
        ),
    ),
}


def set_up(people: list[Person], end: dt.datetime, owners: dict[str, Staff]) -> None:
    """Open each merchant's membership, let members join and their orders count; a second time it changes nothing."""
    since = end - dt.timedelta(days=DAYS)
    random = Random(SEED)
    members = {member.external_id: member for member in Member.objects.filter(status=Member.Status.ACTIVE)}
    for code, plan in PLANS.items():
        if Club.objects.filter(merchant__code=code).exists():
            continue
        actor = audit.Actor(label=owners[code].username, staff=owners[code])
        club = _open(Merchant.objects.get(code=code), plan, actor, since)
        for person, at in sorted(_joining(random, people, plan, since, end), key=lambda joining: joining[1]):
            if person.external_id in members:
                _join(random, members[person.external_id], club, at)
        _count_orders(club)
        if plan.scope == Club.Scope.BRAND:
            _link(club, actor, end)


def _open(merchant: Merchant, plan: Plan, actor: audit.Actor, at: dt.datetime) -> Club:
    brand = None
    if plan.scope == Club.Scope.BRAND:
        brand = Brand.objects.create(merchant=merchant, code=merchant.code, name=merchant.name)
        Store.objects.filter(code__in=plan.stores).update(brand=brand)
    club = Club.objects.create(
        merchant=merchant, scope=plan.scope, brand=brand, name=plan.name, unit_name=plan.unit_name, welcome_points=50
    )
    clubs.take_stores(club, list(Store.objects.filter(code__in=plan.stores)), actor=actor, at=at)
    levels.publish(levels.draft(club, plan.basis, plan.rungs, actor=actor, at=at), actor=actor, at=at)
    return clubs.open(club, actor=actor, at=at)


def _joining(
    random: Random, people: list[Person], plan: Plan, since: dt.datetime, end: dt.datetime
) -> Iterator[tuple[Person, dt.datetime]]:
    """Two in three of those who like what the stores sell, each at an instant of their own."""
    sold = {category for category, (_price, stores) in CATEGORIES.items() if set(stores) & set(plan.stores)}
    for person in people:
        first = max(since, person.registered_at)
        if sold & set(person.favourites) and first < end and random.random() < 0.66:
            yield person, (first + (end - first) * random.random()).replace(microsecond=0)


def _join(random: Random, member: Member, club: Club, at: dt.datetime) -> Card:
    """Opens a card, and agrees to some of what the merchant asks for (PIPL 23: each by itself)."""
    channel = random.choice(CHANNELS)
    for purpose, percent in ((Purpose.CONTACT, 70), (Purpose.INSIGHT, 50)):
        if random.random() * 100 < percent:
            consents.give(member, purpose, club.merchant.code, channel, at)
    return cards.open(member, club, channel=channel, at=at)


def _count_orders(club: Club) -> None:
    """What members bought since they joined, in its order; the outbox would tell the same later."""
    stores = ClubStore.objects.filter(club=club).values("store__code")
    joined = Card.objects.filter(club=club)
    orders = Order.objects.filter(
        member__in=joined.values("member"),
        lines__store_code__in=stores,
        completed_at__gte=joined.order_by("joined_at").values("joined_at")[:1],
    )
    told = orders.distinct().order_by("completed_at", "pk").values_list("code", "completed_at")
    card_orders.complete_all([(code, at) for code, at in told if at is not None])
    refunds = Refund.objects.filter(order__in=orders).order_by("pk").select_related("order")
    for refund in refunds:
        card_orders.refund(refund.order.code, f"order:{refund.order.code}/{refund.code}", refund.at)


def _link(club: Club, actor: audit.Actor, at: dt.datetime) -> None:
    """The brand's own list: one is found by the phone, one phone is two members', and two wait."""
    holders = [card.member for card in Card.objects.filter(club=club).select_related("member").order_by("pk")[:3]]
    phones = ["13800000001", "13800000002", "13800000002"]
    for member, phone in zip(holders, phones, strict=False):
        identities.keep([identities.Word(member, identities.Kind.PHONE, identities.digest(phone), at)])
        consents.give(member, Purpose.LINK, club.merchant.code, "mini_program", at)
    lines = [
        links.Line(
            external_card=f"MX-{number:05}",
            phone_digest=identities.digest(f"1380000000{number}") or "",
            source=source,
            level_name="金叶",
            points=120 * number,
        )
        for number, source in enumerate(("mini_program", "offline", "offline", "mini_program"), 1)
    ]
    links.take_in(club, lines, actor=actor, at=at)
