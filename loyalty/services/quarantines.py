"""Quarantine: lots are set aside for a case, and released or taken back in one go, by one transaction (domain.md E20).

The points are held like those of a checkout, by a hold that does not lapse; what a lot had left of its time it has again
when it is released.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput, Problem
from common.services import audit
from loyalty import facts
from loyalty.models import Account, Hold, Lot, Quarantine, QuarantinedHold, Wallet
from loyalty.services import clawbacks, expiry, wallets
from loyalty.services.desk import Desk
from loyalty.services.ledger import Contra, Kind, Portion

Status = Quarantine.Status

MOST = 5_000
"""So many lots are set aside in one transaction at most."""


class NothingToSetAside(Problem):
    """None of the lots has any points left."""

    code = "nothing_to_set_aside"
    status = 409
    title = _("None of these lots has any points left.")


class CaseClosed(Problem):
    """A case is decided once."""

    code = "case_closed"
    status = 409
    title = _("This case has been decided before.")


class SecondPersonNeeded(Problem):
    """Points are taken back by somebody other than who opened the case."""

    code = "second_person_needed"
    status = 409
    title = _("Somebody else has to take the points back.")


@transaction.atomic
def open(lot_ids: Collection[int], *, title: str, evidence: str, actor: audit.Actor, at: dt.datetime) -> Quarantine:
    """Set what is left of members' lots aside. Pending ones count as available from now on, so that they can be held.

    Raises InvalidInput (no evidence, too many lots, a purse's lot), NothingToSetAside.
    """
    if not title.strip() or not evidence.strip():
        raise InvalidInput(_("A case needs a name and the evidence."))
    if len(lot_ids) > MOST:
        raise InvalidInput(_("At most %(most)d lots can be set aside at once.") % {"most": MOST})
    named = list(Lot.objects.filter(pk__in=lot_ids).select_related("account"))
    if any(lot.account.kind != Account.Kind.MEMBER for lot in named):
        raise InvalidInput(_("Only members' points can be set aside."))
    desk = Desk([], at)
    accounts = sorted({lot.account_id for lot in named})
    desk.lock(accounts)
    desk.book.load_lots(accounts)
    case = Quarantine(title=title.strip(), evidence=evidence.strip(), opened_at=at, opened_by=actor.staff)
    chosen = {lot.pk for lot in named}
    found = ([lot for lot in desk.book.lots(account) if lot.pk in chosen] for account in accounts)
    held = (_hold(desk, account, lots, case) for account, lots in zip(accounts, found, strict=True))
    holds = [hold for hold in held if hold is not None]
    if not holds:
        raise NothingToSetAside
    case.save()
    _tell(desk, case, holds)
    desk.close()
    QuarantinedHold.objects.bulk_create([QuarantinedHold(quarantine=case, hold=hold) for hold in holds])
    points = sum(hold.points for hold in holds)
    summary = _("Set aside: %(points)d points of %(members)d members") % {"points": points, "members": len(holds)}
    audit.record(actor, "loyalty.quarantines.open", case, summary, at, reason=title)
    return case


def freeze(desk: Desk, wallet: Wallet, *, title: str, evidence: str) -> None:
    """Set everything that a member has aside in the caller's transaction, because of a fact: a person decides (E20)."""
    case = Quarantine(title=title[:100], evidence=evidence, opened_at=desk.at)
    hold = _hold(desk, wallet.account_id, desk.book.lots(wallet.account_id), case)
    if hold is None:
        return
    desk.add(case)
    desk.add(QuarantinedHold(quarantine=case, hold=hold))
    desk.publish(facts.PointsQuarantined(wallet.member.external_id, hold.points, str(case.uuid), str(case.status)))


def _hold(desk: Desk, account_id: int, lots: Sequence[Lot], case: Quarantine) -> Hold | None:
    desk.book.settle(account_id)
    lots = [lot for lot in lots if lot.expires_at > desk.at]
    desk.book.mature(account_id, [lot for lot in lots if lot.is_pending], _reference(case))
    # A debt may just have been repaid from them.
    portions = [Portion(lot, lot.remaining) for lot in lots if lot.remaining]
    if not portions:
        return None
    return desk.book.set_aside(account_id, portions, expires_at=expiry.NEVER, reference=_reference(case))


@transaction.atomic
def release(case: Quarantine, *, note: str, actor: audit.Actor, at: dt.datetime) -> Quarantine:
    """Give everything of the case back: to the very lots, or, where time has passed, as lots with the time they had left.

    Raises CaseClosed.
    """
    desk, case = _decide(case, at)
    let_go = _let_go(desk, case)
    _close(desk, case, Status.RELEASED, [hold for hold, _portions in let_go], note, actor)
    return case


@transaction.atomic
def reverse(case: Quarantine, *, note: str, actor: audit.Actor, at: dt.datetime) -> Quarantine:
    """Take everything of the case back: what a merchant had funded returns to its purse. By a second person.

    Raises CaseClosed, SecondPersonNeeded.
    """
    desk, case = _decide(case, at)
    if actor.staff is None or actor.staff.pk == case.opened_by_id:
        raise SecondPersonNeeded
    let_go = _let_go(desk, case)
    holders = wallets.of_accounts(desk.book.accounts.keys())
    for hold, portions in let_go:
        account = desk.book.accounts[hold.account_id]
        while account.merged_into_id:
            account = desk.book.accounts[account.merged_into_id]
        wallet = holders.get(account.pk) or wallets.of_accounts([account.pk])[account.pk]
        lots = [portion.lot for portion in portions]
        taken = clawbacks.take(desk, wallet, hold.points, lots, reference=_reference(case))
        desk.publish(facts.PointsClawedBack(wallet.member.external_id, taken.points, taken.debt, _reference(case)))
    _close(desk, case, Status.REVERSED, [hold for hold, _portions in let_go], note, actor)
    return case


def _decide(case: Quarantine, at: dt.datetime) -> tuple[Desk, Quarantine]:
    """The case, locked after its accounts."""
    desk = Desk([], at)
    desk.lock(QuarantinedHold.objects.filter(quarantine=case).values_list("hold__account_id", flat=True).distinct())
    case = Quarantine.objects.select_for_update(of=("self",)).get(pk=case.pk)
    if case.status != Status.OPEN:
        raise CaseClosed
    return desk, case


def _let_go(desk: Desk, case: Quarantine) -> list[tuple[Hold, list[Portion]]]:
    """End the case's holds; each with the portions that came free. Those that a member's leaving ended are left out."""
    rows = Hold.objects.filter(quarantined__quarantine=case).select_related("account__wallet__member")
    held = desk.book.know(rows.order_by("pk"))
    done = []
    for hold in held:
        if hold.status != Hold.Status.OPEN:
            continue
        portions = desk.book.drawn(hold.account_id, hold.seq)
        late = [portion for portion in portions if portion.lot.expires_at <= desk.at]
        desk.book.release(hold, _reference(case))
        renewed = [Portion(_renew(desk, portion, case), portion.points) for portion in late]
        done.append((hold, [portion for portion in portions if portion not in late] + renewed))
        if renewed:
            key, points = hold.account.wallet.member.external_id, sum(portion.points for portion in renewed)
            desk.publish(facts.PointsRestored(key, points, _reference(case)))
    return done


def _renew(desk: Desk, portion: Portion, case: Quarantine) -> Lot:
    """Time stood still: what expired in quarantine is good for as long as it was when the case was opened."""
    lot = portion.lot
    return desk.book.grant(
        lot.account_id,
        portion.points,
        source=Lot.Source.RESTORE,
        reference=_reference(case),
        expires_at=desk.at + (lot.expires_at - case.opened_at),
        kind=Kind.RESTORE,
        contra=Contra.EXPIRED,
        funder_id=lot.funder_id,
        rule_version=lot.rule_version,
        parent=lot,
    )


def _close(desk: Desk, case: Quarantine, status: str, holds: list[Hold], note: str, actor: audit.Actor) -> None:
    case.status, case.note = status, note[:500]
    case.decided_at, case.decided_by = desk.at, actor.staff
    case.save(update_fields=["status", "note", "decided_at", "decided_by"])
    _tell(desk, case, holds)
    desk.close()
    audit.record(actor, f"loyalty.quarantines.{status}", case, case.get_status_display(), desk.at, reason=note)


def _tell(desk: Desk, case: Quarantine, holds: list[Hold]) -> None:
    """Each member concerned, without the evidence."""
    points: dict[int, int] = defaultdict(int)
    for hold in holds:
        points[hold.account_id] += hold.points
    for account_id, wallet in wallets.of_accounts(points.keys()).items():
        key, about = wallet.member.external_id, str(case.uuid)
        desk.publish(facts.PointsQuarantined(key, points[account_id], about, str(case.status)))


def _reference(case: Quarantine) -> str:
    return f"quarantine:{case.uuid}"
