"""What a ladder says, in sentences that somebody can agree with or not."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext, ngettext

from common.admin import words
from loyalty.models import Ladder, Rung
from loyalty.selectors import dormancy


def say(ladder: Ladder, rungs: Sequence[Rung]) -> list[str]:
    """How tiers are reached, kept and lost."""
    said = [_decay(ladder), _line(ladder)]
    if ladder.by_rank:
        return said
    said.append(str(ladder.get_applies_display()) + ".")
    if ladder.never_downgrade:
        return [*said, gettext("Nobody ever falls.")]
    if ladder.soft_landing:
        said.append(gettext("Who falls, falls one tier at a time."))
    if ladder.grace_days:
        days = ladder.grace_days
        said.append(
            ngettext("A lost tier is kept for %d day more.", "A lost tier is kept for %d days more.", days) % days
        )
    if ladder.warn_days:
        days = ladder.warn_days
        said.append(
            ngettext("Who will fall is warned %d day before.", "Who will fall is warned %d days before.", days) % days
        )
    return [*said, *_sleeper(ladder, rungs)]


def rung(ladder: Ladder, rung: Rung) -> str:
    """What one rung asks and takes."""
    said = [_place(ladder, rung)]
    if rung.needs_order:
        said.append(gettext("after a completed order"))
    if not ladder.by_rank:
        if ladder.decay == Ladder.Decay.DEDUCTION and rung.deduction:
            said.append(gettext("−%s at each review") % words.number(rung.deduction))
        said.append(_span(rung.validity_months) if rung.validity_months else gettext("for ever"))
    if rung.benefit_cost:
        said.append(gettext("benefits of %s a member and year") % words.money(rung.benefit_cost))
    return ", ".join(said)


def _place(ladder: Ladder, rung: Rung) -> str:
    if ladder.line == Ladder.Line.THRESHOLD:
        return gettext("from %s growth") % words.number(rung.threshold)
    if ladder.line == Ladder.Line.TOP and rung.places:
        return gettext("the best %s") % words.number(rung.places)
    if ladder.line == Ladder.Line.SHARE and rung.share_permille:
        return gettext("the best %s ‰") % rung.share_permille
    return gettext("everybody else")


def _decay(ladder: Ladder) -> str:
    months = ladder.window_months
    if ladder.by_rank and ladder.decay == Ladder.Decay.DEDUCTION:
        return gettext("By rank there are no reviews, so nothing is deducted from growth.")
    return {
        Ladder.Decay.NONE: gettext("Growth is never taken away."),
        Ladder.Decay.DEDUCTION: gettext(
            "When a tier's time is over its deduction is taken off the growth, and the tier is judged anew."
        ),
        Ladder.Decay.WINDOW: ngettext(
            "Only growth of the last %d whole month counts.", "Only growth of the last %d whole months counts.", months
        )
        % months,
        Ladder.Decay.RESET: gettext(
            "After %(period)s growth begins again at nothing; what exceeds the tier's threshold is carried over,"
            " up to %(percent)d %% of the threshold."
        )
        % {"period": _span(ladder.period_months), "percent": ladder.carry_percent},
        Ladder.Decay.HALF_LIFE: gettext("Growth halves in %d days.") % ladder.half_life_days,
    }[Ladder.Decay(ladder.decay)]


def _line(ladder: Ladder) -> str:
    if ladder.by_rank:
        return gettext(
            "On the first of each month members are ranked by growth; who reached it earlier stands higher."
            " Who holds a tier falls only beyond %d %% more places."
        ) % (ladder.hysteresis_percent,)
    return gettext("A tier begins exactly at its threshold.")


def _sleeper(ladder: Ladder, rungs: Sequence[Rung]) -> list[str]:
    """How long somebody who stops buying keeps what he has (domain.md F3)."""
    if ladder.decay != Ladder.Decay.DEDUCTION:
        return []
    path = dormancy.path(rungs, soft_landing=ladder.soft_landing)
    if len(path) < 2:
        return [gettext("Who stops buying keeps the highest tier for ever.")] if path else []
    steps = ", ".join(
        gettext("%(tier)s for %(span)s") % {"tier": tier.name, "span": _span(months)}
        for tier, months in path
        if months is not None
    )
    return [
        gettext("Who stops buying at the highest threshold is %(steps)s, then %(last)s.")
        % {"steps": steps, "last": path[-1][0].name}
    ]


def _span(months: int) -> str:
    """12 -> 1 year; 18 -> 18 months."""
    if months % 12:
        return ngettext("%d month", "%d months", months) % months
    return ngettext("%d year", "%d years", months // 12) % (months // 12)
