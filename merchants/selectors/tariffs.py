"""What points cost a merchant (domain.md F16): q·v + fee, or the price of a pack. Integers all the way."""

from __future__ import annotations

from dataclasses import dataclass

from loyalty.models import Programme
from loyalty.selectors import programme as programmes
from merchants.models import PointPack, PointTariff


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many points cost, in minor units; `validity_days` None means that they never expire."""

    points: int
    price: int
    fee: int
    validity_days: int | None = None

    @property
    def total(self) -> int:
        """What the merchant pays."""
        return self.price + self.fee


def current() -> PointTariff:
    """The one row; made with defaults the first time it is asked for."""
    tariff = PointTariff.objects.filter(pk=1).first()
    if tariff is None:
        PointTariff.objects.bulk_create([PointTariff(pk=1)], ignore_conflicts=True)
        tariff = PointTariff.objects.get(pk=1)
    return tariff


def cost(tariff: PointTariff, programme: Programme, points: int) -> Cost:
    """⌈q·v⌉ + ⌈q·v · fee‰⌉ + fixed fee: both rounded up, so that no purchase is sold below the value of its points."""
    price = _up(points * programme.point_value_money, programme.point_value_points)
    fee = _up(points * programme.point_value_money * tariff.fee_permille, programme.point_value_points * 1000)
    return Cost(points, price, fee + tariff.fee_fixed)


def of_points(points: int) -> Cost:
    """What a free number of points costs now."""
    return cost(current(), programmes.current(), points)


def of_pack(pack: PointPack) -> Cost:
    """What a pack costs: its price, all in."""
    return Cost(pack.points, pack.price, 0, pack.validity_days)


def _up(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
