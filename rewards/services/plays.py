"""Plays: a stake and its one chance in one transaction, and the proof of it afterwards (domain.md F17)."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from common import clock
from common.problems import NotFound, Problem
from loyalty import facts as loyalty_facts
from loyalty.models import Lot, Programme
from loyalty.services.allocation import largest_remainder
from loyalty.services.desk import Desk
from loyalty.services.ledger import Contra, Kind, Portion
from members.models import Member
from rewards import facts
from rewards.models import GameDay, GameVersion, Play, Prize, SeedPeriod
from rewards.selectors import games, odds
from rewards.services import draws, prize_claims


class NotPlayable(Problem):
    """The game cannot be played now, or not by this member; `reasons` say why."""

    code = "not_playable"
    status = 409
    title = _("This game cannot be played now.")


class OddsChanged(Problem):
    """The play names a commitment that is not in force: look at the game again."""

    code = "odds_changed"
    status = 409
    title = _("The game has a new seed or new odds. Look at it again.")


class BudgetSpent(Problem):
    """What the game may give in a day could be exceeded by one more play, so it rests."""

    code = "game_resting"
    status = 409
    title = _("The game rests until tomorrow.")


class PlayKeyReused(Problem):
    """The key was used before, for another play."""

    code = "play_key_reused"
    status = 422
    title = _("This idempotency key was used for another play.")


def play(member: Member, game_code: str, *, commitment: str, client_seed: str, key: str, at: dt.datetime) -> Play:
    """Stake the game's points and draw. Runs in the caller's transaction; the same key gives the same play.

    `commitment` is the one the member was shown, so odds seen are odds played; `client_seed` is hers to choose: letters,
    digits, - and _. Points won are in the ledger at once, rewards of the catalogue are handed out, other gifts and coupons
    become a claim, a ticket waits for the draw.
    Raises NotFound, OddsChanged, NotPlayable, InsufficientPoints, BudgetSpent, PlayKeyReused, ClosedMember.
    """
    desk = Desk([member.external_id], at)
    wallet = desk.wallet(member.external_id)
    member = wallet.member
    known = games.of_member(member).filter(key=key).select_related("game", "period").first()
    if known is not None:
        if (known.game.code, known.client_seed) != (game_code, client_seed):
            raise PlayKeyReused
        return known
    version = games.active().filter(game__code=game_code).first()
    if version is None:
        raise NotFound
    period = next((period for period in version.seed_periods.all() if period.closed_at is None), None)
    if period is None or period.commitment != commitment:
        raise OddsChanged(commitment=period.commitment if period else "")
    desk.book.settle(wallet.account_id)
    _admit(version, member, desk.book.accounts[wallet.account_id].available, at)
    play = Play(
        member=member,
        game=version.game,
        version=version,
        key=key,
        account_id=wallet.account_id,
        stake=version.stake,
        period=period,
        client_seed=client_seed,
        nonce=games.next_nonce(period, member, client_seed),
        at=at,
        played_on=clock.local_date(at),
    )
    reference = f"game:{play.uuid}"
    play.stake_seq, staked = desk.book.take(
        wallet.account_id, version.stake, kind=Kind.REDEEM, contra=Contra.REDEEMED, reference=reference
    )
    desk.publish(loyalty_facts.PointsSpent(member.external_id, version.stake, reference))
    if version.game.is_lottery:
        play.ticket = _sell_ticket(version)
    else:
        _draw(play, list(version.prizes.all()), desk.programme)
        if play.prize is not None and play.prize.kind == Prize.Kind.POINTS:
            _pay(desk, play, play.prize.points, staked, reference)
    desk.publish(
        facts.GamePlayed(
            member.external_id, version.game.code, str(play.uuid), play.stake, str(play.prize or ""), at.isoformat()
        )
    )
    if play.prize is not None:
        desk.publish(won(play, play.prize, play.value, at))
    play.save()
    if play.prize is not None and play.prize.kind != Prize.Kind.POINTS:
        prize_claims.award([(play, play.prize)], at)
    desk.close()
    return play


def won(play: Play, prize: Prize, value: int, at: dt.datetime) -> facts.PrizeWon:
    """The fact that a play has won a prize."""
    return facts.PrizeWon(
        play.member.external_id,
        play.game.code,
        str(play.uuid),
        prize.name,
        prize.kind,
        prize.points,
        value,
        at.isoformat(),
    )


def value_of(programme: Programme, prize: Prize | None) -> int:
    """What a prize is worth in whole minor units, rounded up: a budget is never exceeded by a fraction."""
    return math.ceil(odds.value(programme, prize))


def _admit(version: GameVersion, member: Member, available: int, at: dt.datetime) -> None:
    """Raises NotPlayable. The member's account is locked, so her plays cannot change meanwhile."""
    done = games.played(member, [version.game], at).get(version.game_id, games.Played())
    found = [reason for reason in games.reasons(version, done, available, at) if reason.code != "insufficient_points"]
    if found:
        raise NotPlayable(reasons=[{"code": reason.code, **reason.extra} for reason in found])


def _sell_ticket(version: GameVersion) -> int:
    """The next ticket's number. The version's row is held until the transaction ends, so numbers have no gap."""
    on_sale = GameVersion.objects.filter(pk=version.pk, drawn_at=None, tickets_sold__lt=F("tickets_most"))
    if not on_sale.update(tickets_sold=F("tickets_sold") + 1):
        raise NotPlayable(reasons=[{"code": "sold_out"}])
    return GameVersion.objects.values_list("tickets_sold", flat=True).get(pk=version.pk)


def _draw(play: Play, prizes: list[Prize], programme: Programme) -> None:
    """Draw, and take what was won from the day's budget and the stock.

    The budget is asked for the dearest prize before the draw: a play is refused before it is known what it would win.
    """
    version = play.version
    top = max(value_of(programme, prize) for prize in prizes)
    if version.daily_budget is not None:
        _reserve(version, play.played_on, top, version.daily_budget)
    play.number = draws.number(play.period.server_seed, message(play), version.weight_total)
    place = draws.pick([prize.weight for prize in prizes], play.number)
    play.drawn = None if place is None else prizes[place]
    play.prize = _from_stock(play.drawn, prizes)
    play.value = value_of(programme, play.prize)
    if version.daily_budget is not None and top > play.value:
        GameDay.objects.filter(version=version, day=play.played_on).update(value=F("value") - (top - play.value))


def message(play: Play) -> str:
    """What is signed with the server's seed."""
    return f"{play.client_seed}:{play.nonce}"


def _reserve(version: GameVersion, day: dt.date, value: int, budget: int) -> None:
    GameDay.objects.bulk_create([GameDay(version=version, day=day)], ignore_conflicts=True)
    within = GameDay.objects.filter(version=version, day=day, value__lte=budget - value)
    if not within.update(value=F("value") + value):
        raise BudgetSpent


def _from_stock(drawn: Prize | None, prizes: list[Prize]) -> Prize | None:
    """The prize if there is one left, else the fallback."""
    if drawn is None or drawn.stock is None:
        return drawn
    if Prize.objects.filter(pk=drawn.pk, remaining__gt=0).update(remaining=F("remaining") - 1):
        return drawn
    return next((prize for prize in prizes if prize.is_fallback), None)


def _pay(desk: Desk, play: Play, won: int, staked: list[Portion], reference: str) -> None:
    """Points that were won: good for the version's days, else as long as the staked ones, in the same shares."""
    fixed = until(play.version, play.at)
    points_until: Counter[dt.datetime] = Counter()
    shares = largest_remainder(won, [portion.points for portion in staked])
    for portion, share in zip(staked, shares, strict=True):
        points_until[fixed or portion.lot.expires_at] += share
    for expires_at, points in points_until.items():
        if points:
            desk.book.grant(play.account_id, points, source=Lot.Source.GAME, reference=reference, expires_at=expires_at)
    desk.publish(loyalty_facts.PointsEarned(play.member.external_id, won, 0, reference))


def until(version: GameVersion, at: dt.datetime) -> dt.datetime | None:
    """When points won at an instant expire, if the version fixes it: at the end of a local day."""
    if version.won_points_days is None:
        return None
    return clock.day_end(clock.local_date(at) + dt.timedelta(days=version.won_points_days))


# Afterwards -------------------------------------------------------------------------------------------------


def verify(play: Play) -> list[str]:
    """What does not hold of a play that was drawn at once; empty if everything does.

    Asks whether the seed is the one committed to, the number the one the seeds give, the prize the one the number falls
    on, and, where the fallback was given, whether all of the stock was won.
    """
    faults = seed_faults(play.period)
    version, prizes = play.version, list(play.version.prizes.all())
    number = draws.number(play.period.server_seed, message(play), version.weight_total)
    if number != play.number:
        faults.append(str(_("The seeds give the number %d, not %d.") % (number, play.number)))
    place = draws.pick([prize.weight for prize in prizes], number)
    drawn = None if place is None else prizes[place]
    if drawn != play.drawn:
        faults.append(str(_("The number falls on “%s”, not on “%s”.") % (drawn or "–", play.drawn or "–")))
    if play.prize != play.drawn:
        faults += _fallback_faults(play, prizes)
    return faults


def seed_faults(period: SeedPeriod) -> list[str]:
    """Whether the seed is the one committed to."""
    if draws.commitment(period.server_seed) == period.commitment:
        return []
    return [str(_("The seed is not the one that was committed to."))]


def _fallback_faults(play: Play, prizes: list[Prize]) -> list[str]:
    fallback = next((prize for prize in prizes if prize.is_fallback), None)
    if play.drawn is None or play.drawn.stock is None or play.prize != fallback:
        return [str(_("The prize that was given is not the one that was drawn."))]
    if Play.objects.filter(prize=play.drawn).count() < play.drawn.stock:
        return [str(_("The fallback was given although there was a prize left."))]
    return []
