"""Members' wallets: found, made and locked in one order, so that two requests at once wait for each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.db.models import QuerySet

from common.prepared import prepared
from loyalty.models import Account, Standing, Wallet
from members.models import Member
from members.services import members


def lock(external_ids: Collection[str], at: dt.datetime, *, register: bool = False) -> dict[str, Wallet]:
    """Lock the accounts of members by external id, in account order; unknown members are registered if asked for.

    A merged member's name leads to the wallet it was merged into. Names nobody bears are missing from the answer.
    """
    wallets = {wallet.member.external_id: wallet for wallet in _locked_by_name(*external_ids)}
    missing = [external_id for external_id in external_ids if external_id not in wallets]
    if missing:
        found = members.ensure(missing, at, register=register)
        wallets.update(_opened(found))
    # While we waited for the lock the account may have been merged; the member's row was read before.
    merged = [
        name
        for name, wallet in wallets.items()
        if wallet.member.status == Member.Status.MERGED or wallet.account.merged_into_id
    ]
    if merged:
        targets = members.ensure(merged, at, register=False)
        wallets.update(_opened(targets))
    return wallets


def of(member: Member) -> Wallet:
    """The wallet of one member, made if there is none yet; not locked."""
    wallet = Wallet.objects.select_related("account").filter(member=member).first()
    return wallet or next(iter(_opened({member.external_id: member}).values()))


def of_accounts(account_ids: Collection[int]) -> dict[int, Wallet]:
    """The wallets of accounts that the caller has locked, with the members' standings, by account."""
    found = Wallet.objects.select_related("member__standing__tier", "account").filter(account__in=account_ids)
    return {wallet.account_id: wallet for wallet in found}


def stands_for(wallet: Wallet, member: Member) -> bool:
    """Whether the wallet is the member's, or that of whom the member was merged into."""
    while member.pk != wallet.member_id and member.merged_into is not None:
        member = member.merged_into
    return member.pk == wallet.member_id


@prepared
def _locked_by_name(*external_ids: str) -> QuerySet[Wallet]:
    return _locked().filter(member__external_id__in=external_ids)


def _locked() -> QuerySet[Wallet]:
    locked = Wallet.objects.select_for_update(of=("account",))
    return locked.select_related("member", "account").order_by("account_id")


def _opened(members_by_name: dict[str, Member]) -> dict[str, Wallet]:
    """Wallets for members, made where there are none; another request may have made them meanwhile."""
    by_id = {member.pk: member for member in members_by_name.values()}
    have = set(Wallet.objects.filter(member__in=by_id).values_list("member_id", flat=True))
    new = [by_id[pk] for pk in sorted(by_id.keys() - have)]
    accounts = Account.objects.bulk_create([Account() for _ in new])
    Wallet.objects.bulk_create(
        [Wallet(member=member, account=account) for member, account in zip(new, accounts, strict=True)],
        ignore_conflicts=True,
    )
    Standing.objects.bulk_create([Standing(member=member) for member in new], ignore_conflicts=True)
    wallets = {wallet.member_id: wallet for wallet in _locked().filter(member__in=by_id)}
    return {name: wallets[member.pk] for name, member in members_by_name.items()}
