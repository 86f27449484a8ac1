"""Lotteries: one draw over all tickets, decided in one transaction and paid out in chunks; anybody can repeat it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from common import sql
from common.models import JobRun, Staff
from common.services import jobs, outbox
from loyalty import facts as loyalty_facts
from loyalty.models import Lot, Wallet
from loyalty.selectors import programme as programmes
from loyalty.selectors import spans
from loyalty.services.desk import ClosedMember, Desk
from loyalty.services.ledger import Contra, Kind
from rewards import facts
from rewards.models import Game, GameVersion, Outcome, Play, Prize
from rewards.services import draws, plays, prize_claims, seeds

JOB = "settle-lotteries"
_TICKETS_PER_CHUNK = 200


def due(at: dt.datetime) -> QuerySet[GameVersion]:
    """The lotteries that were on sale and whose draw has come."""
    return GameVersion.objects.filter(
        game__kind=Game.Kind.LOTTERY, draws_at__lte=at, drawn_at=None, activated_at__isnull=False
    ).exclude(status=GameVersion.Status.REPLACED)


def unsettled() -> QuerySet[Outcome]:
    """What was drawn or called off and has not reached the members' accounts."""
    return Outcome.objects.filter(settled_at=None)


def draw(version: GameVersion, at: dt.datetime) -> GameVersion:
    """Draw a lottery that is due and reveal its seed; too few tickets: call it off. Drawn before: nothing to do.

    Prizes are drawn in their order, without replacement. Nothing moves in the ledger yet: `settle` does that.
    """
    with transaction.atomic():
        version = GameVersion.objects.select_for_update(of=("self",)).select_related("game").get(pk=version.pk)
        if not due(at).filter(pk=version.pk).exists():
            return version
        version.called_off = version.tickets_sold < (version.tickets_least or 0)
        if version.called_off:
            tickets = version.plays.order_by("ticket").values_list("pk", flat=True)
            sql.insert([Outcome(version=version, play_id=play) for play in tickets])
        else:
            outcomes = list(_outcomes(version))
            sql.insert(outcomes)
            _tell(outcomes, at)
        version.drawn_at, version.status = at, GameVersion.Status.STOPPED
        version.save(update_fields=["drawn_at", "called_off", "status"])
        seeds.close(version, at)
        winners = 0 if version.called_off else len(outcomes)
        told = facts.LotteryDrawn(
            version.game.code, version.number, version.tickets_sold, winners, version.called_off, at.isoformat()
        )
        outbox.publish([told], at)
    return version


def _outcomes(version: GameVersion) -> Iterator[Outcome]:
    """The winners by place, from the seed and what the players added."""
    period = version.seed_periods.latest("pk")
    chosen = version.plays.order_by("ticket").values_list("client_seed", flat=True)
    salt = draws.salt(chosen.iterator(chunk_size=10_000))
    prizes = [prize for prize in version.prizes.select_related("reward__merchant") for _one in range(prize.stock or 0)]
    drawn = draws.winners(period.server_seed, salt, version.tickets_sold, len(prizes))
    by_ticket = {}
    for start in range(0, len(drawn), 500):  # SQLite takes so many parameters
        some = [ticket for _number, ticket in drawn[start : start + 500]]
        won = version.plays.filter(ticket__in=some).select_related("member", "game")
        by_ticket |= {play.ticket: play for play in won}
    for place, (prize, (number, ticket)) in enumerate(zip(prizes, drawn, strict=False), 1):
        yield Outcome(version=version, play=by_ticket[ticket], place=place, number=number, prize=prize)


def _tell(outcomes: list[Outcome], at: dt.datetime) -> None:
    """Every winner hears of it; gifts and coupons become claims, or are handed out."""
    programme = programmes.current()
    won = [(outcome.play, outcome.prize) for outcome in outcomes if outcome.prize is not None]
    outbox.publish([plays.won(play, prize, plays.value_of(programme, prize), at) for play, prize in won], at)
    prize_claims.award([(play, prize) for play, prize in won if prize.kind != Prize.Kind.POINTS], at)


# Paying -----------------------------------------------------------------------------------------------------


def settle(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Move the points of what was drawn or called off. Safe to stop, repeat and run twice."""
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(unsettled(), _TICKETS_PER_CHUNK, by="id"),
        work=lambda first, last: _settle(first, last, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def _settle(first: int, last: int, at: dt.datetime) -> dict[str, int]:
    """One range of outcomes. They are read again under their members' lock: another run may have been faster."""
    within = unsettled().filter(pk__gte=first, pk__lte=last).select_related("play__member", "version", "prize")
    names = [outcome.play.member.external_id for outcome in within]
    if not names:
        return {}
    desk = Desk(names, at)
    paid = returned = 0
    outcomes = list(within.order_by("pk"))
    for outcome in outcomes:
        outcome.settled_at = at
        try:
            wallet = desk.wallet(outcome.play.member.external_id)
        except ClosedMember:  # her points have expired, and these would, too
            continue
        reference = f"game:{outcome.play.uuid}"
        if outcome.prize is None:
            returned += _return(desk, outcome.play, wallet, reference)
        elif outcome.prize.kind == Prize.Kind.POINTS:
            paid += _pay(desk, outcome.version, outcome.prize.points, wallet, reference)
    desk.close()
    sql.update_rows(outcomes, ["settled_at"])
    return {"tickets": len(outcomes), "paid": paid, "returned": returned}


def _return(desk: Desk, play: Play, wallet: Wallet, reference: str) -> int:
    """The stake goes back to its very lots. What has expired meanwhile comes back as new points: the house called off."""
    account_id, name = wallet.account_id, wallet.member.external_id
    portions = desk.book.drawn(play.account_id, play.stake_seq)
    if account_id == play.account_id:
        alive = [portion for portion in portions if portion.lot.expires_at > desk.at]
        desk.book.put_back(account_id, alive, kind=Kind.RESTORE, contra=Contra.REDEEMED, reference=reference)
        portions = [portion for portion in portions if portion.lot.expires_at <= desk.at]
    for portion in portions:
        until = portion.lot.expires_at
        desk.book.grant(
            account_id,
            portion.points,
            source=Lot.Source.RESTORE,
            reference=reference,
            expires_at=until if until > desk.at else desk.expires_at(None, desk.at),
            kind=Kind.RESTORE,
            contra=Contra.REDEEMED,
            funder_id=portion.lot.funder_id,
            rule_version=portion.lot.rule_version,
            parent=portion.lot,
        )
    desk.publish(loyalty_facts.PointsRestored(name, play.stake, reference))
    return play.stake


def _pay(desk: Desk, version: GameVersion, points: int, wallet: Wallet, reference: str) -> int:
    """Points won in a draw are good for the version's days, else as the programme says from the draw on."""
    desk.book.settle(wallet.account_id)
    desk.book.grant(
        wallet.account_id,
        points,
        source=Lot.Source.GAME,
        reference=reference,
        expires_at=plays.until(version, desk.at) or desk.expires_at(None, desk.at),
    )
    desk.publish(loyalty_facts.PointsEarned(wallet.member.external_id, points, 0, reference))
    return points


# Afterwards -------------------------------------------------------------------------------------------------


def verify(version: GameVersion) -> list[str]:
    """What does not hold of a lottery's draw; empty if everything does, or if it was not drawn."""
    if version.drawn_at is None:
        return []
    faults = plays.seed_faults(version.seed_periods.latest("pk"))
    if version.plays.count() != version.tickets_sold:
        faults.append(str(_("Not every ticket that was sold is there.")))
    stored = list(version.outcomes.values_list("place", "number", "play_id", "prize_id"))
    if version.called_off:
        expected = [(None, None, play, None) for play in version.plays.order_by("pk").values_list("pk", flat=True)]
        stored.sort(key=lambda row: row[2])
    else:
        expected = [(o.place, o.number, o.play_id, o.prize_id) for o in _outcomes(version)]
    if stored != expected:
        faults.append(str(_("The seeds give other winners.")))
    return faults
