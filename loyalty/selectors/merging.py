"""What a merge does to points, debt, growth and tier, before it is done (domain.md E58)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db.models import Sum
from django.utils.translation import gettext as _

from loyalty.models import Account, Lot, Standing, Transfer
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
    """What is left of the points that came goes back, wherever they lie now; what was spent of them does not."""
    taker, giver = _account(source), _account(target)
    came = brought(taker, giver) if taker.pk and giver.pk else set()
    holder = giver
    while holder.merged_into is not None:
        holder = holder.merged_into
    earned = Lot.objects.filter(pk__in=came, account=giver).aggregate(earned=Sum("earned", default=0))["earned"]
    left = Lot.objects.filter(pk__in=came, account=holder).aggregate(left=Sum("remaining", default=0))["left"]
    yield Side(
        _("Points"), _("get %d back") % left, _("gives them"),
        _("%d that came are spent, expired or taken back") % (earned - left),
    )  # fmt: skip
    if holder.owed:
        yield Side(_("Debt in points"), "0", str(holder.owed), _("stays with the target"))
    yield Side(_("Growth"), _("what is left of its own"), _("the rest"), _("tiers follow from it"))


def brought(source: Account, target: Account) -> set[int]:
    """The lots in which points are, or were, that merges brought from one account to another, and further from there.

    A query for each merge on their way. What a parting gave back to the target was its own.
    """
    partings = Transfer.objects.filter(kind=Transfer.Kind.UNMERGE, sender=source, receiver=target)
    given_back = [f"transfer:{uuid}" for uuid in partings.values_list("uuid", flat=True)]
    moved = Lot.objects.filter(source=Lot.Source.MERGE).order_by()
    arrived = moved.filter(account=target, parent__account=source).exclude(reference__in=given_back)
    found: set[int] = set()
    while generation := set(arrived.values_list("pk", flat=True)) - found:
        found |= generation
        arrived = moved.filter(parent__in=generation)
    return found


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
