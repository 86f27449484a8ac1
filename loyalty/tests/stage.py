"""The cast and its stage: Alice owns, Bob helps, Charlie must not see. Events go in by the door that shops use."""

from __future__ import annotations

import datetime as dt
from itertools import count

from django.db import transaction

from common.services import inbox
from common.services.audit import Actor
from loyalty.models import (
    Campaign,
    EarningRule,
    EarningRuleVersion,
    GrowthPolicy,
    Ladder,
    RuleCondition,
    Rung,
    Standing,
    Tier,
    Wallet,
)
from loyalty.selectors import balances
from loyalty.selectors import programme as programmes
from loyalty.services import rules

NOON = dt.datetime(2026, 3, 1, 4, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
STAFF = Actor("the test")

_numbers = count(1)


def set_programme(**values):
    """Change settings of the programme."""
    programme = programmes.current()
    for name, value in values.items():
        setattr(programme, name, value)
    programme.save()
    return programme


def a_rule(code: str = "", *, conditions: list[tuple] = (), **values) -> EarningRuleVersion:
    """A rule in force for ever: one point per yuan of a completed order, unless told otherwise."""
    rule, _ = EarningRule.objects.get_or_create(
        code=code or f"rule-{next(_numbers)}", defaults={"name": code or "Rule"}
    )
    values.setdefault("effective_from", LONG_AGO)
    version = EarningRuleVersion.objects.create(
        rule=rule, number=rule.versions.count() + 1, status=EarningRuleVersion.Status.ACTIVE, **values
    )
    for attribute, operator, value, *key in conditions:
        RuleCondition.objects.create(
            version=version, attribute=attribute, operator=operator, value=value, key=key[0] if key else ""
        )
    rules.changed()
    return version


# JD's ladder (domain.md section 2.2): tier, threshold, deduction, months valid, only with an order.
JD = (
    ("registered", 0, 0, None, False),
    ("bronze", 0, 0, None, True),
    ("silver", 2_000, 1_000, 12, False),
    ("gold", 10_000, 4_000, 12, False),
    ("diamond", 30_000, 10_000, 12, False),
)


def a_ladder(
    rungs=JD, *, effective_at: dt.datetime | None = LONG_AGO, sizes: dict[str, int] | None = None, **values
) -> Ladder:
    """A published ladder: JD's, unless told otherwise; a draft if it never takes effect.

    `sizes` are places, or shares in thousandths, by tier.
    """
    status = Ladder.Status.PUBLISHED if effective_at else Ladder.Status.DRAFT
    ladder = Ladder.objects.create(
        status=status, effective_at=effective_at, drafted_at=LONG_AGO, published_at=effective_at and LONG_AGO, **values
    )
    size = "places" if ladder.line == Ladder.Line.TOP else "share_permille"
    for rank, (code, threshold, deduction, months, needs_order) in enumerate(rungs):
        tier, _ = Tier.objects.get_or_create(code=code, defaults={"name": code.title(), "rank": rank})
        Rung.objects.create(
            ladder=ladder,
            tier=tier,
            threshold=threshold,
            deduction=deduction,
            validity_months=months,
            needs_order=needs_order,
            **({size: sizes.get(code)} if sizes else {}),
        )
    rules.changed()
    return ladder


def a_growth_policy(*, effective_at: dt.datetime = LONG_AGO, **values) -> GrowthPolicy:
    """A published growth policy: JD's defaults, unless told otherwise."""
    policy = GrowthPolicy.objects.create(
        status=GrowthPolicy.Status.PUBLISHED,
        effective_at=effective_at,
        drafted_at=LONG_AGO,
        published_at=LONG_AGO,
        **values,
    )
    rules.changed()
    return policy


def standing(subject: str = "alice") -> Standing:
    """Where a member stands."""
    return Standing.objects.select_related("tier").get(member__external_id=subject)


def a_campaign(code: str = "spring", **values) -> Campaign:
    """An active campaign around NOON."""
    values = {"starts_at": NOON - DAY, "ends_at": NOON + DAY, "status": Campaign.Status.ACTIVE, "name": code} | values
    campaign = Campaign.objects.create(code=code, **values)
    rules.changed()
    return campaign


def send(
    type: str, subject: str = "alice", at: dt.datetime = NOON, *, received: dt.datetime | None = None, **data
) -> dict:
    """Send one event that happened at `at`, received just then unless told otherwise; return its result."""
    return send_all([event(type, subject, at, **data)], received or at)[0]


def event(type: str, subject: str = "alice", at: dt.datetime = NOON, *, id: str = "", **data) -> dict:
    """A CloudEvent with an id of its own."""
    return {
        "specversion": "1.0",
        "id": id or f"evt-{next(_numbers)}",
        "source": "/shop",
        "type": type,
        "time": at.isoformat(),
        "subject": subject,
        "data": data,
    }


def send_all(events: list[dict], at: dt.datetime) -> list[dict]:
    """Send a batch."""
    return inbox.receive(events, at)


def line(number: int | str = 1, cash: int = 10000, **values) -> dict:
    """An order line, one piece of one SKU."""
    return {"line": str(number), "cash": cash, "sku": f"sku-{number}"} | values


def order(code: str = "o-1", *lines: dict, **data) -> dict:
    """Data of an order; 100.00 in one line unless told otherwise."""
    return {"order": code, "lines": list(lines) or [line()]} | data


def balance(subject: str = "alice", at: dt.datetime = NOON) -> balances.Balance:
    """What a member has."""
    return balances.of(Wallet.objects.select_related("account").get(member__external_id=subject).account, at)


@transaction.atomic
def give(points: int, subject: str = "alice", at: dt.datetime = NOON, **options):
    """Points by an adjustment; the member is registered if unknown."""
    from loyalty.services import adjustments, wallets

    account = wallets.lock([subject], at, register=True)[subject].account
    return adjustments.post(account, points, category="goodwill", reason="for the test", actor=STAFF, at=at, **options)
