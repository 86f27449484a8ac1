"""Risk rules: drafted, tried in shadow, put in force by a second person, ended; a version that ran never changes."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from common import clock
from common.problems import InvalidInput, Problem
from common.services import audit
from members.models import RiskRuleVersion
from members.services import risk_guards

Mode = RiskRuleVersion.Mode


class NotADraft(Problem):
    """It runs already, or has ended."""

    code = "not_a_draft"
    status = 409
    title = _("This version runs already, or has ended. Make a new version.")


class SecondPersonNeeded(Problem):
    """What refuses members is put in force by somebody other than its author."""

    code = "second_person_needed"
    status = 409
    title = _("Somebody else has to put this in force.")


class StartsInThePast(Problem):
    """Nobody is refused for what was allowed when she did it."""

    code = "starts_in_the_past"
    status = 409
    title = _("A rule can only begin and end from now on.")


@transaction.atomic
def draft_from(version: RiskRuleVersion, actor: audit.Actor, at: dt.datetime) -> RiskRuleVersion:
    """A new draft that says what `version` says."""
    versions = RiskRuleVersion.objects.select_for_update(of=("self",)).filter(rule=version.rule_id)
    newest = max(versions.values_list("number", flat=True))
    draft = RiskRuleVersion.objects.get(pk=version.pk)
    draft.pk, draft._state.adding, draft.number, draft.mode = None, True, newest + 1, Mode.DRAFT
    draft.effective_from, draft.effective_until, draft.activated_by, draft.activated_at = at, None, None, None
    draft.created_by, draft.created_at = actor.staff, at
    draft.save()
    audit.record(actor, "members.risk_rules.draft_from", draft, _("New draft of %s") % draft.rule, at)
    return draft


def next_number(rule_id: int) -> int:
    """The number of a rule's next version."""
    return (RiskRuleVersion.objects.filter(rule=rule_id).aggregate(n=Max("number"))["n"] or 0) + 1


@transaction.atomic
def watch(version: RiskRuleVersion, actor: audit.Actor, at: dt.datetime) -> RiskRuleVersion:
    """Let a draft run in shadow from now on: it refuses nobody, so its author may do it.

    Raises NotADraft, InvalidInput (what `faults()` says).
    """
    version = _locked(version)
    if version.mode != Mode.DRAFT:
        raise NotADraft
    _begin(version, Mode.SHADOW, at)
    audit.record(actor, "members.risk_rules.watch", version, _("In shadow: %s") % version, at)
    return version


@transaction.atomic
def activate(version: RiskRuleVersion, actor: audit.Actor, at: dt.datetime) -> RiskRuleVersion:
    """Put a draft, or one in shadow, in force: from its start, or from now on; by another person than its author.

    Raises NotADraft, SecondPersonNeeded, StartsInThePast, InvalidInput (what `faults()` says).
    """
    version = _locked(version)
    if version.mode not in (Mode.DRAFT, Mode.SHADOW):
        raise NotADraft
    if actor.staff is None or actor.staff.pk == version.created_by_id:
        raise SecondPersonNeeded
    version.activated_by, version.activated_at = actor.staff, at
    _begin(version, Mode.ACTIVE, at)
    begins = clock.local(version.effective_from)
    summary = _("%(version)s in force from %(begins)s") % {"version": version, "begins": f"{begins:%Y-%m-%d %H:%M}"}
    audit.record(actor, "members.risk_rules.activate", version, summary, at)
    return version


@transaction.atomic
def retire(version: RiskRuleVersion, actor: audit.Actor, at: dt.datetime) -> RiskRuleVersion:
    """End a version that runs; what it refused stays remembered. Ended again it stays ended."""
    version = _locked(version)
    if version.mode in (Mode.SHADOW, Mode.ACTIVE):
        version.mode = Mode.RETIRED
        version.effective_until = max(at, version.effective_from + dt.timedelta(microseconds=1))
        version.save(update_fields=["mode", "effective_until"])
        risk_guards.changed()
        audit.record(actor, "members.risk_rules.retire", version, _("Ended: %s") % version, at)
    return version


def _locked(version: RiskRuleVersion) -> RiskRuleVersion:
    rows = RiskRuleVersion.objects.select_for_update(of=("self",)).select_related("rule")
    return rows.get(pk=version.pk)


def _begin(version: RiskRuleVersion, mode: str, at: dt.datetime) -> None:
    if why := version.faults():
        raise InvalidInput(" ".join(why))
    if version.effective_until is not None and version.effective_until <= at:
        raise StartsInThePast
    # A start that has passed while the draft waited means "as soon as it is in force".
    version.effective_from = at if mode == Mode.SHADOW else max(version.effective_from, at)
    version.mode = mode
    version.save()
    risk_guards.changed()
