"""Earning rules: which versions are in force, and who may put one in force."""

from __future__ import annotations

import datetime as dt
import logging
import uuid

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from common import clock
from common.problems import InvalidInput, Problem
from common.services import audit
from loyalty.models import Campaign, EarningRuleVersion, Expiry, Programme, RuleCondition
from loyalty.selectors import programme as programmes
from loyalty.services import conditions, expiry
from loyalty.services.earning import CompiledRule

logger = logging.getLogger(__name__)


class SecondPersonNeeded(Problem):
    """What pays out is put in force by somebody other than its author."""

    code = "second_person_needed"
    status = 409
    title = _("Somebody else has to put this in force.")


class NotADraft(Problem):
    """Only a draft can be changed or put in force."""

    code = "not_a_draft"
    status = 409
    title = _("This version is already in force and never changes. Make a new version.")


class StartsInThePast(Problem):
    """A version may not change what was promised before."""

    code = "starts_in_the_past"
    status = 409
    title = _("A version can only be in force from now on.")


class RuleBook:
    """All active versions, compiled. Which of them counts depends on when an event happened.

    `has_undone` says whether any campaign was undone, though its rules cannot be read any more.
    """

    def __init__(self, versions: list[EarningRuleVersion], *, has_undone: bool = False):
        self.has_undone = has_undone
        self.by_id = {}
        self._by_type: dict[str, list[CompiledRule]] = {}
        self.attributes: set[str] = set()
        self.slides = any(version.expiry == Expiry.SLIDING for version in versions)
        for version in versions:
            compiled = CompiledRule(version, tuple(conditions.compile(row) for row in version.conditions.all()))
            self.by_id[version.pk] = compiled
            self._by_type.setdefault(version.event_type, []).append(compiled)
            self.attributes.update(condition.attribute for condition in compiled.conditions)
        for rules in self._by_type.values():
            rules.sort(key=lambda rule: (-rule.version.priority, rule.version.rule_id, -rule.version.number))

    def in_force(self, event_type: str, at: dt.datetime) -> list[CompiledRule]:
        """The versions for an event type at an instant, highest priority first: of a rule, the newest that had begun."""
        begun: dict[int, CompiledRule] = {}
        for rule in self._by_type.get(event_type, ()):
            version = rule.version
            if version.effective_from <= at:
                known = begun.get(version.rule_id)
                if known is None or known.version.number < version.number:
                    begun[version.rule_id] = rule
        return [
            rule
            for rule in self._by_type.get(event_type, ())
            if begun.get(rule.version.rule_id) is rule and _is_on(rule, at)
        ]


def _is_on(rule: CompiledRule, at: dt.datetime) -> bool:
    version, campaign = rule.version, rule.version.campaign
    if version.effective_until is not None and at >= version.effective_until:
        return False
    return campaign is None or (
        campaign.status == Campaign.Status.ACTIVE and campaign.starts_at <= at < campaign.ends_at
    )


_cached: tuple[uuid.UUID, RuleBook] | None = None


def load(programme: Programme) -> RuleBook:
    """The rule book of the programme's current revision; read again only when that has changed."""
    global _cached
    cached = _cached
    if cached is None or cached[0] != programme.rules_revision:
        versions = (
            EarningRuleVersion.objects.filter(status=EarningRuleVersion.Status.ACTIVE)
            .select_related("rule", "campaign")
            .prefetch_related("conditions")
        )
        has_undone = any(v.campaign is not None and v.campaign.status == Campaign.Status.UNDONE for v in versions)
        book = RuleBook([v for v in versions if _is_readable(v)], has_undone=has_undone)
        _cached = cached = (programme.rules_revision, book)
    return cached[1]


def _is_readable(version: EarningRuleVersion) -> bool:
    """A version that cannot be read gives nothing and is logged; it must not keep the others from giving."""
    try:
        compile_version(version)
    except InvalidInput:
        logger.exception("earning rule version %s cannot be read and is left out", version.pk)
        return False
    return True


def changed() -> None:
    """Tell every process that rules, campaigns or event types have changed; call it in the transaction that does it."""
    programmes.current()
    Programme.objects.filter(pk=1).update(rules_revision=uuid.uuid4())


def compile_version(version: EarningRuleVersion) -> CompiledRule:
    """Compile a version that need not be active, for the test panel. Raises InvalidInput for a bad condition."""
    return CompiledRule(version, tuple(conditions.compile(row) for row in version.conditions.all()))


def draft_from(version: EarningRuleVersion, actor: audit.Actor, at: dt.datetime) -> EarningRuleVersion:
    """A new draft that says what `version` says, to be changed and put in force later."""
    with transaction.atomic():
        newest = (
            EarningRuleVersion.objects.select_for_update().filter(rule=version.rule).aggregate(n=Max("number"))["n"]
        )
        rows = list(version.conditions.all())
        draft = EarningRuleVersion.objects.get(pk=version.pk)
        draft.pk = None
        draft._state.adding = True
        draft.number = newest + 1
        draft.status = EarningRuleVersion.Status.DRAFT
        draft.effective_from, draft.effective_until = at, None
        draft.created_by, draft.activated_by, draft.activated_at = actor.staff, None, None
        draft.save()
        RuleCondition.objects.bulk_create(
            RuleCondition(version=draft, attribute=r.attribute, key=r.key, operator=r.operator, value=r.value)
            for r in rows
        )
        audit.record(actor, "loyalty.rules.draft_from", draft, f"New draft of {draft.rule}", at)
    return draft


def activate(version: EarningRuleVersion, actor: audit.Actor, at: dt.datetime) -> EarningRuleVersion:
    """Put a draft in force from its start (not before `at`); by another person than its author.

    Raises NotADraft, SecondPersonNeeded, StartsInThePast, InvalidInput (a condition that cannot be read, an expiry that
    lacks its date or campaign).
    """
    with transaction.atomic():
        version = EarningRuleVersion.objects.select_for_update(of=("self",)).select_related("rule").get(pk=version.pk)
        if version.status != EarningRuleVersion.Status.DRAFT:
            raise NotADraft
        if actor.staff is None or actor.staff.pk == version.created_by_id:
            raise SecondPersonNeeded
        if version.effective_until is not None and version.effective_until <= at:
            raise StartsInThePast
        compile_version(version)
        _check_expiry(version, at)
        # A start that has passed while the draft waited means "as soon as it is in force".
        version.effective_from = max(version.effective_from, at)
        version.status = EarningRuleVersion.Status.ACTIVE
        version.activated_by, version.activated_at = actor.staff, at
        version.save()
        changed()
        audit.record(
            actor,
            "loyalty.rules.activate",
            version,
            f"{version} in force from {version.effective_from:%Y-%m-%d %H:%M}",
            at,
        )
    return version


def _check_expiry(version: EarningRuleVersion, at: dt.datetime) -> None:
    ends_at = version.campaign.ends_at if version.campaign else None
    try:
        if version.expiry:
            expiry.expires_at(
                version.expiry,
                version.expiry_count,
                version.expiry_date,
                at,
                campaign_ends_at=ends_at,
                tz=clock.zone(),
            )
    except ValueError as error:
        raise InvalidInput(_("It cannot be said when the points expire: %(why)s.") % {"why": error}) from None


def retire(version: EarningRuleVersion, until: dt.datetime, actor: audit.Actor, at: dt.datetime) -> EarningRuleVersion:
    """End an active version at `until` (not before `at`); what it has given stays. Raises StartsInThePast."""
    if until < at:
        raise StartsInThePast(_("A rule can only end from now on."))
    with transaction.atomic():
        version = EarningRuleVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
        version.effective_until = max(until, version.effective_from + dt.timedelta(microseconds=1))
        version.save(update_fields=["effective_until"])
        changed()
        audit.record(
            actor, "loyalty.rules.retire", version, f"{version} ends at {version.effective_until:%Y-%m-%d %H:%M}", at
        )
    return version
