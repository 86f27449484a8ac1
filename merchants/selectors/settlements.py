"""A month's matrix: who owes whom, in words that each may read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from merchants.models import Merchant, Settlement, SettlementCell

Kind = SettlementCell.Kind
OWN, PLATFORM, OTHERS = "own", "platform", "others"


@dataclass(slots=True)
class Amount:
    """Points and their money in minor units, by kind and in all."""

    points: int = 0
    money: int = 0
    by_kind: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, cell: SettlementCell) -> None:
        """Count one cell."""
        self.points += cell.points
        self.money += cell.money
        self.by_kind[cell.kind] += cell.points


@dataclass(slots=True)
class Matrix:
    """Parties (None is the platform, first), what row owes column, and what each gets (+) or pays (−) in all."""

    parties: list[Merchant | None]
    owed: dict[tuple[int | None, int | None], Amount]
    net: dict[int | None, int]


def matrix(settlement: Settlement) -> Matrix:
    """The whole matrix, for finance of the platform. One query."""
    owed: dict[tuple[int | None, int | None], Amount] = defaultdict(Amount)
    net: dict[int | None, int] = defaultdict(int)
    merchants: dict[int, Merchant] = {}
    for cell in settlement.cells.select_related("issuer", "redeemer"):
        owed[cell.issuer_id, cell.redeemer_id].add(cell)
        net[cell.redeemer_id] += cell.money
        net[cell.issuer_id] -= cell.money
        merchants |= {party.pk: party for party in (cell.issuer, cell.redeemer) if party}
    parties: list[Merchant | None] = [None, *sorted(merchants.values(), key=lambda merchant: merchant.code)]
    return Matrix(parties, dict(owed), dict(net))


@dataclass(slots=True)
class Share:
    """One merchant's row and column: its points at its own stores, the platform and other merchants; and theirs at its own.

    Other merchants are summed up: their names and numbers are their own.
    """

    issued: dict[str, Amount]
    redeemed: dict[str, Amount]

    @property
    def net(self) -> int:
        """What the merchant gets (+) or has used of its prepaid points (−), in minor units."""
        return sum(a.money for a in self.redeemed.values()) - sum(a.money for a in self.issued.values())


def share(settlement: Settlement, merchant: Merchant) -> Share:
    """What a merchant may see of a month. One query."""
    return shares([settlement], merchant)[settlement.pk]


def shares(settlements: list[Settlement], merchant: Merchant) -> dict[int, Share]:
    """What a merchant may see of some months. One query."""
    found = {row.pk: Share(defaultdict(Amount), defaultdict(Amount)) for row in settlements}
    for cell in SettlementCell.objects.filter(settlement__in=settlements):
        if cell.issuer_id == merchant.pk:
            found[cell.settlement_id].issued[_party(cell.redeemer_id, merchant)].add(cell)
        if cell.redeemer_id == merchant.pk:
            found[cell.settlement_id].redeemed[_party(cell.issuer_id, merchant)].add(cell)
    return found


def _party(merchant_id: int | None, own: Merchant) -> str:
    if merchant_id is None:
        return PLATFORM
    return OWN if merchant_id == own.pk else OTHERS
