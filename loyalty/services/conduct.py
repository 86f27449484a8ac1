"""The growth coefficient follows a member's conduct: rated month by month, explained, and decided by people where it
would take everything (domain.md F2, S2-07/08, S2-20; PIPL 24).

A new coefficient counts for growth from then on; entries keep the one they were written with.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Sequence

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import sql
from common.models import JobRun, Staff
from common.problems import InvalidInput, Problem
from common.services import audit, jobs, outbox
from loyalty import facts
from loyalty.models import (
    Account,
    Coefficient,
    CoefficientPolicy,
    Conduct,
    ConductCase,
    ExcusedLine,
    OrderLine,
    Standing,
    Wallet,
)
from loyalty.selectors import conduct as selector
from loyalty.selectors import spans
from loyalty.selectors.conduct import Verdict
from members.models import Member

JOB = "rate-conduct"
Status = ConductCase.Status


class CaseDecided(Problem):
    """Somebody has decided the case already, or it was withdrawn."""

    code = "conduct_case_decided"
    status = 409
    title = _("This case is no longer open.")


class PersonNeeded(Problem):
    """A machine may not decide what must be decided by a person (PIPL 24)."""

    code = "person_needed"
    status = 403
    title = _("A person has to decide this.")


def rate(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Rate all members for the month that begins with `as_of`, by the policy in force then; written `at`.

    Only members whose coefficient changes are locked and written. Safe to stop, repeat and run twice: a month is one run.
    """
    policy = selector.policy_at(as_of)
    wallets = Wallet.objects.filter(member__status=Member.Status.ACTIVE)
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(wallets) if policy else [],
        work=lambda first, last: _rate_span(
            policy, wallets.filter(account_id__gte=first, account_id__lte=last), as_of, at
        ),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def due(as_of: dt.datetime) -> bool:
    """Whether the month that begins with `as_of` has a policy and is not rated yet."""
    done = JobRun.objects.filter(job=JOB, as_of=as_of, status=JobRun.Status.DONE).exists()
    return not done and selector.policy_at(as_of) is not None


def rate_member(member: Member, at: dt.datetime) -> None:
    """Rate one member again by what is known now: a credit score came, a return was excused."""
    as_of = selector.rated_at(at)
    policy = selector.policy_at(as_of)
    if policy is None:
        return
    with transaction.atomic():
        _lock([member.pk])
        _settle(policy, [member.pk], as_of, at)


def _rate_span(policy: CoefficientPolicy | None, wallets, as_of: dt.datetime, at: dt.datetime) -> dict[str, int]:
    """Judge without a lock, then again, under the lock, those whose verdict is news."""
    if policy is None:
        return {}
    members = list(wallets.values_list("member_id", flat=True))
    waiting = set(_open_cases(members))
    news = [
        verdict.member_id
        for verdict in selector.verdicts(policy, members, as_of, at)
        if verdict.deserved != verdict.present or verdict.member_id in waiting
    ]
    _lock(news)
    return {"members": len(members), **_settle(policy, news, as_of, at)}


def _lock(members: Collection[int]) -> None:
    """Whoever writes a standing holds the member's account (docs/locking.md)."""
    accounts = Account.objects.select_for_update(of=("self",)).filter(wallet__member__in=members)
    list(accounts.order_by("pk").values_list("pk", flat=True))


def _settle(policy: CoefficientPolicy, members: Collection[int], as_of: dt.datetime, at: dt.datetime) -> dict[str, int]:
    """Bring coefficients and cases of locked members in line with their conduct; return what was done."""
    if not members:
        return {}
    verdicts = selector.verdicts(policy, members, as_of, at)
    suspects = [verdict for verdict in verdicts if verdict.needs_a_person]
    cleared = {verdict.member_id for verdict in verdicts if not verdict.needs_a_person}
    open_cases = _open_cases(members)
    done = Counter(
        changed=_change([verdict for verdict in verdicts if verdict.member_id in cleared], policy, at),
        withdrawn=_withdraw([case for member, case in open_cases.items() if member in cleared], at),
        cases=_accuse(suspects, open_cases, policy, at),
    )
    return {name: number for name, number in done.items() if number}


def _open_cases(members: Collection[int]) -> dict[int, ConductCase]:
    return {case.member_id: case for case in ConductCase.objects.filter(member__in=members, status=Status.OPEN)}


def _change(
    verdicts: Sequence[Verdict], policy: CoefficientPolicy, at: dt.datetime, case: ConductCase | None = None
) -> int:
    """Write new coefficients with their history, and tell; return how many there were."""
    moved = [verdict for verdict in verdicts if verdict.deserved != verdict.present]
    if not moved:
        return 0
    sql.update_rows(
        [Standing(member_id=verdict.member_id, coefficient_percent=verdict.deserved) for verdict in moved],
        ["coefficient_percent"],
    )
    sql.insert(
        [
            Coefficient(
                member_id=verdict.member_id,
                before=verdict.present,
                after=verdict.deserved,
                policy=policy,
                case=case,
                at=at,
                **verdict.conduct._asdict(),
            )
            for verdict in moved
        ]
    )
    names = dict(Member.objects.filter(pk__in=[v.member_id for v in moved]).values_list("pk", "external_id"))
    outbox.publish(
        [facts.CoefficientChanged(names[v.member_id], v.present, v.deserved) for v in moved],
        at,
    )
    return len(moved)


def _withdraw(cases: Sequence[ConductCase], at: dt.datetime) -> int:
    """The conduct no longer asks for a decision."""
    mine = ConductCase.objects.filter(pk__in=[case.pk for case in cases], status=Status.OPEN)
    return mine.update(status=Status.WITHDRAWN, decided_at=at)


def _accuse(
    suspects: Sequence[Verdict], open_cases: dict[int, ConductCase], policy: CoefficientPolicy, at: dt.datetime
) -> int:
    """Open a case for each member who would get nothing; bring the open ones up to date; return how many are new.

    What a person has dismissed comes back only with other facts.
    """
    accused = [verdict.member_id for verdict in suspects]
    dismissed = {
        case.member_id: (case.policy_id, case.conduct)
        for case in ConductCase.objects.filter(member__in=accused, status=Status.DISMISSED).order_by("pk")
    }
    changed, new = [], []
    for verdict in suspects:
        case, grounds = open_cases.get(verdict.member_id), verdict.conduct._asdict()
        if case is None:
            if dismissed.get(verdict.member_id) != (policy.pk, verdict.conduct):
                new.append(ConductCase(member_id=verdict.member_id, policy=policy, opened_at=at, **grounds))
        elif (case.policy_id, case.conduct) != (policy.pk, verdict.conduct):
            changed.append(ConductCase(pk=case.pk, policy=policy, **grounds))
    if changed:
        sql.update_rows(changed, ["policy", *Conduct._fields])
    sql.insert(new)
    return len(new)


# What people decide -------------------------------------------------------------------------------------------


def approve(case: ConductCase, note: str, actor: audit.Actor, at: dt.datetime) -> Coefficient:
    """The coefficient falls to nothing from now on. Raises PersonNeeded, CaseDecided, InvalidInput (no note)."""
    with transaction.atomic():
        case = _decide(case, Status.APPROVED, note, actor, at)
        present = Standing.objects.values_list("coefficient_percent", flat=True).get(pk=case.member_id)
        _change([Verdict(case.member_id, present, 0, case.conduct)], case.policy, at, case)
        audit.record(actor, "loyalty.conduct.approve", case.member, _("The growth coefficient is 0."), at, reason=note)
        return case.coefficient


def dismiss(case: ConductCase, note: str, actor: audit.Actor, at: dt.datetime) -> ConductCase:
    """The member keeps the present coefficient until the facts change. Raises as `approve` does."""
    with transaction.atomic():
        case = _decide(case, Status.DISMISSED, note, actor, at)
        summary = _("The growth coefficient stays as it is.")
        audit.record(actor, "loyalty.conduct.dismiss", case.member, summary, at, reason=note)
        return case


def _decide(case: ConductCase, status: str, note: str, actor: audit.Actor, at: dt.datetime) -> ConductCase:
    """Close an open case under the lock of the member's account."""
    _check(note, actor)
    _lock([case.member_id])
    case = ConductCase.objects.select_for_update(of=("self",)).select_related("member", "policy").get(pk=case.pk)
    if case.status != Status.OPEN:
        raise CaseDecided
    case.status, case.note = Status(status), note
    case.decided_by, case.decided_at = actor.staff, at
    case.save(update_fields=["status", "note", "decided_by", "decided_at"])
    return case


def excuse(member: Member, lines: Sequence[OrderLine], note: str, actor: audit.Actor, at: dt.datetime) -> None:
    """Hold the return of these lines against the member no longer, and rate the member again at once.

    This is what contesting a coefficient leads to (E52). Raises PersonNeeded, InvalidInput: no note, or a line that
    is not held against this member.
    """
    _check(note, actor)
    with transaction.atomic():
        _lock([member.pk])
        held = {line.pk for line in selector.evidence(member, at).held}
        if not lines or not {line.pk for line in lines} <= held:
            raise InvalidInput(_("Choose order lines that are held against this member."))
        ExcusedLine.objects.bulk_create(
            [ExcusedLine(line=line, note=note, excused_by=actor.staff, at=at) for line in lines]
        )
        summary = _("Excused %d returned order lines.") % len(lines)
        audit.record(actor, "loyalty.conduct.excuse", member, summary, at, reason=note)
        rate_member(member, at)


def _check(note: str, actor: audit.Actor) -> None:
    if actor.staff is None:
        raise PersonNeeded
    if not note.strip():
        raise InvalidInput(_("Say why: the note is what the member is told."))
