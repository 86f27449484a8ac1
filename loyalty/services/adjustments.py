"""Points given or taken by a person, with a reason; a wrong adjustment is repaired by a further one."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput, Problem
from common.services import audit
from loyalty import facts
from loyalty.models import Account, Adjustment, Lot
from loyalty.services import ledger
from loyalty.services.desk import Desk
from loyalty.services.ledger import Contra, Kind

MOST = 10**9


class AlreadyReversed(Problem):
    """An adjustment is reversed once, and a reversal is not reversed again."""

    code = "already_reversed"
    status = 409
    title = _("This adjustment has been reversed before, or is a reversal itself.")


def post(
    account: Account,
    points: int,
    *,
    category: str,
    reason: str,
    actor: audit.Actor,
    at: dt.datetime,
    expires_at: dt.datetime | None = None,
    reverses: Adjustment | None = None,
) -> Adjustment:
    """Give (points > 0, expiring as the programme says unless told) or take points. Runs in the caller's transaction.

    A write-off lowers the debt instead. Raises InvalidInput (no reason, no points, too many), InsufficientPoints.
    """
    reason = reason.strip()
    if not reason:
        raise InvalidInput(_("An adjustment needs a reason."))
    if not points or abs(points) > MOST:
        raise InvalidInput(_("Give a whole number of points between 1 and %(most)d, or its negative.") % {"most": MOST})
    desk = Desk([], at)
    desk.lock([account.pk])
    if desk.book.accounts[account.pk].merged_into_id:
        raise InvalidInput(_("The member was merged into another one: adjust the other's points."))
    adjustment = Adjustment(
        account=account,
        points=points,
        category=category,
        reason=reason,
        expires_at=expires_at,
        reverses=reverses,
        actor=actor.staff,
        actor_label=actor.label,
        at=at,
    )
    reference = f"adjustment:{adjustment.uuid}"
    before = desk.book.accounts[account.pk].available
    _move(desk, adjustment, reference)
    desk.add(adjustment)
    desk.publish(facts.PointsAdjusted(_key(account), points, category, reference))
    desk.close()
    audit.record(
        actor,
        "loyalty.adjustments.post",
        adjustment,
        f"{points:+d} points for {_key(account)}",
        at,
        reason=reason,
        data={"before": before, "after": desk.book.accounts[account.pk].available},
    )
    return adjustment


def _move(desk: Desk, adjustment: Adjustment, reference: str) -> None:
    account_id, points = adjustment.account_id, adjustment.points
    if adjustment.category == Adjustment.Category.WRITE_OFF:
        owed = desk.book.accounts[account_id].owed
        if not 0 < points <= owed:
            raise InvalidInput(_("A write-off is at most the debt of %(owed)d points.") % {"owed": owed})
        desk.book.write_off(account_id, points, contra=Contra.ADJUSTED, reference=reference)
    elif points > 0:
        desk.book.settle(account_id)
        desk.book.grant(
            account_id,
            points,
            source=Lot.Source.ADJUSTMENT,
            reference=reference,
            expires_at=adjustment.expires_at or desk.expires_at(None, desk.at),
            kind=Kind.ADJUST,
            contra=Contra.ADJUSTED,
            # A purse's own lots name it, so that it stays their funder wherever they go.
            funder_id=account_id if adjustment.account.kind == Account.Kind.PURSE else None,
        )
    else:
        desk.book.take(account_id, -points, kind=Kind.ADJUST, contra=Contra.ADJUSTED, reference=reference)


def reverse(adjustment: Adjustment, *, reason: str, actor: audit.Actor, at: dt.datetime) -> Adjustment:
    """Undo an adjustment by its opposite, which names it. Raises AlreadyReversed, InsufficientPoints."""
    ledger.lock([adjustment.account_id])
    unfit = (Adjustment.Category.REVERSAL, Adjustment.Category.WRITE_OFF)
    if adjustment.category in unfit or Adjustment.objects.filter(reverses=adjustment).exists():
        raise AlreadyReversed
    return post(
        adjustment.account,
        -adjustment.points,
        category=Adjustment.Category.REVERSAL,
        reason=reason,
        actor=actor,
        at=at,
        reverses=adjustment,
    )


def _key(account: Account) -> str:
    wallet = getattr(account, "wallet", None)
    return wallet.member.external_id if wallet else f"account:{account.pk}"
