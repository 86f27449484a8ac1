"""Benefits in use: checked, used once for one occasion, given back. What holds is asked at the time of use (F18)."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from common import clock
from common.problems import InvalidInput, NotFound, Problem
from common.services import outbox
from members.models import Member
from members.selectors import kin
from members.services import members
from merchants.models import Merchant, Store
from rewards import facts
from rewards.models import Benefit, BenefitUse, InstantRefund
from rewards.selectors import belongings, entitlements
from rewards.selectors.entitlements import Entitlement
from rewards.services import orders, quotas
from rewards.services.quotas import QuotaUsedUp

Kind = Benefit.Kind


class UnknownBenefit(NotFound):
    """No benefit bears this code."""

    code = "unknown_benefit"
    title = _("There is no such benefit.")


class UnknownUse(NotFound):
    """The member has not used this benefit so."""

    code = "unknown_use"
    title = _("There is no such use.")


class NotEntitled(Problem):
    """Nothing gives the member this benefit now."""

    code = "not_entitled"
    status = 409
    title = _("The member is not entitled to this benefit.")


class NotAcceptedHere(Problem):
    """The store's merchant does not take part in this benefit."""

    code = "benefit_not_accepted"
    status = 409
    title = _("This benefit cannot be used at this store.")


class HandedOutInPacks(Problem):
    """The benefit hands out rewards of the catalogue: its pack is claimed, and what was handed out is given back singly."""

    code = "handed_out_in_packs"
    status = 409
    title = _("This benefit is handed out as a pack of rewards. Claim the pack; give its rewards back one by one.")


class MoneyIsOut(Problem):
    """The use is an instant refund whose goods are not back: it is settled, or recovered, before it is given back."""

    code = "instant_refund_open"
    status = 409
    title = _("The money of this instant refund is still out. Settle the refund first.")


class KeyOfAnotherUse(Problem):
    """The key named another occasion before."""

    code = "use_key_reused"
    status = 422
    title = _("This key was used for another use of the benefit.")


AFTER_SALES = (Kind.SINGLE_FREE, Kind.DOUBLE_FREE, Kind.FREE_RETURNS, Kind.REPLACEMENT)
"""What an order brings after the sale is decided by what its buyer was entitled to when it was paid (domain.md E54), also if
the buyer was merged into another member since (E58). An instant refund is none of these: it lends money, and who answers
for it now must be good for it (F21)."""


def check(member: Member, code: str, at: dt.datetime, *, store: str = "", order: str = "") -> Entitlement:
    """The entitlement, if the member could use the benefit now; nothing is written.

    Raises UnknownBenefit, NotEntitled, NotAcceptedHere, OrderOfAnother, QuotaUsedUp, InvalidInput (unknown store).
    """
    benefit = _benefit(code)
    _merchant(benefit, store)
    found = _entitled(member, benefit, at, order)
    if found.left == 0:
        raise QuotaUsedUp(
            _("%(used)d of %(quota)d uses are taken.") % {"used": found.used, "quota": found.quota},
            quota=found.quota,
            used=found.used,
            resets_on=found.resets_on.isoformat() if found.resets_on else None,
        )
    return found


def use(
    member: Member,
    code: str,
    at: dt.datetime,
    *,
    key: str,
    store: str = "",
    channel: str = BenefitUse.Channel.ONLINE,
    order: str = "",
) -> BenefitUse:
    """Use the benefit once for the occasion `key`; the same key again is the same use, whatever is left by then.

    `store` is the marketplace's code of the store where it is used. Raises what `check` raises, HandedOutInPacks,
    KeyOfAnotherUse.
    """
    asked = {"store_code": store, "channel": channel, "order_code": order}
    with transaction.atomic():
        benefit = _benefit(code)
        known = BenefitUse.objects.filter(member__in=kin.ids(member.pk), benefit=benefit, key=key).first()
        if known is not None:
            return _same(known, asked)
        _check_kind(benefit)
        merchant = _merchant(benefit, store)
        found = _entitled(member, benefit, at, order)
        row, made = BenefitUse.objects.get_or_create(
            member=member,
            benefit=benefit,
            key=key,
            defaults=asked
            | {
                "value": found.value,
                "source": found.source[:200],
                "tier": belongings.tiers([member.pk], at).get(member.pk),
                "issuer_id": benefit.issuer_id,
                "user": merchant,
                "price": benefit.settlement_price,
                "cost": benefit.unit_cost,
                "at": at,
                "used_on": clock.local_date(at),
            },
        )
        if not made:
            return _same(row, asked)
        left = None
        if found.quota is not None and found.window is not None:
            quota = quotas.take(member, benefit, found.window, found.quota, reference=f"use:{row.uuid}", at=at)
            row.quota, left = quota, quota.granted - quota.used
            row.save(update_fields=["quota"])
        outbox.publish([facts.BenefitUsed(member.external_id, benefit.code, str(row.uuid), store, order, left)], at)
    return row


def entitled(member: Member, code: str, at: dt.datetime) -> Entitlement:
    """The member's entitlement to a benefit, whatever is left of it. Raises UnknownBenefit, NotEntitled."""
    return _entitled(member, _benefit(code), at, "")


def give_back(member: Member, code: str, use_uuid: uuid.UUID, at: dt.datetime) -> BenefitUse:
    """Undo a use: it counts no more, and its quota has one more. Given back again it stays so.

    Any name of the person will do: the one it was used by, or the one that it was merged into.
    Raises UnknownUse, HandedOutInPacks, MoneyIsOut.
    """
    with transaction.atomic():
        mine = uses().filter(member__in=kin.ids(members.remaining(member).pk))
        row = mine.filter(benefit__code=code, uuid=use_uuid).select_for_update(of=("self",)).first()
        if row is None:
            raise UnknownUse
        if row.given_back_at is not None:
            return row
        if row.gifts.exists():
            raise HandedOutInPacks
        refund = InstantRefund.objects.filter(use=row, status=InstantRefund.Status.OPEN).first()
        if refund is not None:
            raise MoneyIsOut(instant_refund=str(refund.uuid))
        row.given_back_at, row.given_back_on = at, clock.local_date(at)
        row.save(update_fields=["given_back_at", "given_back_on"])
        if row.quota_id:
            quotas.give_back(row.quota_id, reference=f"use:{row.uuid}", at=at)
        outbox.publish([facts.BenefitGivenBack(row.member.external_id, code, str(row.uuid))], at)
    return row


def uses() -> QuerySet[BenefitUse]:
    """Uses with what is said of them."""
    return BenefitUse.objects.select_related("member", "benefit", "issuer", "user", "tier")


def _benefit(code: str) -> Benefit:
    benefit = Benefit.objects.select_related("issuer").filter(code=code).first()
    if benefit is None:
        raise UnknownBenefit
    return benefit


def _check_kind(benefit: Benefit) -> None:
    """Raises HandedOutInPacks."""
    if benefit.kind in Benefit.HANDED_OUT and benefit.pack_items.exists():
        raise HandedOutInPacks


def _entitled(member: Member, benefit: Benefit, at: dt.datetime, order: str) -> Entitlement:
    bought = orders.known(member, order) if order else None
    if bought and benefit.kind in AFTER_SALES and (bought.paid_at or bought.completed_at):
        has = entitlements.of_order(bought, member, at)
    else:
        has = entitlements.of(member, at)
    found = entitlements.find(has, benefit.code)
    if found is None:
        raise NotEntitled
    return found


def _merchant(benefit: Benefit, store: str) -> Merchant | None:
    """The merchant whose store it is; None for the platform's own shop."""
    if not store:
        return None
    found = Store.objects.select_related("merchant").filter(code=store).first()
    if found is None:
        detail = str(_("No store bears this code."))
        raise InvalidInput(errors=[{"pointer": "/store", "code": "unknown_store", "detail": detail}])
    accepting = set(benefit.accepted_by.values_list("pk", flat=True))
    if accepting and found.merchant_id not in accepting and found.merchant_id != benefit.issuer_id:
        raise NotAcceptedHere
    return found.merchant


def _same(known: BenefitUse, asked: dict[str, Any]) -> BenefitUse:
    if any(getattr(known, name) != value for name, value in asked.items()):
        raise KeyOfAnotherUse
    return known
