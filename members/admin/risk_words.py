"""Risk rules as sentences."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from common.admin import tags
from members.models import RiskRuleVersion
from members.models.risk_words import Action, Conduct, Outcome

Mode = RiskRuleVersion.Mode

MODE_COLOURS: dict[str, str] = {Mode.DRAFT: tags.WAITING, Mode.SHADOW: tags.NEWS, Mode.ACTIVE: tags.GOOD}
OUTCOME_COLOURS: dict[str, str] = {
    Outcome.REFUSE: tags.BAD,
    Outcome.BLOCK: tags.BAD,
    Outcome.REVIEW: tags.WAITING,
    Outcome.WATCH: tags.NEWS,
}
DONE: dict[str, Any] = {
    Outcome.REFUSE: _("Refused"),
    Outcome.REVIEW: _("Points set aside"),
    Outcome.WATCH: _("Remembered"),
    Outcome.BLOCK: _("Blocked"),
}
_DAY, _HOUR = 1440, 60


def window(minutes: int) -> str:
    """2880 -> 2 days; what is no whole number of hours stays in minutes."""
    if minutes % _DAY == 0:
        return ngettext("%d day", "%d days", minutes // _DAY) % (minutes // _DAY)
    if minutes % _HOUR == 0:
        return ngettext("%d hour", "%d hours", minutes // _HOUR) % (minutes // _HOUR)
    return ngettext("%d minute", "%d minutes", minutes) % minutes


def actions(names: list[str]) -> str:
    """Actions by their names in words; none means all."""
    return ", ".join(str(Action(name).label) for name in names) or gettext("everything")


def say(version: RiskRuleVersion) -> str:
    """What a version says, for whom, and what follows."""
    known = {
        "action": version.get_action_display(),
        "counter": version.get_counter_display(),
        "limit": version.limit,
        "window": window(version.window_minutes),
    }
    if version.limit:
        text = gettext("%(action)s: at most %(limit)d in %(window)s, counted per: %(counter)s.") % known
    else:
        text = gettext("%(action)s: none at all.") % known
    return " ".join([text, *_whom(version), _then(version)])


def _whom(version: RiskRuleVersion) -> list[str]:
    said = []
    if version.younger_than_days is not None:
        said.append(gettext("Only accounts younger than %d days.") % version.younger_than_days)
    if version.spares_verified:
        said.append(gettext("Not for members whose real name is verified."))
    if version.tiers:
        said.append(gettext("Only in the tiers %s.") % version.tiers)
    if version.conducts:
        bands = ", ".join(str(Conduct(band).label) for band in version.conducts)
        said.append(gettext("Only of the conduct: %s.") % bands)
    return said


def _then(version: RiskRuleVersion) -> str:
    if version.outcome == Outcome.BLOCK:
        known = {"days": version.block_days or 0, "actions": actions(version.block_actions)}
        return gettext("Then: the member is blocked for %(days)d days from: %(actions)s.") % known
    return gettext("Then: %s.") % version.get_outcome_display()
