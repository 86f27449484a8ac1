"""Grants of benefits: drafted by one person, put in force by another within the budget, ended, replaced (F20)."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common import clock
from common.problems import InvalidInput, Problem
from common.services import audit
from loyalty.services.rules import NotADraft, SecondPersonNeeded, StartsInThePast
from rewards.models import Benefit, BenefitGrant, Bundle, BundleItem
from rewards.selectors import benefit_costs


class OverBudget(Problem):
    """The benefits of a tier's members would cost more than its budget, or than what they bring (domain.md F20)."""

    code = "over_budget"
    status = 409
    title = _("This would cost more than the budget allows.")


class NotInForce(Problem):
    """Only a grant that gives can be ended."""

    code = "not_in_force"
    status = 409
    title = _("This grant gives nothing any more, or not yet.")


def activate(grant: BenefitGrant, actor: audit.Actor, effective_from: dt.datetime, at: dt.datetime) -> BenefitGrant:
    """Put a draft in force from an instant (not before `at`); what it replaces ends then.

    Raises NotADraft, SecondPersonNeeded, StartsInThePast, InvalidInput (what `faults` says), OverBudget.
    """
    with transaction.atomic():
        grant = lock(grant)
        if not grant.is_draft:
            raise NotADraft
        if actor.staff is None or actor.staff.pk == grant.drafted_by_id:
            raise SecondPersonNeeded
        if effective_from < at:
            raise StartsInThePast
        if faults := grant.faults():
            raise InvalidInput(" ".join(faults))
        if over := [cost.fault for cost in benefit_costs.estimate(at, plus=grant) if cost.fault]:
            raise OverBudget(" ".join(over))
        grant.status, grant.effective_from = BenefitGrant.Status.ACTIVE, effective_from
        grant.activated_by, grant.activated_at = actor.staff, at
        grant.save()
        if grant.replaces_id:
            BenefitGrant.objects.in_force(effective_from).filter(pk=grant.replaces_id).update(
                effective_until=effective_from
            )
        summary = f"{grant}, from {clock.local(effective_from):%Y-%m-%d %H:%M}"
        audit.record(actor, "rewards.grants.activate", grant, summary, at)
    return grant


def end(grant: BenefitGrant, actor: audit.Actor, effective_until: dt.datetime, at: dt.datetime) -> BenefitGrant:
    """Let a grant give only until an instant (not before `at`). What was used stays. Raises NotInForce, StartsInThePast."""
    with transaction.atomic():
        grant = lock(grant)
        is_over = grant.effective_until is not None and grant.effective_until <= at
        if grant.is_draft or grant.effective_from is None or is_over:
            raise NotInForce
        if effective_until < at:
            raise StartsInThePast
        grant.effective_until = max(effective_until, grant.effective_from)
        grant.save(update_fields=["effective_until"])
        summary = f"{grant}, until {clock.local(grant.effective_until):%Y-%m-%d %H:%M}"
        audit.record(actor, "rewards.grants.end", grant, summary, at)
    return grant


def draft_from(grant: BenefitGrant, actor: audit.Actor, at: dt.datetime) -> BenefitGrant:
    """A draft that says the same and, once in force, replaces the grant."""
    with transaction.atomic():
        draft = BenefitGrant.objects.get(pk=grant.pk)
        draft.pk, draft._state.adding = None, True
        draft.status, draft.replaces_id = BenefitGrant.Status.DRAFT, grant.pk
        draft.effective_from = draft.effective_until = None
        draft.drafted_by, draft.drafted_at = actor.staff, at
        draft.activated_by = draft.activated_at = None
        draft.save()
        audit.record(actor, "rewards.grants.draft_from", draft, f"New draft from {grant}", at)
    return draft


def lock(grant: BenefitGrant) -> BenefitGrant:
    """The grant as it stands, with all that it gives: nobody edits it, its bundles or what they hand out meanwhile."""
    grant = BenefitGrant.objects.select_for_update(of=("self",)).get(pk=grant.pk)
    bundles = [pk for pk in (grant.bundle_id, grant.pack_id) if pk]
    list(Bundle.objects.select_for_update().filter(pk__in=bundles).order_by("pk"))
    bundled = BundleItem.objects.filter(bundle__in=bundles)
    Benefit.objects.filter(Q(pk=grant.benefit_id) | Q(pk__in=bundled.values("benefit"))).hold()
    return grant
