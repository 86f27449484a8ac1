"""Points that move between members: transfers and gifts (off by default), and merges."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput, Problem
from loyalty import facts
from loyalty.models import Account, GrowthEntry, Lot, Transfer, Wallet
from loyalty.selectors import merging
from loyalty.services import inheritance, ledger, tiers, wallets
from loyalty.services.desk import Desk
from members.models import Member
from members.selectors import kin


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
    reference = _reference(transfer)
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
    reference = _reference(transfer)
    transfer.points = desk.book.sweep(giver.pk, taker.pk, reference)
    way = _way(desk, giver)
    held = _caught_up(way, at)
    for one, next_one in pairwise(way):
        inheritance.merge(desk, held[one.pk], held[next_one.pk], reference=reference)
    desk.add(transfer)
    desk.close()
    return transfer


def unmerge(source: Member, target: Member, at: dt.datetime) -> Transfer | None:
    """Bring back what is left of the points that a merge had brought, wherever merges of the target have led since.

    Debts stay. Runs in the caller's transaction.
    """
    taker, target_account = wallets.of(source).account, wallets.of(target).account
    desk = Desk([], at)
    desk.lock([target_account.pk, taker.pk])
    taker = desk.book.accounts[taker.pk]
    if taker.merged_into_id != target_account.pk:
        return None
    way = _way(desk, taker)
    giver = way[-1]
    came = merging.brought(taker, target_account)
    desk.change(taker, merged_into=None)
    desk.book.settle(giver.pk)
    portions = [p for p in desk.book.whole(giver.pk) if p.lot.pk in came]
    transfer = Transfer(kind=Transfer.Kind.UNMERGE, sender=giver, receiver=taker, points=0, at=at)
    transfer.points = sum(portion.points for portion in portions)
    reference = _reference(transfer)
    desk.book.move(giver.pk, taker.pk, portions, source=Lot.Source.MERGE, reference=reference)
    held = _caught_up(way, at)
    gone = _partings(way, source)
    inheritance.unmerge(desk, held[taker.pk], held[giver.pk], way=_legs(way, held), gone=gone, reference=reference)
    desk.add(transfer)
    desk.close()
    return transfer


def _way(desk: Desk, account: Account) -> list[Account]:
    """The accounts that merges have led through, locked: this one first, the one that remains last."""
    way = [account]
    while further := way[-1].merged_into_id:
        desk.book.include(ledger.lock({further} - desk.book.accounts.keys()))
        way.append(desk.book.accounts[further])
    return way


def _legs(way: Sequence[Account], held: dict[int, Wallet]) -> list[inheritance.Leg]:
    """What growth knows of the last merge between each two of these accounts.

    A merge into the first one that was carried out later went through it, under a reference of its own.
    """
    merges = Transfer.objects.filter(kind=Transfer.Kind.MERGE)
    legs = []
    for giver, taker in pairwise(way):
        merged = merges.filter(sender=giver, receiver=taker).latest("pk")
        given = GrowthEntry.objects.filter(member=held[giver.pk].member_id, kind=GrowthEntry.Kind.MERGE, delta__lt=0)
        through = given.filter(at__gte=merged.at).order_by().values_list("reference", flat=True)
        legs.append(inheritance.Leg(held[taker.pk].member.standing, {_reference(merged), *through}))
    return legs


def _partings(way: Sequence[Account], source: Member) -> list[str]:
    """The references under which others have left these accounts who had come with the source."""
    merges = Transfer.objects.filter(kind=Transfer.Kind.MERGE)
    came_to = merges.filter(sender=OuterRef("receiver"), pk__lt=OuterRef("pk")).order_by("-pk").values("receiver")[:1]
    partings = Transfer.objects.filter(kind=Transfer.Kind.UNMERGE, sender__in=way).alias(came_to=Subquery(came_to))
    whose = Account.objects.filter(wallet__member__in=kin.ids(source.pk))
    return [_reference(parting) for parting in partings.filter(came_to__in=whose)]


def _reference(transfer: Transfer) -> str:
    return f"transfer:{transfer.uuid}"


def _caught_up(accounts: Sequence[Account], at: dt.datetime) -> dict[int, Wallet]:
    """The wallets of locked accounts, when what was due of the members has been done, even if the job is late."""
    keys = [account.pk for account in accounts]
    tiers.catch_up([wallet.member_id for wallet in wallets.of_accounts(keys).values()], at)
    return wallets.of_accounts(keys)


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
