"""Points that move between members: transfers and gifts (off by default), and merges."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput, Problem
from loyalty import facts
from loyalty.models import Account, Lot, Transfer, Wallet
from loyalty.services import inheritance, tiers, wallets
from loyalty.services.desk import Desk
from members.models import Member


class TransfersNotAllowed(Problem):
    """The programme does not let members pass points on."""

    code = "transfers_not_allowed"
    status = 403
    title = _("Points cannot be passed on in this programme.")


def send(sender: Member, receiver: Member, points: int, *, kind: str, message: str = "", at: dt.datetime) -> Transfer:
    """Pass points > 0 on, soonest-expiring first; they keep their expiry, funder and rule. Runs in the caller's transaction.

    Raises TransfersNotAllowed, InvalidInput (to oneself), InsufficientPoints, ClosedMember.
    """
    desk = Desk([sender.external_id, receiver.external_id], at)
    allowed: dict[str, bool] = {
        Transfer.Kind.TRANSFER: desk.programme.transfers_allowed,
        Transfer.Kind.GIFT: desk.programme.gifts_allowed,
    }
    if not allowed.get(kind):
        raise TransfersNotAllowed
    giver, taker = desk.wallet(sender.external_id), desk.wallet(receiver.external_id)
    if giver.account_id == taker.account_id:
        raise InvalidInput(_("Points cannot be passed on to oneself."))
    if points <= 0:
        raise InvalidInput(_("Give a whole number of points of at least 1."))
    transfer = Transfer(kind=kind, sender=giver.account, receiver=taker.account, points=points, message=message, at=at)
    desk.book.settle(giver.account_id)
    desk.book.settle(taker.account_id)
    desk.book.require(giver.account_id, points)
    portions = desk.book.portions(desk.book.spendable(giver.account_id), points)
    reference = f"transfer:{transfer.uuid}"
    desk.book.move(giver.account_id, taker.account_id, portions, source=Lot.Source.TRANSFER, reference=reference)
    desk.add(transfer)
    desk.publish(facts.PointsTransferred(giver.member.external_id, points, taker.member.external_id, kind, reference))
    desk.close()
    return transfer


def merge(source: Member, target: Member, at: dt.datetime) -> Transfer | None:
    """Bring a merged member's points to the member it was merged into, lot by lot with expiry and origin (E58).

    Debts add; points held for an open checkout follow when the hold is let go. Twice is once. Runs in the caller's
    transaction.
    """
    giver, taker = wallets.of(source).account, wallets.of(target).account
    desk = Desk([], at)
    desk.lock([giver.pk, taker.pk])
    giver = desk.book.accounts[giver.pk]
    if giver.merged_into_id or giver.pk == taker.pk:
        return None
    desk.change(giver, merged_into=taker)
    desk.book.settle(giver.pk)
    desk.book.settle(taker.pk)
    transfer = Transfer(kind=Transfer.Kind.MERGE, sender=giver, receiver=taker, points=0, at=at)
    reference = f"transfer:{transfer.uuid}"
    transfer.points = desk.book.sweep(giver.pk, taker.pk, reference)
    pair = _pair(giver, taker, at)
    inheritance.merge(desk, pair[giver.pk], pair[taker.pk], reference=reference)
    desk.add(transfer)
    desk.close()
    return transfer


def unmerge(source: Member, target: Member, at: dt.datetime) -> Transfer | None:
    """Bring back what is left of the points that a merge had brought. Debts stay. Runs in the caller's transaction."""
    giver, taker = wallets.of(target).account, wallets.of(source).account
    desk = Desk([], at)
    desk.lock([giver.pk, taker.pk])
    taker = desk.book.accounts[taker.pk]
    if taker.merged_into_id != giver.pk:
        return None
    desk.change(taker, merged_into=None)
    desk.book.settle(giver.pk)
    came = set(_lots_from(giver, taker))
    portions = [p for p in desk.book.whole(giver.pk) if p.lot.pk in came]
    transfer = Transfer(kind=Transfer.Kind.UNMERGE, sender=giver, receiver=taker, points=0, at=at)
    transfer.points = sum(portion.points for portion in portions)
    reference = f"transfer:{transfer.uuid}"
    desk.book.move(giver.pk, taker.pk, portions, source=Lot.Source.MERGE, reference=reference)
    pair = _pair(giver, taker, at)
    merged = Transfer.objects.filter(kind=Transfer.Kind.MERGE, sender=taker, receiver=giver).latest("pk")
    inheritance.unmerge(desk, pair[taker.pk], pair[giver.pk], merged=f"transfer:{merged.uuid}", reference=reference)
    desk.add(transfer)
    desk.close()
    return transfer


def _pair(giver: Account, taker: Account, at: dt.datetime) -> dict[int, Wallet]:
    """The wallets of two locked accounts, when what was due of the members has been done, even if the job is late."""
    tiers.catch_up([wallet.member_id for wallet in wallets.of_accounts([giver.pk, taker.pk]).values()], at)
    return wallets.of_accounts([giver.pk, taker.pk])


def _lots_from(account: Account, origin: Account):
    return Lot.objects.filter(
        account=account, is_open=True, source=Lot.Source.MERGE, parent__account=origin
    ).values_list("pk", flat=True)


def close(member: Member, at: dt.datetime) -> int:
    """The member leaves: holds are let go and all points expire through the ledger (E59); returns how many."""
    desk = Desk([], at)
    account = wallets.of(member).account
    desk.lock([account.pk])
    reference = f"closed:{member.external_id}"
    points = desk.book.forfeit(account.pk, reference=reference)
    desk.growth.close(wallets.of_accounts([account.pk])[account.pk], reference=reference)
    desk.close()
    return points
