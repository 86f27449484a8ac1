"""Packs: what a benefit hands out of the catalogue, once a member and period, by night and on demand (S1-18, S2-16).

A pack is a use of its benefit: the unique key of uses keeps it once, the quota's ledger counts it. What is not there when
it is handed out is owed; every later run tries it again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import clock, sql
from common.models import JobRun, Staff
from common.problems import Problem
from common.services import jobs, outbox
from common.services.audit import Actor
from loyalty.models import Tier
from loyalty.selectors import spans
from members.models import Member
from members.selectors import kin
from members.services import members
from rewards import facts
from rewards.models import BenefitUse, PackGift, PackItem, Reward, Window
from rewards.selectors import belongings, catalogue, entitlements, packs
from rewards.selectors.entitlements import Entitlement
from rewards.services import benefits, gifts, quotas

JOB = "hand-out-packs"
MEMBERS_PER_CHUNK = 500


class NothingToHandOut(Problem):
    """The benefit has no contents, or none for a member of this tier."""

    code = "nothing_to_hand_out"
    status = 409
    title = gettext_lazy("This benefit hands out nothing to this member.")


@dataclass(frozen=True, slots=True)
class Due:
    """A pack that a member has not had in this window."""

    member: Member
    found: Entitlement
    window: Window
    tier: Tier | None
    items: list[PackItem]

    @property
    def key(self) -> str:
        return packs.PREFIX + self.window.name

    @property
    def rewards(self) -> list[Reward]:
        """Everything in it, each as often as it is."""
        return [item.reward for item in self.items for _number in range(item.quantity)]


def hand_out(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Hand out the packs of the period of `at` that members have not had, and what is owed of earlier ones.

    In chunks of members; safe to stop, repeat and run twice.
    """
    people = packs.people(at)
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(people, MEMBERS_PER_CHUNK, by="id"),
        work=lambda first, last: _hand_out(list(people.filter(pk__gte=first, pk__lte=last)), at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def claim(member: Member, code: str, at: dt.datetime) -> BenefitUse:
    """Hand out the member's pack of this period now. Asked again it is the same pack, and what is owed of it is tried again.

    Raises UnknownBenefit, NotEntitled, QuotaUsedUp, NothingToHandOut.
    """
    with transaction.atomic():
        found = benefits.entitled(member, code, at)
        pack = _had(member, found)
        if pack is None:
            due = [one for one in _due([member], at) if one.found.benefit == found.benefit]
            if due:
                _open(due, at)
            pack = _had(member, found)  # also if somebody else has opened it just now
            if pack is None and (due or found.left == 0):
                raise quotas.QuotaUsedUp(quota=found.quota, used=found.used)
            if pack is None:
                raise NothingToHandOut
        _fill(packs.owed().filter(use=pack), at)
        return pack


def _had(member: Member, found: Entitlement) -> BenefitUse | None:
    """The pack of the period of an entitlement that the member has had, or one who was merged into the member (E58)."""
    window = found.window.name if found.window else ""
    return BenefitUse.objects.filter(
        member__in=kin.ids(member.pk), benefit=found.benefit, key=packs.PREFIX + window
    ).first()


def _hand_out(people: Sequence[Member], at: dt.datetime) -> dict[str, int]:
    opened = _open(_due(people, at), at)
    given, owed = _fill(packs.owed().filter(use__member__in=kin.heirs([member.pk for member in people])), at)
    return {"packs": opened, "given": given, "owed": owed}


def _due(people: Sequence[Member], at: dt.datetime) -> list[Due]:
    """The packs that these members are entitled to and have not had. A fixed number of queries."""
    contents, coupons = packs.contents(), catalogue.coupon_tier()
    keys = [member.pk for member in people]
    entitled, tiers, had = entitlements.of_many(people, at), belongings.tiers(keys, at), packs.had(keys)
    found = []
    for member in people:
        for one in entitled[member.pk]:
            items = packs.fitting(contents.get(one.benefit.pk, ()), tiers.get(member.pk), coupons)
            if not items or one.window is None or one.left == 0:
                continue
            due = Due(member, one, one.window, tiers.get(member.pk), items)
            if (member.pk, one.benefit.pk, due.key) not in had:
                found.append(due)
    return found


def _open(due: Sequence[Due], at: dt.datetime) -> int:
    """Write the packs, with everything in them owed; how many. Others may do the same just now: the key decides."""
    uses = [_use(one, at) for one in due]
    BenefitUse.objects.bulk_create(uses, ignore_conflicts=True)
    written = BenefitUse.objects.in_bulk([use.uuid for use in uses], field_name="uuid")
    opened = [(written[use.uuid], one) for use, one in zip(uses, due, strict=True) if use.uuid in written]
    takings = [
        quotas.Taking(one.member, one.found.benefit, one.window, one.found.quota or 0, f"use:{use.uuid}")
        for use, one in opened
    ]
    for (use, _one), quota in zip(opened, quotas.take_many(takings, at), strict=True):
        use.quota = quota
    kept = [(use, one) for use, one in opened if use.quota is not None]
    if len(kept) < len(opened):  # somebody took the last use meanwhile
        BenefitUse.objects.filter(pk__in=[use.pk for use, _one in opened if use.quota is None]).delete()
    if kept:
        sql.update_rows([use for use, _one in kept], ["quota"])
    sql.insert([PackGift(use=use, reward=reward) for use, one in kept for reward in one.rewards])
    outbox.publish([_told(use, one) for use, one in kept], at)
    return len(kept)


def _use(one: Due, at: dt.datetime) -> BenefitUse:
    benefit = one.found.benefit
    return BenefitUse(
        member=one.member,
        benefit=benefit,
        key=one.key,
        value=one.found.value,
        source=one.found.source[:200],
        tier=one.tier,
        issuer_id=benefit.issuer_id,
        cost=sum(reward.unit_cost for reward in one.rewards),
        at=at,
        used_on=clock.local_date(at),
    )


def _told(use: BenefitUse, one: Due) -> facts.PackOpened:
    rewards = [reward.code for reward in one.rewards]
    return facts.PackOpened(one.member.external_id, one.found.benefit.code, str(use.uuid), one.window.name, rewards)


def _fill(waiting: QuerySet[PackGift], at: dt.datetime) -> tuple[int, int]:
    """Give what is owed, as far as there is some; how much was given, and how much is owed still.

    What another transaction gives just now is passed over.
    """
    rows = waiting.select_for_update(of=("self",), skip_locked=True).order_by("pk")
    found = list(rows.select_related("use__member__merged_into", "use__benefit", "reward__merchant"))
    wants = [gifts.Want(members.remaining(row.use.member), row.reward, row.use.benefit.name) for row in found]
    given = gifts.give(wants, actor=Actor(_("packs")), at=at)
    done = []
    for row, redemption in zip(found, given, strict=True):
        if redemption is not None:
            row.redemption = redemption
            done.append(row)
    if done:
        sql.update_rows(done, ["redemption"])
    return len(done), len(found) - len(done)
