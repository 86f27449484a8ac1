"""What members' coefficients are judged by: order lines that came back without cause, or credit scores (domain.md F2)."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from django.db.models import Count, Exists, F, OuterRef, QuerySet, Sum

from common import clock
from loyalty.models import (
    Breach,
    CoefficientPolicy,
    Conduct,
    DeliveryRefusal,
    Order,
    OrderLine,
    Refund,
    RefundLine,
    Standing,
)
from loyalty.models.conduct import NEUTRAL
from members.models import Member
from members.selectors import credit, kin

CAUSELESS = (Refund.Reason.NO_REASON, Refund.Reason.REFUSED, Refund.Reason.EXCHANGE)
"""What the member alone decided; a defect, a fault of the seller or a cancellation before dispatch is held against nobody."""

_PREVIEWED = 50_000
"""A preview judges so many members at most and says so."""
_AT_ONCE = 5_000
_NAMED = 50


class Verdict(NamedTuple):
    """What a member's coefficient is and what conduct leads to, in per cent."""

    member_id: int
    present: int
    deserved: int
    conduct: Conduct

    @property
    def needs_a_person(self) -> bool:
        """No machine takes everything from a member (PIPL 24)."""
        return self.deserved == 0 < self.present


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a member has this coefficient: the present one, what conduct leads to, the lines that came back, and the promises
    that were not kept."""

    policy: CoefficientPolicy | None
    verdict: Verdict
    first_day: dt.date | None
    end_day: dt.date | None
    lines: list[OrderLine]
    breaches: list[Breach]

    @property
    def held(self) -> list[OrderLine]:
        """The lines that count against the member: those that nobody has excused."""
        return [line for line in self.lines if not hasattr(line, "excuse")]

    @property
    def ratio(self) -> Fraction | None:
        """The smoothed share of what came back; None if members are judged by a score."""
        return None if self.policy is None or self.policy.by_score else self.policy.ratio(self.verdict.conduct)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a policy would do: how many of the members looked at go from which coefficient to which; some who would
    fall to nothing."""

    moves: Counter[tuple[int, int]]
    looked_at: int
    members: int
    accused: list[Verdict]

    @property
    def to_nothing(self) -> int:
        """For how many a person would have to decide."""
        return sum(number for (before, after), number in self.moves.items() if after == 0 < before)


def rated_at(at: dt.datetime) -> dt.datetime:
    """The instant for which members are rated: the beginning of the month."""
    return clock.day_start(clock.month_start(clock.local_date(at)))


def policy_at(at: dt.datetime) -> CoefficientPolicy | None:
    """The policy in force at an instant, with its bands."""
    return CoefficientPolicy.objects.in_force(at).prefetch_related("bands").first()


def window(policy: CoefficientPolicy, as_of: dt.datetime) -> tuple[dt.date, dt.date]:
    """The whole calendar months that are looked at: from a day to before a day."""
    end = clock.month_start(clock.local_date(as_of))
    return clock.months_after(end, -policy.window_months), end


def verdicts(policy: CoefficientPolicy, members: Collection[int], as_of: dt.datetime, at: dt.datetime) -> list[Verdict]:
    """The verdict on each of these members for the months before `as_of`, by what is known `at`; six queries at most."""
    present = dict(Standing.objects.filter(member__in=members).values_list("member_id", "coefficient_percent"))
    known = _by_score(members, at) if policy.by_score else _by_lines(policy, members, as_of)
    return [
        Verdict(member, percent, policy.percent(conduct), conduct)
        for member, percent in present.items()
        for conduct in [known.get(member, Conduct())]
    ]


def _by_score(members: Collection[int], at: dt.datetime) -> dict[int, Conduct]:
    return {member: Conduct(score=score) for member, score in credit.newest_of(members, at).items()}


def _by_lines(policy: CoefficientPolicy, members: Collection[int], as_of: dt.datetime) -> dict[int, Conduct]:
    """Two sums, of all lines and of those that are held against the member: in one the database asks twice of each line.

    And a count of the promises that were not kept.
    """
    owners = kin.heirs(members)  # what a merged member did, the one it was merged into has done (E58)
    lines = judged_lines(policy, owners, as_of)
    conducts: dict[int, Conduct] = defaultdict(Conduct)
    for member, number, cash in _sums(lines):
        old = conducts[owners[member]]
        conducts[owners[member]] = old._replace(lines=old.lines + number, cash=old.cash + int(cash))
    for member, number, cash in _sums(lines.filter(came_back=True, excuse=None)):
        old = conducts[owners[member]]
        conducts[owners[member]] = old._replace(
            returned=old.returned + number, returned_cash=old.returned_cash + int(cash)
        )
    counted = _breaches(policy, owners, as_of).filter(excused_at=None).order_by().values("member")
    for member, number in counted.annotate(number=Count("pk")).values_list("member", "number"):
        old = conducts[owners[member]]
        conducts[owners[member]] = old._replace(breaches=old.breaches + number)
    return conducts


def _sums(lines: QuerySet[OrderLine]) -> QuerySet:
    """(member, number of lines, their cash)."""
    sums = lines.values("order__member").order_by().annotate(number=Count("pk"), money=Sum("cash"))
    return sums.values_list("order__member", "number", "money")


def judged_lines(policy: CoefficientPolicy, members: Collection[int], as_of: dt.datetime) -> QuerySet[OrderLine]:
    """The lines delivered to these members in the window: completed, or refused at the door; each counts once.

    `came_back` says whether a line came back without cause; it counts if nobody has excused it.
    """
    # The inner queries name the members as well: a database that works them out at once then reads no others' rows.
    refused = DeliveryRefusal.objects.filter(order=OuterRef("order"), order__member__in=members)
    returned = RefundLine.objects.filter(
        line=OuterRef("pk"), refund__order__member__in=members, refund__reason__in=CAUSELESS
    )
    lines = OrderLine.objects.filter(order__in=_delivered(policy, members, as_of))
    return lines.annotate(came_back=Exists(refused) | Exists(returned))


def _delivered(policy: CoefficientPolicy, members: Collection[int], as_of: dt.datetime) -> list[int]:
    """The orders of these members that were completed in the window, or refused at the door."""
    first, end = window(policy, as_of)
    mine = Order.objects.filter(member__in=members).order_by()
    completed = mine.filter(status=Order.Status.COMPLETED, completed_on__gte=first, completed_on__lt=end)
    refused = mine.filter(delivery_refusal__day__gte=first, delivery_refusal__day__lt=end)
    turned_away = mine.filter(
        completed_on=None,
        refunds__reason=Refund.Reason.REFUSED,
        refunds__at__gte=clock.day_start(first),
        refunds__at__lt=clock.day_start(end),
    )
    rows = completed.values_list("pk").union(refused.values_list("pk"), turned_away.values_list("pk"))
    return [pk for (pk,) in rows]


def evidence(member: Member, at: dt.datetime) -> Evidence:
    """What a member's coefficient rests on, for the member and for whoever decides; thirteen queries at most."""
    as_of = rated_at(at)
    policy = policy_at(as_of)
    if policy is None:
        percent = Standing.objects.filter(member=member).values_list("coefficient_percent", flat=True).first()
        present = NEUTRAL if percent is None else percent
        return Evidence(None, Verdict(member.pk, present, present, Conduct()), None, None, [], [])
    found = verdicts(policy, [member.pk], as_of, at)
    verdict = found[0] if found else Verdict(member.pk, NEUTRAL, NEUTRAL, Conduct())
    first, end = window(policy, as_of)
    lines = [] if policy.by_score else _came_back(policy, member, as_of)
    breaches = [] if policy.by_score else list(_breaches(policy, kin.heirs([member.pk]), as_of).order_by("-day", "-pk"))
    return Evidence(policy, verdict, first, end, lines, breaches)


def _breaches(policy: CoefficientPolicy, members: Collection[int], as_of: dt.datetime) -> QuerySet[Breach]:
    """The promises that these members did not keep in the window."""
    first, end = window(policy, as_of)
    return Breach.objects.filter(member__in=members, day__gte=first, day__lt=end).select_related("excused_by")


def _came_back(policy: CoefficientPolicy, member: Member, as_of: dt.datetime) -> list[OrderLine]:
    """The lines that came back without cause, the newest first, with their refunds and excuses."""
    lines = judged_lines(policy, kin.heirs([member.pk]), as_of).filter(came_back=True)
    lines = lines.select_related("order__delivery_refusal", "excuse__excused_by")
    return list(lines.prefetch_related("refund_lines__refund").order_by(F("order__completed_on").desc(), "-pk"))


def outlook(policy: CoefficientPolicy, at: dt.datetime) -> Outlook:
    """What a policy, draft or not, would make of the members now; of every k-th if there are very many."""
    standings = Standing.objects.filter(member__status=Member.Status.ACTIVE)
    members = standings.count()
    step = max(-(-members // _PREVIEWED), 1)
    chosen = list(
        standings.annotate(turn=F("member_id") % step).filter(turn=0).values_list("pk", flat=True).order_by("pk")
    )
    moves: Counter[tuple[int, int]] = Counter()
    accused: list[Verdict] = []
    for begin in range(0, len(chosen), _AT_ONCE):
        found = verdicts(policy, chosen[begin : begin + _AT_ONCE], rated_at(at), at)
        moves.update((verdict.present, verdict.deserved) for verdict in found)
        accused += [verdict for verdict in found if verdict.needs_a_person][: _NAMED - len(accused)]
    return Outlook(moves, len(chosen), members, accused)
