"""Undoing a campaign: proposed by one person, approved by another, carried out in chunks through the ledger.

Every grant is dealt with once, in the transaction that writes its `UndoneLot`; killed half-way, it goes on. What was taken
back of an order's or review's points is not taken again when that is refunded or removed.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils.translation import gettext_lazy as _

from common import sql
from common.models import JobRun
from common.problems import InvalidInput, Problem
from common.services import audit, jobs, outbox
from loyalty import facts
from loyalty.models import (
    Account,
    Campaign,
    CampaignUndo,
    GiftAssignment,
    GiftCampaign,
    Lot,
    Order,
    OrderLine,
    SegmentMember,
    UndoneLot,
    Wallet,
)
from loyalty.selectors import campaign_undos as selectors
from loyalty.selectors import spans
from loyalty.selectors.campaign_undos import Fate, Target
from loyalty.services import clawbacks, rules, segments, settling, wallets
from loyalty.services.desk import Desk
from members.models import Member

Policy, Status = CampaignUndo.Policy, CampaignUndo.Status

JOB = "undo-campaign"


class NeverStarted(Problem):
    """A draft has granted nothing."""

    code = "campaign_never_started"
    status = 409
    title = _("The campaign has never been started: there is nothing to undo.")


class AlreadyUndone(Problem):
    """A campaign is undone once."""

    code = "campaign_already_undone"
    status = 409
    title = _("The campaign is undone already, or its undoing waits for a decision.")


class UndoDecided(Problem):
    """A proposal is decided once."""

    code = "undo_decided"
    status = 409
    title = _("This undoing has been decided before.")


class SecondPersonNeeded(Problem):
    """An undoing is approved by somebody other than who proposed it."""

    code = "second_person_needed"
    status = 409
    title = _("Somebody else has to approve the undoing.")


def propose(target: Target, policy: str, *, reason: str, actor: audit.Actor, at: dt.datetime) -> CampaignUndo:
    """Propose to undo a campaign; nothing changes yet.

    Raises SecondPersonNeeded (the actor is nobody of the staff: there would be no first person), InvalidInput (no reason),
    NeverStarted, AlreadyUndone.
    """
    if actor.staff is None:
        raise SecondPersonNeeded
    if not reason.strip():
        raise InvalidInput(_("An undoing needs a reason."))
    if target.status == "draft":
        raise NeverStarted
    undo = CampaignUndo(
        **{"gift_campaign" if isinstance(target, GiftCampaign) else "campaign": target},
        policy=Policy(policy),
        reason=reason.strip()[:500],
        proposed_at=at,
        proposed_by=actor.staff,
    )
    try:
        with transaction.atomic():
            undo.save()
            summary = _("Proposed to undo: %(name)s") % {"name": target}
            audit.record(actor, "loyalty.campaign_undos.propose", undo, summary, at, reason=undo.reason)
    except IntegrityError:
        raise AlreadyUndone from None
    return undo


def withdraw(undo: CampaignUndo, actor: audit.Actor, at: dt.datetime) -> CampaignUndo:
    """Give a proposal up. Raises UndoDecided."""
    with transaction.atomic():
        undo = _proposed(undo)
        undo.status = Status.WITHDRAWN
        undo.save(update_fields=["status"])
        summary = _("Withdrew the undoing of: %(name)s") % {"name": undo}
        audit.record(actor, "loyalty.campaign_undos.withdraw", undo, summary, at)
    return undo


def approve(undo: CampaignUndo, actor: audit.Actor, at: dt.datetime) -> CampaignUndo:
    """End the campaign for good and let the undoing be carried out, by another person than who proposed it.

    Raises UndoDecided, SecondPersonNeeded.
    """
    with transaction.atomic():
        undo = _proposed(undo)
        if actor.staff is None or actor.staff.pk == undo.proposed_by_id:
            raise SecondPersonNeeded
        undo.status, undo.approved_at, undo.approved_by = Status.APPROVED, at, actor.staff
        undo.save(update_fields=["status", "approved_at", "approved_by"])
        _end(undo.target)
        summary = _("Approved the undoing of: %(name)s") % {"name": undo}
        audit.record(actor, "loyalty.campaign_undos.approve", undo, summary, at, reason=undo.reason)
        if undo.policy == Policy.MARK:
            _finish(undo, at)
    return undo


def carry_out_due(at: dt.datetime) -> int:
    """Go on with every undoing that was approved; return how many. One that fails does not stop the others."""
    due = CampaignUndo.objects.filter(status=Status.APPROVED).order_by("pk")
    return jobs.each(due, lambda undo: carry_out(undo, at))


def carry_out(undo: CampaignUndo, at: dt.datetime, progress: Callable[[int, int], None] | None = None) -> CampaignUndo:
    """Take back what an approved undoing says, in chunks of accounts; safe to stop, repeat and run twice.

    What an event in flight granted while the campaign was being ended is found by the next call; then it is done.
    """
    undo = CampaignUndo.objects.select_related("gift_campaign", "campaign").get(pk=undo.pk)
    if undo.status != Status.APPROVED:
        return undo
    job = f"{JOB}-{undo.uuid}"
    runs = JobRun.objects.filter(job=job)
    unfinished = runs.exclude(status=JobRun.Status.DONE).first()
    first_as_of = at if runs.exists() else undo.approved_at or at
    jobs.run(
        job,
        unfinished.as_of if unfinished else first_as_of,
        spans=lambda: spans.of(selectors.open_lots(undo)),
        work=lambda first, last: _undo_span(undo, first, last, at),
        at=at,
        requested_by=undo.approved_by,
        progress=progress,
    )
    with transaction.atomic():
        undo = CampaignUndo.objects.select_for_update(of=("self",)).get(pk=undo.pk)
        if undo.status == Status.APPROVED and not selectors.open_lots(undo).exists():
            _finish(undo, at)
    return undo


def _proposed(undo: CampaignUndo) -> CampaignUndo:
    undo = CampaignUndo.objects.select_for_update(of=("self",)).get(pk=undo.pk)
    if undo.status != Status.PROPOSED:
        raise UndoDecided
    return undo


def _end(target: Target) -> None:
    locked = type(target).objects.select_for_update(of=("self",)).get(pk=target.pk)
    locked.status = locked.Status.UNDONE
    locked.save(update_fields=["status"])
    if isinstance(locked, Campaign):
        rules.changed()


def _finish(undo: CampaignUndo, at: dt.datetime) -> None:
    if undo.gift_campaign is not None and undo.policy != Policy.MARK:
        _unlist(undo.gift_campaign)
    undo.status, undo.done_at = Status.DONE, at
    undo.save(update_fields=["status", "done_at"])
    told = selectors.done(undo)
    taken = told["taken"] + told["others"]
    outbox.publish([facts.CampaignUndone(undo.target.code, str(undo.policy), taken, told["debt"])], at)


def _unlist(campaign: GiftCampaign) -> None:
    """Whom the campaign has put into its segment leaves it, or is from now on there by another one that has reached her."""
    if campaign.lists_in_id is None:
        return
    segments.lock(campaign.lists_in_id)
    undone = CampaignUndo.objects.filter(status=Status.DONE, gift_campaign__isnull=False).exclude(policy=Policy.MARK)
    others = GiftAssignment.objects.filter(
        arm=GiftAssignment.Arm.TREATED, campaign__lists_in=campaign.lists_in_id, member=OuterRef("member")
    ).exclude(Q(campaign=campaign) | Q(campaign__in=undone.values("gift_campaign")))
    listed = SegmentMember.objects.filter(listed_by=campaign)
    listed.filter(Exists(others)).update(listed_by=Subquery(others.order_by("pk").values("campaign")[:1]))
    listed.delete()


# One chunk ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Grant:
    """One grant on its way back; `own` are the lots in which it lives on."""

    lot: Lot
    fate: Fate
    owner: int
    order: int | None
    own: list[Lot] = field(default_factory=list)
    taken: int = 0
    others: int = 0
    debt: int = 0

    @property
    def spent(self) -> int:
        return max(self.fate.spent, 0)


def _undo_span(undo: CampaignUndo, first: int, last: int, at: dt.datetime) -> dict[str, int]:
    """Deal with the grants of a range of accounts, in a number of queries that does not depend on theirs."""
    asked = selectors.open_lots(undo).filter(account_id__gte=first, account_id__lte=last).order_by("account_id", "pk")
    heirs = _heirs(selectors.family(list(asked.values_list("pk", flat=True))))
    settling.settle(sorted(heirs), at)
    desk = Desk([], at)
    desk.lock(heirs.keys())
    desk.book.load_lots(heirs.keys())
    grants = _grants(desk, asked, heirs)
    owners = wallets.of_accounts({grant.owner for grant in grants})
    reference = f"undo:{undo.uuid}"
    left = _due(grants)
    for grant in grants:
        _recall(desk, grant, left, reference)
    if undo.policy == Policy.DEBT:
        # Only when all grants have given what is their own: one must not be paid from another.
        for grant in grants:
            _demand(desk, grant, left, owners[grant.owner], reference)
    _tell(desk, grants, owners, reference)
    _note_on_orders(desk, grants)
    desk.close()
    sql.insert([_row(undo, grant, at) for grant in grants])
    return {
        "grants": len(grants),
        "taken": sum(grant.taken + grant.others for grant in grants),
        "debt": sum(grant.debt for grant in grants),
    }


def _heirs(lots: QuerySet[Lot]) -> dict[int, int]:
    """The accounts in which these lots lie or lay, and those into which they were merged: account -> who holds now."""
    merged: dict[int, int | None] = {}
    level = set(lots.values_list("account_id", flat=True))
    while level:
        rows = dict(Account.objects.filter(pk__in=level).values_list("pk", "merged_into_id"))
        merged |= rows
        level = {heir for heir in rows.values() if heir} - merged.keys()
    heirs = {}
    for account_id in merged:
        heir = account_id
        while further := merged[heir]:
            heir = further
        heirs[account_id] = heir
    return heirs


def _grants(desk: Desk, asked: QuerySet[Lot], heirs: dict[int, int]) -> list[_Grant]:
    """What is still open, read again under the locks, with the lots in which it lives on."""
    fates = {fate.lot_id: fate for fate in selectors.each(asked, desk.at)}
    lots = {lot.pk: lot for lot in desk.book.adopt(asked)}
    orders = dict(OrderLine.objects.filter(lots__in=lots.keys()).values_list("lots", "order"))
    grants = {pk: _Grant(lot, fates[pk], heirs[lot.account_id], orders.get(pk)) for pk, lot in lots.items()}
    roots = {pk: pk for pk in grants}
    for lot in desk.book.adopt(selectors.family(list(grants)).order_by("pk")):
        roots[lot.pk] = roots[lot.pk] if lot.pk in roots else roots[lot.parent_id or 0]
        grants[roots[lot.pk]].own.append(lot)
    return list(grants.values())


def _due(grants: Collection[_Grant]) -> dict[int, int]:
    """Of an order that was refunded in part, grants are charged for at most their share of what is still due, rounded down."""
    earned: dict[int, int] = defaultdict(int)
    for grant in grants:
        if grant.order:
            earned[grant.order] += grant.lot.earned
    due = dict(Order.objects.filter(pk__in=earned).values_list("pk", "points_due"))
    given = Lot.objects.filter(order_line__order__in=earned, parent=None).order_by().values("order_line__order")
    granted = dict(given.annotate(points=Sum("earned")).values_list("order_line__order", "points"))
    return {order: points * due[order] // granted[order] for order, points in earned.items()}


def _recall(desk: Desk, grant: _Grant, left: dict[int, int], reference: str) -> None:
    """Take what is left of a grant, and remember it against its order."""
    points = min(grant.fate.left, left.get(grant.order or 0, grant.fate.left))
    grant.taken = clawbacks.recall(desk, grant.own, points, reference=reference)
    _use(left, grant.order, grant.taken)


def _demand(desk: Desk, grant: _Grant, left: dict[int, int], wallet: Wallet, reference: str) -> None:
    """Take what was spent from other points, else as debt; who has left owes nothing."""
    points = min(grant.spent, left.get(grant.order or 0, grant.spent))
    if points > 0 and wallet.member.status != Member.Status.CLOSED:
        taken = clawbacks.demand(desk, wallet, points, reference=reference)
        grant.others, grant.debt = taken.points, taken.debt
        _use(left, grant.order, points)


def _use(left: dict[int, int], order: int | None, points: int) -> None:
    if order:
        left[order] -= points


def _tell(desk: Desk, grants: Collection[_Grant], owners: dict[int, Wallet], reference: str) -> None:
    """One fact a member, of all that was taken."""
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for grant in grants:
        sums[grant.owner][0] += grant.taken + grant.others
        sums[grant.owner][1] += grant.debt
    for owner, (points, debt) in sums.items():
        if points or debt:
            desk.publish(facts.PointsClawedBack(owners[owner].member.external_id, points, debt, reference))


def _note_on_orders(desk: Desk, grants: Collection[_Grant]) -> None:
    """What was taken of an order's points is not due any more: a refund takes only the rest."""
    charged: dict[int, int] = defaultdict(int)
    for grant in grants:
        if grant.order:
            charged[grant.order] += grant.taken + grant.others + grant.debt
    for order in Order.objects.filter(pk__in=[pk for pk, points in charged.items() if points]):
        points = charged[order.pk]
        desk.change(order, points_due=order.points_due - points, points_clawed=order.points_clawed + points)


def _row(undo: CampaignUndo, grant: _Grant, at: dt.datetime) -> UndoneLot:
    kept = max(grant.spent - grant.others - grant.debt, 0)
    return UndoneLot(
        undo=undo, lot=grant.lot, taken=grant.taken, others=grant.others, debt=grant.debt, kept=kept, at=at
    )
