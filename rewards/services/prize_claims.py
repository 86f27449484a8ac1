"""Gifts and coupons that were won: handed out at once if the catalogue has them, else sent, then delivered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from common import sql
from common.models import JobRun, Staff
from common.problems import InvalidInput, Problem
from common.services import audit, jobs
from loyalty.selectors import spans
from members.models import Member
from members.services import members
from rewards.models import Play, Prize, PrizeClaim
from rewards.services import gifts

JOB = "hand-out-prizes"
CLAIMS_PER_CHUNK = 500


class ClaimMovedOn(Problem):
    """The prize was sent or delivered before."""

    code = "claim_moved_on"
    status = 409
    title = _("This prize has moved on already.")


class NothingLeft(Problem):
    """The reward has no code or stock left, or it is not active."""

    code = "nothing_left"
    status = 409
    title = _("There is none left of this reward. Import codes or raise its stock first.")


def award(won: Sequence[tuple[Play, Prize]], at: dt.datetime) -> None:
    """Write a claim for each gift and coupon that was won; what is a reward of the catalogue is handed out at once.

    Runs in the caller's transaction, after which nothing but purses may be locked.
    """
    claims = [PrizeClaim(play=play, prize=prize, won_at=at) for play, prize in won]
    _hand_out(claims, at)
    sql.insert(claims)


def hand_out(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Hand out what was not there when it was won. Safe to stop, repeat and run twice."""
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(waiting(), CLAIMS_PER_CHUNK, by="id"),
        work=lambda first, last: _hand_out_again(waiting().filter(pk__gte=first, pk__lte=last), at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def hand_out_one(claim: PrizeClaim, actor: audit.Actor, at: dt.datetime) -> PrizeClaim:
    """The same for one claim. Raises ClaimMovedOn, NothingLeft."""
    with transaction.atomic():
        claim = _locked(claim, PrizeClaim.Status.OPEN)
        if not _hand_out_again(waiting().filter(pk=claim.pk), at).get("handed_out"):
            raise NothingLeft
        audit.record(actor, "rewards.prize_claims.hand_out", claim, _("Handed out: %s") % claim, at)
    claim.refresh_from_db()
    return claim


def waiting() -> QuerySet[PrizeClaim]:
    """Claims of rewards that have not been handed out; who has left the programme gets none."""
    open_ones = PrizeClaim.objects.filter(status=PrizeClaim.Status.OPEN, prize__reward__isnull=False)
    return open_ones.exclude(play__member__status=Member.Status.CLOSED)


def _hand_out_again(claims: QuerySet[PrizeClaim], at: dt.datetime) -> dict[str, int]:
    rows = claims.select_for_update(of=("self",), skip_locked=True).order_by("pk")
    found = list(rows.select_related("prize__reward__merchant", "prize__version__game", "play__member__merged_into"))
    done = _hand_out(found, at)
    if done:
        sql.update_rows(done, ["status", "redemption", "delivered_at"])
    return {"handed_out": len(done), "owed": len(found) - len(done)}


def _hand_out(claims: Sequence[PrizeClaim], at: dt.datetime) -> list[PrizeClaim]:
    """Give the rewards among these prizes, as far as there are some; the claims that are done by it, unsaved.

    Who was merged since has won for who remains (E58); who has left gets nothing.
    """
    wanted = []
    for claim in claims:
        member = members.remaining(claim.play.member)
        if claim.prize.reward is not None and member.status != Member.Status.CLOSED:
            wanted.append((claim, gifts.Want(member, claim.prize.reward, str(claim.prize.version.game))))
    given = gifts.give([want for _claim, want in wanted], actor=audit.Actor(str(_("games"))), at=at)
    done = []
    for (claim, _want), redemption in zip(wanted, given, strict=True):
        if redemption is not None:
            claim.status, claim.redemption, claim.delivered_at = PrizeClaim.Status.DELIVERED, redemption, at
            done.append(claim)
    return done


def send(claim: PrizeClaim, note: str, actor: audit.Actor, at: dt.datetime) -> PrizeClaim:
    """The prize is on its way; `note` says how (a parcel's number, a coupon's code). Raises InvalidInput, ClaimMovedOn."""
    note = note.strip()
    if not note:
        raise InvalidInput(_("Say what was sent: the parcel's number, or the coupon's code."))
    with transaction.atomic():
        claim = _locked(claim, PrizeClaim.Status.OPEN)
        claim.status, claim.note, claim.sent_at = PrizeClaim.Status.SENT, note, at
        claim.save(update_fields=["status", "note", "sent_at"])
        audit.record(actor, "rewards.prize_claims.send", claim, _("Sent: %s") % claim, at)
    return claim


def deliver(claim: PrizeClaim, actor: audit.Actor, at: dt.datetime) -> PrizeClaim:
    """The winner has it. Raises ClaimMovedOn."""
    with transaction.atomic():
        claim = _locked(claim, PrizeClaim.Status.SENT)
        claim.status, claim.delivered_at = PrizeClaim.Status.DELIVERED, at
        claim.save(update_fields=["status", "delivered_at"])
        audit.record(actor, "rewards.prize_claims.deliver", claim, _("Delivered: %s") % claim, at)
    return claim


def _locked(claim: PrizeClaim, status: str) -> PrizeClaim:
    claims = PrizeClaim.objects.select_for_update(of=("self",)).select_related("prize", "play__member")
    claim = claims.get(pk=claim.pk)
    if claim.status != status:
        raise ClaimMovedOn
    return claim
