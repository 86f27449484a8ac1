"""Two merchants with one row of every kind, whose every text and number tells whose it is.

A row is filled field by field: texts with words of the world ("qza0f"), numbers with its numbers (1731000015), foreign
keys with rows of the same world. `FACTORIES` says what a CHECK or a service asks for beyond that. Members, tiers and plans
are the programme's: both worlds name the same ones.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.http import HttpResponseBase
from django.utils import timezone
from openpyxl import load_workbook

from common.models import Staff
from loyalty.models import Account, Lot, Order, OrderLine, Tier
from loyalty.services import expiry, ledger
from loyalty.services.ledger import Kind
from members.models import Member, Plan
from merchants.admin.site import site
from merchants.models import Merchant, PointPack, Purse, Settlement, StaffRole
from merchants.services import purses

PASSWORD = "correct-horse-battery"
_TOKENS = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|"X-CSRFToken": "\w+"')
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[,.\s\u00a0\u202f](?=\d)")


def shared_member() -> Member:
    """A member with cards at both merchants: each may see its own card only."""
    found, _made = Member.objects.get_or_create(external_id="shared-member", defaults={"registered_at": timezone.now()})
    return found


def _tier() -> Tier:
    return Tier.objects.get_or_create(code="gold", defaults={"name": "Gold", "rank": 1})[0]


def _plan() -> Plan:
    return Plan.objects.get_or_create(code="plus", defaults={"name": "PLUS"})[0]


def _pack() -> PointPack:
    return PointPack.objects.get_or_create(code="pack", defaults={"name": "Pack", "points": 1000, "price": 1000})[0]


def _settlement() -> Settlement:
    return Settlement.objects.get_or_create(month=dt.date(2026, 1, 1))[0]


_PROGRAMME: dict[type[models.Model], Callable[[], models.Model]] = {
    Member: shared_member,
    Tier: _tier,
    Plan: _plan,
    PointPack: _pack,
    Settlement: _settlement,
}


def _of_segment() -> dict[str, Any]:
    return {"audience": "segment", "level": None}


# What a kind of row needs beside what every row gets. Every model that leads to a merchant has a line here.
FACTORIES: dict[str, Callable[[World], dict[str, Any]]] = {
    "merchants.Brand": lambda world: {},
    "merchants.BrandMember": lambda world: {"status": "linked"},
    "merchants.CampaignGrant": lambda world: {"lot": None, "returned": 0},
    "merchants.Card": lambda world: {"level": 1},
    "merchants.CardEntry": lambda world: {},
    "merchants.CardEvent": lambda world: {},
    "merchants.CardOrder": lambda world: {"kept": 0},
    "merchants.CardSegment": lambda world: dict.fromkeys(
        ["joined_within", "joined_before", "ordered_within", "idle_for"]
    ),
    "merchants.Club": lambda world: {"scope": "brand", "status": "open"},
    "merchants.ClubStore": lambda world: {"scope": "brand"},
    "merchants.InsightAccess": lambda world: {"staff": world.owner},
    "merchants.InsightReport": lambda world: {"figures": {world.word(): world.number()}},
    "merchants.Level": lambda world: {"number": 2},
    "merchants.LevelScheme": lambda world: {},
    "merchants.MemberPrice": lambda world: {"who": "club", "tier": None, "plan": None, "level": 1},
    "merchants.MerchantCampaign": lambda world: (
        _of_segment()
        | {
            "trigger": "order",
            "days": 180,
            "ends_at": timezone.now() + dt.timedelta(days=9),
            "released": None,
        }
    ),
    "merchants.Message": lambda world: _of_segment() | {"reached": None},
    "merchants.OfferShown": lambda world: {},
    "merchants.Pocket": lambda world: {},
    "merchants.PointPurchase": lambda world: {"lot_seq": None, "refunded_points": 0, "refunded_money": 0},
    "merchants.PriceLadder": lambda world: {"category": ""},
    "merchants.PriceStep": lambda world: {"percent_off": None},
    "merchants.ProspectCount": lambda world: {"members": {world.word(): world.number()}},
    "merchants.ProspectOffer": lambda world: {"ends_at": timezone.now() + dt.timedelta(days=9)},
    "merchants.PurchaseStep": lambda world: {},
    "merchants.Purse": lambda world: {},
    "merchants.Rebate": lambda world: {"status": "open", "ends_on": timezone.now().date()},
    "merchants.RebateScheme": lambda world: {},
    "merchants.RebateStep": lambda world: {},
    "merchants.SettlementCell": lambda world: {"redeemer": None},
    "merchants.StaffRole": lambda world: {"staff": world.owner, "role": "owner"},
    "merchants.Store": lambda world: {},
    "rewards.Reward": lambda world: (
        {"codes": "own", "status": "active", "off_percent": None, "off_most": None, "stock": None}
        | dict.fromkeys(["least_tier", "segment", "partner", "plan"])
    ),
}


def tenant_of(model: type[models.Model]) -> str | None:
    """The shortest way over foreign keys from a row to its merchant; None for what is no merchant's."""
    paths, seen = [("", model)], {model}
    for path, here in paths:
        for field in here._meta.concrete_fields:
            if not field.is_relation or field.related_model is None:
                continue
            way = f"{path}__{field.name}".strip("_")
            if field.related_model is Merchant:
                return way
            if field.related_model not in seen:
                seen.add(field.related_model)
                paths.append((way, field.related_model))
    return None


def kinds() -> list[type[models.Model]]:
    """Every table of the app whose rows are some merchant's, and whatever has a page at the merchants' site."""
    tables = [*apps.get_app_config("merchants").get_models(), *site._registry]
    return [model for model in dict.fromkeys(tables) if tenant_of(model) and not hasattr(model, "history_object")]


class World:
    """A merchant and one row of each kind; letter and number of the world make its words, its numbers and its keys."""

    owner: Staff

    def __init__(self, letter: str, number: int):
        self.prefix, self.base = f"qz{letter}", number * 1_000_000
        self._count = count(1)
        self.rows: dict[type[models.Model], models.Model] = {}
        self.merchant = Merchant.objects.create(pk=self.number(), code=self.word(), name=self.word(200))
        self.people = {role: self._person(role) for role in StaffRole.Role.values}
        self.owner = self.people["owner"]
        self.rows[Merchant] = self.merchant
        self.rows[StaffRole] = self.owner.merchant_role
        for model in kinds():
            self.of(model)
        self._sell()

    def word(self, most: int = 60) -> str:
        """A text that no other row has: the world's, in five letters or more."""
        number = next(self._count)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"
        return f"{self.prefix}{digits[number // 36 % 36]}{digits[number % 36]}"[:most]

    def number(self) -> int:
        """A whole number that no other row has."""
        return self.base + next(self._count)

    def of(self, model: type[models.Model]) -> models.Model:
        """The world's row of a kind, made when first asked for."""
        if model in _PROGRAMME:
            return _PROGRAMME[model]()
        if model not in self.rows:
            self.rows[model] = self._purse() if model is Purse else self._fill(model)
        return self.rows[model]

    def owns(self, value: Any) -> bool:
        """Whether a value is a word, a number or a uuid of this world."""
        return str(value).startswith((self.prefix, str(self.base // 1000))) or str(value) in self.ids()["uuid"]

    def ids(self) -> dict[str, set[str]]:
        """What names a row of this world in an address: its keys, its uuids, its codes and cards."""
        found: dict[str, set[str]] = {"int": set(), "uuid": set(), "str": set()}
        for row in self.rows.values():
            found["int"].add(str(row.pk))
            for field in row._meta.concrete_fields:
                value = getattr(row, field.attname)
                if isinstance(field, models.UUIDField):
                    found["uuid"].add(str(value))
                elif isinstance(field, models.CharField) and str(value).startswith(self.prefix):
                    found["str"].add(value)
        return found

    def state(self) -> dict[str, list]:
        """Every row of this merchant as the database has it now."""
        return {
            model._meta.label: list(
                model._base_manager.filter(**{tenant_of(model): self.merchant}).order_by("pk").values()
            )
            for model in kinds()
        } | {"purse": list(Account.objects.filter(purse__merchant=self.merchant).values())}

    def leaks(self, response: HttpResponseBase, sent: set[str] = frozenset()) -> set[str]:
        """Words and numbers of this world in a response, apart from what the request itself had said."""
        text = text_of(response)
        for said in sorted(sent, key=len, reverse=True):
            text = text.replace(said, "")
        words = re.findall(rf"{self.prefix}\w\w", _TOKENS.sub("", text))
        numbers = re.findall(rf"{self.base // 1000}\d\d\d", _BETWEEN_DIGITS.sub("", text))
        return {*words, *numbers}

    def _person(self, role: str) -> Staff:
        person = Staff.objects.create_user(
            self.word(),
            password=PASSWORD,
            pk=self.number(),
            is_staff=True,
            site=Staff.Site.MERCHANTS,
            first_name=self.word(),
        )
        StaffRole.objects.create(pk=self.number(), staff=person, merchant=self.merchant, role=role)
        return person

    def _purse(self) -> Purse:
        purse = purses.of(self.merchant)
        with ledger.open_book([purse.account_id], timezone.now()) as book:
            book.grant(
                purse.account_id,
                self.number(),
                source=Lot.Source.PURCHASE,
                reference=self.word(),
                expires_at=expiry.NEVER,
                kind=Kind.PURCHASE,
                funder_id=purse.account_id,
            )
        return purse

    def _sell(self) -> None:
        """The shared member has bought here."""
        now = timezone.now()
        order = Order.objects.create(
            code=self.word(), member=shared_member(), status="completed", completed_at=now, completed_on=now.date()
        )
        store = self.rows[apps.get_model("merchants", "Store")]
        OrderLine.objects.create(
            order=order, number="1", sku=self.word(), category=self.word(), store_code=store.code, cash=self.number()
        )

    def _fill(self, model: type[models.Model]) -> models.Model:
        asked = FACTORIES[model._meta.label](self)
        values = {field.name: self._value(field) for field in model._meta.concrete_fields if field.name not in asked}
        row = model(**values, **asked)
        row.save()
        row.refresh_from_db()
        return row

    def _value(self, field: models.Field) -> Any:
        if field.is_relation:
            return self._related(field)
        if field.primary_key:
            return self.number()
        if field.choices:
            return "" if field.blank else field.get_default() or field.flatchoices[0][0]
        if isinstance(field, models.CharField | models.TextField):
            most = field.max_length or 60
            return field.get_default() if field.has_default() and most < 12 else self.word(most)
        if isinstance(field, models.SmallIntegerField | models.PositiveSmallIntegerField):
            return field.get_default() if field.has_default() else 1
        if isinstance(field, models.IntegerField):
            return self.number()
        if isinstance(field, models.DateTimeField):
            return None if field.null else timezone.now() - dt.timedelta(days=1)
        if isinstance(field, models.DateField):
            return None if field.null else timezone.now().date() - dt.timedelta(days=1)
        return field.get_default()

    def _related(self, field: models.Field) -> models.Model | None:
        model = field.related_model
        if model is field.model:
            return None
        if model is Staff:
            return self.owner
        if model is Account:
            return Account.objects.create(pk=self.number(), kind=Account.Kind.PURSE)
        return self.of(model)


@contextmanager
def writes() -> Iterator[list[str]]:
    """What is written to the database meanwhile: looking at every table is worth it only then."""
    found: list[str] = []

    def watch(execute, sql, params, many, context):
        if sql.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE", "WITH")):
            found.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield found


def crossings() -> Iterator[str]:
    """Rows of one merchant that name a row of another."""
    for model in kinds():
        own = tenant_of(model)
        for field in model._meta.concrete_fields:
            other = field.is_relation and field.related_model and tenant_of(field.related_model)
            if not other or f"{field.name}__{other}" == own:
                continue
            wrong = model._base_manager.exclude(**{f"{field.name}__{other}": models.F(own)}).exclude(
                **{field.name: None}
            )
            yield from (f"{model._meta.label} {pk}: {field.name}" for pk in wrong.values_list("pk", flat=True))


def text_of(response: HttpResponseBase) -> str:
    """What a response says, with its headers; workbooks cell by cell."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    head = "\n".join(f"{name}: {value}" for name, value in response.items())
    if body.startswith(b"PK"):
        sheet = load_workbook(io.BytesIO(body)).active
        return head + "\n".join(str(cell) for row in sheet.values for cell in row)
    return head + body.decode()
