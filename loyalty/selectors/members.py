"""Members together with what this floor keeps of them, read in one query."""

from __future__ import annotations

from django.db.models import QuerySet, Subquery
from django.db.models.functions import JSONObject

from common.prepared import prepared
from loyalty.models import Account, Programme, Standing, Wallet
from members.models import Member


def with_wallets() -> QuerySet[Member]:
    """Members joined with wallet, account and tier; `unit` says what the programme's points are called and worth."""
    unit = JSONObject(name="unit_name", points="point_value_points", money="point_value_money")
    return Member.objects.select_related("merged_into", "wallet__account", "standing__tier").annotate(
        unit=Subquery(Programme.objects.filter(pk=1).values(unit=unit))
    )


def named(external_id: str) -> Member | None:
    """The member of that name, read by `with_wallets`; merged and closed ones as they are."""
    return next(iter(_named(external_id)), None)


@prepared
def _named(external_id: str) -> QuerySet[Member]:
    return with_wallets().filter(external_id=external_id).order_by()


def wallet_of(member: Member) -> Wallet | None:
    """The wallet; None before the first movement."""
    return getattr(member, "wallet", None)


def standing_of(member: Member) -> Standing | None:
    """The standing, with its tier; None before the first movement."""
    return getattr(member, "standing", None)


def account_of(member: Member) -> Account | None:
    """The account; None before the first movement."""
    wallet = wallet_of(member)
    return wallet.account if wallet else None
