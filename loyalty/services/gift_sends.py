"""Gift campaigns give: in chunks of members, each chunk one transaction; safe to stop, repeat and run twice.

The unique occasion makes it idempotent. The member's account is locked first, the campaign's row, which holds the
budget, last (docs/locking.md).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Callable

from common import clock, sql
from common.models import JobRun
from common.services import jobs
from loyalty import facts
from loyalty.models import GiftAssignment, GiftCampaign, Lot, SegmentMember
from loyalty.selectors import gift_campaigns as selectors
from loyalty.selectors import spans
from loyalty.services import gift_campaigns, segments
from loyalty.services.desk import Desk
from members.models import Member

Arm, Status, Trigger = GiftAssignment.Arm, GiftCampaign.Status, GiftCampaign.Trigger

JOB = "give-gifts"
MEMBERS_PER_CHUNK = 1000


def give_once(at: dt.datetime) -> int:
    """Let the campaigns whose start has come and that give once do it; return how many. One that fails stops no other."""
    due = selectors.on(at).filter(trigger=Trigger.ONCE).order_by("pk")
    return jobs.each(due, lambda campaign: give(campaign, at, at))


def give_tonight(as_of: dt.datetime, at: dt.datetime) -> int:
    """Let the campaigns that look every night for whom they mean do it; return how many. One that fails stops no other."""
    due = selectors.on(at).exclude(trigger=Trigger.ONCE).order_by("pk")
    return jobs.each(due, lambda campaign: give(campaign, as_of, at))


def give(
    campaign: GiftCampaign, as_of: dt.datetime, at: dt.datetime, progress: Callable[[int, int], None] | None = None
) -> JobRun:
    """Give to everybody the campaign means as of an instant; one that gives once does it as of its start and ends.

    Killed half-way, it goes on: each member exactly once.
    """
    is_once = campaign.trigger == Trigger.ONCE
    as_of = campaign.starts_at if is_once else as_of
    run = jobs.run(
        f"{JOB}-{campaign.code}",
        as_of,
        spans=lambda: spans.of(selectors.due(campaign, at), MEMBERS_PER_CHUNK, by="id"),
        work=lambda first, last: _give_span(campaign, first, last, at),
        at=at,
        progress=progress,
    )
    if is_once:
        gift_campaigns.end(campaign, Status.ENDED, at)
    return run


def is_held_out(campaign: GiftCampaign, external_id: str) -> bool:
    """Whether chance holds a member out of a campaign: the same answer for ever, and for every occasion.

    A keyed hash of the member's name, taken as a number, falls below the share. Nobody who does not know the seed can
    tell or steer it.
    """
    digest = hmac.digest(campaign.seed.encode(), external_id.encode(), hashlib.sha256)
    return int.from_bytes(digest[:8], "big") % 10_000 < campaign.holdout_percent * 100


def reference(campaign: GiftCampaign, occasion: str) -> str:
    """How ledger and facts name a gift."""
    return f"gift:{campaign.code}/{occasion}"


def _give_span(campaign: GiftCampaign, first: int, last: int, at: dt.datetime) -> dict[str, int]:
    people = selectors.due(campaign, at).filter(pk__gte=first, pk__lte=last)
    desk = Desk(list(people.values_list("external_id", flat=True)), at)
    desk.book.load_lots([wallet.account_id for wallet in desk.wallets.values()])
    # Asked again under the locks: only what is still due is given.
    giver = _Giver(campaign, desk)
    for member in people.order_by("pk"):
        if member.external_id not in desk.wallets:
            continue
        if not giver.reach(member, member.occasion):  # type: ignore[attr-defined]  # annotated by `due`
            break
    return giver.close()


class _Giver:
    """What a campaign gives at one desk. The budget is locked when the desk is, and ends at the first gift it does not hold."""

    def __init__(self, campaign: GiftCampaign, desk: Desk):
        self.desk = desk
        self.campaign = GiftCampaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
        self.amounts = {amount.tier_id: amount.points for amount in self.campaign.amounts.all()}
        self.left = self.campaign.budget - self.campaign.spent
        self.is_empty = False
        self.measured_until = desk.at + dt.timedelta(days=self.campaign.window_days)
        self.expires_at = clock.day_end(clock.local_date(desk.at) + dt.timedelta(days=self.campaign.days))
        self.assignments: list[tuple[GiftAssignment, Lot | None]] = []
        self.given = 0

    def reach(self, member: Member, occasion: str) -> bool:
        """Treat a member or hold the member out; False if the campaign is over. Nobody after that is in either group."""
        if self.campaign.status != Status.RUNNING:
            return False
        wallet = self.desk.wallets[member.external_id]
        tier_id = wallet.member.standing.tier_id
        arm = Arm.HELD_OUT if is_held_out(self.campaign, member.external_id) else Arm.TREATED
        points = selectors.gift(self.amounts, tier_id) if arm == Arm.TREATED else 0
        if points > self.left - self.given:
            self.is_empty = True
            return False
        lot = self._grant(wallet.account_id, points, occasion) if points else None
        assignment = GiftAssignment(
            campaign=self.campaign, member=member, occasion=occasion, arm=arm, tier_id=tier_id, points=points,
            at=self.desk.at, measured_until=self.measured_until,
        )  # fmt: skip
        self.assignments.append((assignment, lot))
        self.given += points
        if arm == Arm.TREATED:
            self._tell(member.external_id, occasion, points)
        return True

    def _grant(self, account_id: int, points: int, occasion: str) -> Lot:
        named = reference(self.campaign, occasion)
        self.desk.book.settle(account_id)
        return self.desk.book.grant(
            account_id, points, source=Lot.Source.GIFT, reference=named, expires_at=self.expires_at
        )

    def _tell(self, key: str, occasion: str, points: int) -> None:
        campaign = self.campaign
        until = clock.local_date(self.expires_at - dt.timedelta(microseconds=1)).isoformat() if points else None
        self.desk.publish(
            facts.CampaignMemberTargeted(key, campaign.code, campaign.name, campaign.trigger, occasion, points, until)
        )
        if points:
            self.desk.publish(facts.PointsEarned(key, points, 0, reference(campaign, occasion)))

    def close(self) -> dict[str, int]:
        """Write it all; what was done, in numbers."""
        self.desk.close()
        for assignment, lot in self.assignments:
            assignment.lot = lot
        rows = [assignment for assignment, _lot in self.assignments]
        sql.insert(rows)
        treated = [row for row in rows if row.arm == Arm.TREATED]
        if self.campaign.lists_in_id:
            self._list(self.campaign.lists_in_id, treated)
        self.campaign.spent += self.given
        self.campaign.save(update_fields=["spent"])
        if self.is_empty:
            gift_campaigns.end(self.campaign, Status.EMPTY, self.desk.at)
        return {"treated": len(treated), "held out": len(rows) - len(treated), "points": self.given}

    def _list(self, segment: int, treated: list[GiftAssignment]) -> None:
        """Put the treated into the segment; who stands there already stays hers who listed her."""
        segments.lock(segment)
        rows = [SegmentMember(segment_id=segment, member_id=row.member_id, listed_by=self.campaign) for row in treated]
        SegmentMember.objects.bulk_create(rows, ignore_conflicts=True)
