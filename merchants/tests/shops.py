"""Merchants, stores, clubs and levels for tests, in few words: Alice joins Acme's club, Charlie sells elsewhere."""

from __future__ import annotations

import datetime as dt

from common.models import Staff
from common.services import outbox
from loyalty.tests import stage
from members.models import Member
from merchants.models import Brand, Card, Club, ClubStore, Level, LevelScheme, Merchant, StaffRole, Store
from merchants.services import cards

NOON = dt.datetime(2026, 3, 1, 4, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
LONG_AGO_DAY = LONG_AGO.date()


def a_member(name: str = "alice", **values) -> Member:
    found, _made = Member.objects.get_or_create(external_id=name, defaults={"registered_at": LONG_AGO, **values})
    return found


def a_merchant(code: str = "acme") -> Merchant:
    found, _made = Merchant.objects.get_or_create(code=code, defaults={"name": code.title()})
    return found


def a_store(code: str = "acme-1", merchant: str = "acme") -> Store:
    found, _made = Store.objects.get_or_create(
        code=code, defaults={"merchant": a_merchant(merchant), "name": f"Store {code}"}
    )
    return found


def a_club(*stores: str, merchant: str = "acme", levels: list[tuple] | None = None, **values) -> Club:
    """An open club of the stores (acme-1, unless told otherwise). `levels` are (name, threshold, multiplier)."""
    scope = values.pop("scope", Club.Scope.JOINT if len(stores) > 1 else Club.Scope.SINGLE)
    if scope == Club.Scope.BRAND and "brand" not in values:
        values["brand"] = Brand.objects.get_or_create(
            code=f"{merchant}-brand", defaults={"name": merchant.title(), "merchant": a_merchant(merchant)}
        )[0]
    values = {"name": f"{merchant.title()} club", "status": Club.Status.OPEN, **values}
    club = Club.objects.create(merchant=a_merchant(merchant), scope=scope, **values)
    for code in stores or (f"{merchant}-1",):
        ClubStore.objects.create(club=club, store=a_store(code, merchant), scope=scope)
    if levels:
        a_scheme(club, levels)
    return club


def a_scheme(club: Club, levels: list[tuple], *, effective_on: dt.date = LONG_AGO_DAY, **values) -> LevelScheme:
    """A published scheme in force since long ago, unless told otherwise."""
    scheme = LevelScheme.objects.create(
        club=club,
        status=LevelScheme.Status.PUBLISHED,
        effective_on=effective_on,
        created_at=LONG_AGO,
        published_at=LONG_AGO,
        **values,
    )
    for number, (name, threshold, multiplier) in enumerate(levels, 1):
        Level.objects.create(
            scheme=scheme, number=number, name=name, threshold=threshold, multiplier_percent=multiplier
        )
    return scheme


def a_card(name: str = "alice", club: Club | None = None, *, at: dt.datetime = NOON, **values) -> Card:
    """The member's open card."""
    return cards.open(a_member(name), club or a_club(), channel="app", at=at, **values)


def staff(name: str = "sam", merchant: str = "acme", role: str = StaffRole.Role.OWNER) -> Staff:
    """Somebody who works for the merchant and may sign in at its site."""
    person = Staff.objects.create_user(username=name, password="pw", is_staff=True, site=Staff.Site.MERCHANTS)
    StaffRole.objects.create(staff=person, merchant=a_merchant(merchant), role=role)
    return person


def entries(card: Card) -> list[tuple]:
    """(unit, kind, delta, balance after) of a card's entries, in order."""
    return list(card.entries.order_by("seq").values_list("unit", "kind", "delta", "balance_after"))


def hear(at: dt.datetime = NOON) -> None:
    """Let everything that was told be heard, and what is told then."""
    while outbox.dispatch(at) + outbox.deliver(at):
        pass


def buy(*lines: tuple[str, int], order: str = "o-1", name: str = "alice", at: dt.datetime = NOON) -> None:
    """A completed order of lines (store, cash), and what follows from it."""
    rows = [stage.line(number, cash, store=store) for number, (store, cash) in enumerate(lines, 1)]
    result = stage.send("order.completed", name, at, **stage.order(order, *rows))
    assert result["status"] == "applied", result
    hear(at)


def give_back(
    order: str = "o-1", refund: str = "r-1", *, name: str = "alice", at: dt.datetime = NOON, **cash_by_line: int
) -> None:
    """A refund of so much cash by line (l1=500), and what follows."""
    lines = [{"line": line.removeprefix("l"), "cash": cash} for line, cash in cash_by_line.items()]
    total = sum(cash_by_line.values())
    result = stage.send(
        "order.refunded", name, at, order=order, refund=refund, reason="defect", cash=total, lines=lines
    )
    assert result["status"] == "applied", result
    hear(at)


def card_of(name: str = "alice", club: Club | None = None) -> Card:
    """The member's only card, as the database has it."""
    rows = Card.objects.select_related("club__merchant", "member").filter(member__external_id=name)
    return rows.get(club=club) if club else rows.get()
