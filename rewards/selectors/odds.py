"""What a version of a game gives and costs, exactly: fractions of whole numbers, never floats (domain.md F17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from loyalty.models import Programme
from rewards.models import GameVersion, Prize, Reward


@dataclass(frozen=True, slots=True)
class Chance:
    """A prize, its value in minor units, and how likely one play wins it; None = the rest, which wins nothing."""

    prize: Prize | None
    value: Fraction
    probability: Fraction


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a version cannot be activated: a stable code and the rule in words."""

    code: str
    words: str | Promise


@dataclass(frozen=True, slots=True)
class Odds:
    """A version in numbers; values in minor units of money, points at the programme's worth.

    `expected` is what one play gives on average (EV); of a lottery: if only the least number of tickets is sold.
    `top` is the most that one play can win in all: a stake has one chance, a ticket is drawn once, and a fallback is given
    in a prize's place. `worst_day` is the most that one day can cost; None = nothing bounds it. `worst_member_day`: one
    member's day.
    """

    chances: list[Chance]
    stake: Fraction
    expected: Fraction
    top: Fraction
    worst_day: Fraction | None
    worst_member_day: Fraction | None

    @property
    def ratio(self) -> Fraction:
        """What a play gives on average as a share of what it costs the member."""
        return self.expected / self.stake


def worth(programme: Programme, points: int) -> Fraction:
    """Points in minor units of money, exactly."""
    return Fraction(points * programme.point_value_money, programme.point_value_points)


def value(programme: Programme, prize: Prize | None) -> Fraction:
    """What a prize is worth in minor units: its market price, or its points at what they pay for."""
    if prize is None:
        return Fraction(0)
    return worth(programme, prize.points) if prize.kind == Prize.Kind.POINTS else Fraction(prize.price)


def of(version: GameVersion, prizes: Sequence[Prize], programme: Programme) -> Odds:
    """The odds of a version with these prizes."""
    values = [value(programme, prize) for prize in prizes]
    if version.game.is_lottery:
        total = max(version.tickets_sold if version.drawn_at else version.tickets_least or 1, 1)
        shares = [Fraction(min(prize.stock or 0, total), total) for prize in prizes]
    else:
        shares = [Fraction(prize.weight, version.weight_total) for prize in prizes]
    chances = [Chance(*row) for row in zip(prizes, values, shares, strict=True)]
    rest = 1 - sum(shares, Fraction(0))
    if rest > 0 and not version.game.is_lottery:
        chances.append(Chance(None, Fraction(0), rest))
    expected = sum((chance.value * chance.probability for chance in chances), Fraction(0))
    top = max(values, default=Fraction(0))
    return Odds(
        chances=chances,
        stake=worth(programme, version.stake),
        expected=expected,
        top=top,
        worst_day=_worst_day(version, prizes, values),
        worst_member_day=_worst_member_day(version, top),
    )


def _worst_day(version: GameVersion, prizes: Sequence[Prize], values: Sequence[Fraction]) -> Fraction | None:
    """All that is in stock, or the day's budget, whichever is less."""
    bounds = [] if version.daily_budget is None else [Fraction(version.daily_budget)]
    if all(prize.stock is not None for prize in prizes):
        left = ((prize.stock if prize.remaining is None else prize.remaining) or 0 for prize in prizes)
        bounds.append(sum((count * each for count, each in zip(left, values, strict=True)), Fraction(0)))
    return min(bounds, default=None)


def _worst_member_day(version: GameVersion, top: Fraction) -> Fraction | None:
    limits = [limit for limit in (version.daily_limit, version.lifetime_limit) if limit is not None]
    return top * min(limits) if limits else None


def faults(version: GameVersion, prizes: Sequence[Prize], programme: Programme) -> list[Fault]:
    """Why a version cannot be activated; empty if it can.

    The top prize is at most 50,000 yuan (Anti-Unfair Competition Law art. 10, domain.md 2.9). The law adds up what one
    ticket can win: here a stake buys one chance, and a lottery draws a ticket once, so that is its dearest prize.
    """
    found = [] if prizes else [Fault("no_prizes", _("There is no prize."))]
    odds = of(version, prizes, programme)
    if any(p.reward is not None and p.reward.status != Reward.Status.ACTIVE for p in prizes):
        found.append(Fault("reward_not_active", _("A prize is a reward that is not active.")))
    if any(p.reward is not None and p.price < p.reward.perceived_value for p in prizes):
        found.append(
            Fault("price_below_reward", _("A prize is worth more in the catalogue than its market price says."))
        )
    if odds.top > settings.GAME_TOP_PRIZE:
        found.append(Fault("top_prize_too_high", _("The top prize is worth more than the law allows for one ticket.")))
    if odds.ratio > Fraction(version.cost_cap_percent, 100):
        found.append(Fault("cost_above_cap", _("On average a play gives more than the allowed share of its stake.")))
    if version.daily_budget is not None and odds.top > version.daily_budget:
        found.append(Fault("budget_below_top_prize", _("The budget of a day does not pay for the top prize.")))
    return found + (_lottery_faults if version.game.is_lottery else _draw_faults)(version, prizes, programme)


def _draw_faults(version: GameVersion, prizes: Sequence[Prize], programme: Programme) -> list[Fault]:
    found = []
    if sum(prize.weight for prize in prizes) > version.weight_total:
        found.append(Fault("weights_above_total", _("The weights add up to more than the total.")))
    if any(not prize.weight for prize in prizes):
        found.append(Fault("prize_without_weight", _("A prize without a weight can never be won.")))
    fallback = next((prize for prize in prizes if prize.is_fallback), None)
    if fallback is not None and fallback.stock is not None:
        found.append(Fault("fallback_has_stock", _("The fallback must not run out: leave its stock empty.")))
    stocked = [value(programme, prize) for prize in prizes if prize.stock is not None]
    if stocked and value(programme, fallback) > min(stocked):
        found.append(Fault("fallback_too_dear", _("The fallback is worth more than a prize it stands in for.")))
    return found


def _lottery_faults(version: GameVersion, prizes: Sequence[Prize], programme: Programme) -> list[Fault]:
    found = []
    if version.draws_at is None or version.draws_at < version.ends_at:
        found.append(Fault("draw_before_end", _("A lottery is drawn when no more tickets are sold.")))
    if any(not prize.stock for prize in prizes):
        found.append(Fault("prize_without_stock", _("Say of each prize how many tickets win it.")))
    least, most = version.tickets_least or 0, version.tickets_most or 0
    if not 0 < least <= most:
        found.append(Fault("tickets_unclear", _("Say how many tickets are sold at least and at most.")))
    if sum(prize.stock or 0 for prize in prizes) > least:
        found.append(Fault("more_prizes_than_tickets", _("There are more prizes than the least number of tickets.")))
    if version.daily_budget is not None:
        found.append(Fault("lottery_has_no_day", _("A lottery gives everything in one draw: leave the budget empty.")))
    return found
