"""Gift campaigns in few words: drafted by Orla, started by Rhoda."""

from __future__ import annotations

from itertools import count

from django.db import transaction

from common.models import Staff
from common.services.audit import Actor
from loyalty.models import GiftAmount, GiftAssignment, GiftCampaign, Standing, Tier, Wallet
from loyalty.services import gift_campaigns, wallets
from loyalty.tests.stage import DAY, NOON
from members.models import Member

_numbers = count(1)


def person(name: str) -> Actor:
    return Actor(name, Staff.objects.get_or_create(username=name)[0])


def a_draft(amounts: dict[str, int] | None = None, **values) -> GiftCampaign:
    """100 points for everybody, once, nobody held out, unless told otherwise; `amounts` by tier, "" is everybody else."""
    code = values.pop("code", None) or f"gift-{next(_numbers)}"
    values = {
        "name": "Spring gift", "starts_at": NOON, "ends_at": NOON + 90 * DAY, "budget": 1_000_000, "holdout_percent": 0,
        "seed": "0" * 32, "created_by": person("orla").staff,
    } | values  # fmt: skip
    campaign = GiftCampaign.objects.create(code=code, **values)
    for tier, points in ({"": 100} if amounts is None else amounts).items():
        row = Tier.objects.get(code=tier) if tier else None
        GiftAmount.objects.create(campaign=campaign, tier=row, points=points)
    return campaign


def started(amounts: dict[str, int] | None = None, **values) -> GiftCampaign:
    """A campaign that runs."""
    return gift_campaigns.start(a_draft(amounts, **values), person("rhoda"), NOON)


@transaction.atomic
def people(*names: str, tier: str = "", **values) -> list[Member]:
    """Members with wallets."""
    values = {"registered_at": NOON - 900 * DAY} | values
    members = [Member.objects.create(external_id=name, **values) for name in names]
    for member in members:
        wallets.of(member)
    if tier:
        row, _made = Tier.objects.get_or_create(
            code=tier, defaults={"name": tier.title(), "rank": Tier.objects.count()}
        )
        Standing.objects.filter(member__in=members).update(tier=row)
    return members


def gifts(campaign: GiftCampaign | None = None) -> dict[str, int]:
    """What each treated member got."""
    rows = GiftAssignment.objects.filter(arm="treated", **({"campaign": campaign} if campaign else {}))
    return dict(rows.order_by("member__external_id").values_list("member__external_id", "points"))


def held_out(campaign: GiftCampaign) -> set[str]:
    rows = GiftAssignment.objects.filter(arm="held_out", campaign=campaign)
    return set(rows.values_list("member__external_id", flat=True))


def has(name: str) -> int:
    """The available points of a member."""
    return Wallet.objects.get(member__external_id=name).account.available
