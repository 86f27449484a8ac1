"""What a merge does to points, debt, growth and tier, before it is done (domain.md E58)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db.models import Sum
from django.utils.translation import gettext as _

from loyalty.models import Account, Lot, Standing
from members.models import Member
from members.selectors.merging import Side


def merge(source: Member, target: Member, at: dt.datetime) -> Iterable[Side]:
    """Points go lot by lot with their expiry; debts add, and points on one side repay those of the other."""
    ours, theirs = _account(source), _account(target)
    points = (ours.available + ours.pending, theirs.available + theirs.pending)
    debts = (ours.owed, theirs.owed)
    net = sum(points) - sum(debts)
    yield Side(_("Points"), str(points[0]), str(points[1]), _("%d, each with its own expiry") % max(net, 0))
    if any(debts):
        yield Side(_("Debt in points"), str(debts[0]), str(debts[1]), str(max(-net, 0)))
    held = (ours.held, theirs.held)
    if any(held):
        yield Side(_("Set aside for checkouts"), str(held[0]), str(held[1]), _("follows when it is let go"))
    mine, hers = _standing(source), _standing(target)
    yield Side(_("Growth"), _growth(mine), _growth(hers), _("the sum; no gift is given twice"))
    yield Side(_("Tier"), _tier(mine), _tier(hers), _("the higher of the two, or what the sum reaches"))


def part(source: Member, target: Member, at: dt.datetime) -> Iterable[Side]:
    """What is left of the points that came goes back; what was spent of them does not."""
    wallets = {account.wallet.member_id: account for account in _accounts(source, target)}
    giver, taker = wallets.get(target.pk), wallets.get(source.pk)
    came = Lot.objects.filter(account=giver, source=Lot.Source.MERGE, parent__account=taker)
    sums = came.aggregate(earned=Sum("earned", default=0), left=Sum("remaining", default=0))
    yield Side(
        _("Points"), _("get %d back") % sums["left"], _("gives them"),
        _("%d that came are spent, expired or taken back") % (sums["earned"] - sums["left"]),
    )  # fmt: skip
    if giver is not None and giver.owed:
        yield Side(_("Debt in points"), "0", str(giver.owed), _("stays with the target"))
    yield Side(_("Growth"), _("what is left of its own"), _("the rest"), _("tiers follow from it"))


def _accounts(*members: Member) -> list[Account]:
    return list(Account.objects.filter(wallet__member__in=members).select_related("wallet"))


def _account(member: Member) -> Account:
    return next(iter(_accounts(member)), Account())


def _standing(member: Member) -> Standing | None:
    return Standing.objects.filter(member=member).select_related("tier").first()


def _growth(standing: Standing | None) -> str:
    return str(standing.whole_growth if standing else 0)


def _tier(standing: Standing | None) -> str:
    return str(standing.tier) if standing and standing.tier else "–"
