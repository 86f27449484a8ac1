"""Partners' rights that come with a plan: claimed once a term, taken back if nobody has used them (S1-21, E55).

Who claims and who pays back holds the member's row (plans.lock), so a refund never misses a claim; after it the code.
"""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput, NotFound, Problem
from common.services import audit, outbox
from members.models import Member, PlanPurchase
from members.selectors import plan_terms
from members.services import plan_purchases, plans
from rewards import facts
from rewards.models import Code, PlanRight, RightClaim
from rewards.selectors import plan_rights
from rewards.services import codes, redemptions
from rewards.services.refusals import RewardUsed


class NotClaimable(Problem):
    """A right is claimed while the term that it came with runs: not before, not after, not when it was paid back."""

    code = "right_not_claimable"
    status = 409
    title = _("This can be claimed only while the term that it came with runs.")


class ClaimSettled(Problem):
    """The partner was paid for it: it is not taken back any more."""

    code = "claim_settled"
    status = 409
    title = _("The partner was paid for this claim already.")


@transaction.atomic
def claim(
    member: Member, purchase_uuid: uuid.UUID, reward: str, at: dt.datetime, *, account: str = ""
) -> tuple[RightClaim, bool]:
    """Claim a right of a running term: a code of the pool, or `account` at the partner's. Also: is it new?

    Claimed again it is the same claim. Raises NotFound, NotClaimable, InvalidInput (account), RewardUnavailable.
    """
    member = plans.lock(member)
    rows = plan_terms.bought_by(member).select_related("subscription", "member").exclude(kind=PlanPurchase.Kind.TRIAL)
    purchase = rows.filter(uuid=purchase_uuid, subscription__isnull=False).first()
    rights = PlanRight.objects.select_related("reward__partner", "offer")
    right = rights.filter(offer=purchase.offer_id, reward__code=reward).first() if purchase else None
    if purchase is None or right is None:
        raise NotFound
    known = plan_rights.claims().filter(purchase=purchase, right=right).first()
    if known is not None:
        return known, False
    term = purchase.subscription
    assert term is not None
    if purchase.status != PlanPurchase.Status.PAID or not term.starts_at <= at < term.ends_at:
        raise NotClaimable
    return _hand_out(RightClaim(right=right, purchase=purchase, claimed_at=at), account.strip(), at), True


def _hand_out(claim: RightClaim, account: str, at: dt.datetime) -> RightClaim:
    right, reward = claim.right, claim.right.reward
    by_account = right.way == PlanRight.Way.ACCOUNT
    if bool(account) != by_account:
        detail = _("Name the account at the partner's.") if by_account else _("A code is handed out: name no account.")
        raise InvalidInput(errors=[{"pointer": "/account", "code": "invalid", "detail": str(detail)}])
    claim.account, claim.expires_at = account, redemptions.good_until(reward, at)
    claim.save()
    code = codes.book(claim, at) if by_account else codes.claim(reward, at, right=claim)
    if code.expires_at is not None and (claim.expires_at is None or code.expires_at < claim.expires_at):
        claim.expires_at = code.expires_at
        claim.save(update_fields=["expires_at"])
    told = facts.PlanRightClaimed(
        key=claim.purchase.member.external_id,
        claim=str(claim.uuid),
        purchase=str(claim.purchase.uuid),
        reward=reward.code,
        until=claim.expires_at.isoformat() if claim.expires_at else None,
    )
    outbox.publish([told], at)
    return claim


@transaction.atomic
def withdraw(claim_uuid: uuid.UUID, *, reason: str, actor: audit.Actor, at: dt.datetime) -> RightClaim:
    """Take a claim back that nobody has used, as the partner confirms: it is not owed for, not deducted, and open again.

    Taken back again it stays so. Raises NotFound, InvalidInput (no reason), RewardUsed, ClaimSettled.
    """
    if not reason.strip():
        raise InvalidInput(_("Say why it is taken back."))
    found = RightClaim.objects.filter(uuid=claim_uuid).values_list("purchase__uuid", flat=True).first()
    if found is None:
        raise NotFound
    purchase = plan_purchases.lock(found)
    claim = RightClaim.objects.select_related("right__reward").get(uuid=claim_uuid)
    if claim.withdrawn_at is not None:
        return claim
    code = Code.objects.select_for_update(of=("self",)).get(claim=claim)
    if code.status == Code.Status.USED:
        raise RewardUsed
    if code.settlement_id is not None:
        raise ClaimSettled
    code.status = Code.Status.VOID
    code.save(update_fields=["status"])
    claim.withdrawn_at, claim.withdrawn_because = at, reason.strip()[:300]
    claim.save(update_fields=["withdrawn_at", "withdrawn_because"])
    summary = _("Taken back: %(right)s of %(member)s") % {"right": claim.right.reward, "member": purchase.member}
    audit.record(actor, "rewards.plan_rights.withdraw", claim, summary, at, reason=reason)
    return claim
