"""The one way in which merchants' campaigns give: members' accounts first, the campaign's pockets last, all in one transaction.

The unique occasion makes it idempotent; a crash in between is impossible, because there is no in between.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models import F, Q, Sum

from common import clock, sql
from common.services import outbox
from loyalty.facts import PointsEarned
from loyalty.models import Lot, Wallet
from loyalty.services import expiry, settling, wallets
from loyalty.services.ledger import Book, InsufficientPoints
from members.models import Member
from merchants.facts import MerchantCampaignShort
from merchants.models import CampaignGrant, Card, MerchantCampaign
from merchants.services import pockets

Refusal = CampaignGrant.Refusal


def reference(campaign: MerchantCampaign, occasion: str) -> str:
    """How ledger and facts name a gift; who shows it makes words of it (selectors/references.py)."""
    return f"merchant:{campaign.club.merchant.code}/{campaign.uuid}/{occasion}"


def give(campaign: MerchantCampaign, card: Card, occasion: str, points: int, at: dt.datetime) -> CampaignGrant | None:
    """Give `points` > 0 to a card for an occasion; None if that was answered before or the campaign is over."""
    return next(iter(give_all(campaign, [(card, points)], occasion, at)), None)


@transaction.atomic
def give_all(
    campaign: MerchantCampaign, wishes: Sequence[tuple[Card, int]], occasion: str, at: dt.datetime
) -> list[CampaignGrant]:
    """Give to many cards for one occasion, in their order; what was given or refused, and why. A fixed number of queries.

    Whoever had this occasion before, also as another member who was merged into this one, is left out (E58). A member
    gets at most what is left of the cap, but never part of a gift because the budget is short: that one is refused.
    """
    found = wallets.lock([card.member.external_id for card, _points in wishes], at)
    had = _had(campaign, [card for card, _points in wishes], occasion)
    open_wishes = [(card, points) for card, points in wishes if card.pk not in had]
    if not open_wishes:
        return []
    present = _present([card.pk for card, _points in open_wishes])
    before = _given(campaign, [card.pk for card, _points in open_wishes]) if campaign.cap else {}
    book = Book((wallet.account for wallet in found.values()), at)
    slots = list(campaign.pockets.values_list("pk", flat=True))
    if len(open_wishes) > 1:
        pockets.lock(book, slots)
    giver = _Giver(campaign, occasion, book, slots, at)
    for card, points in open_wishes:
        wallet = found.get(card.member.external_id)
        if wallet is None or card.pk not in present:
            giver.refuse(card, Refusal.LEFT)
        elif (points := min(points, campaign.cap - before.get(card.pk, 0)) if campaign.cap else points) <= 0:
            giver.refuse(card, Refusal.CAP)
        else:
            giver.give(card, wallet, points)
    return giver.close()


class _Giver:
    """What is given in one book, until it is written."""

    def __init__(self, campaign: MerchantCampaign, occasion: str, book: Book, slots: list[int], at: dt.datetime):
        self.campaign, self.occasion, self.book, self.slots, self.at = campaign, occasion, book, slots, at
        self.reference = reference(campaign, occasion)
        self.expires_at = expiry.end_of_day(clock.local_date(at) + dt.timedelta(days=campaign.days), clock.zone())
        self.grants: list[tuple[CampaignGrant, Lot | None]] = []
        self.facts: list = []
        self.is_short = False

    def give(self, card: Card, wallet: Wallet, points: int) -> None:
        try:
            if not self.slots:
                raise InsufficientPoints(missing=points)
            lot = pockets.give(
                self.book, self.slots, wallet.account_id, points, reference=self.reference, expires_at=self.expires_at
            )
        except InsufficientPoints:
            self.is_short = True
            self.refuse(card, Refusal.BUDGET)
            return
        self.grants.append((self._grant(card, points=points), lot))
        self.facts.append(PointsEarned(wallet.member.external_id, points, 0, self.reference))

    def refuse(self, card: Card, refusal: str) -> None:
        self.grants.append((self._grant(card, refusal=refusal), None))

    def _grant(self, card: Card, **values) -> CampaignGrant:
        return CampaignGrant(campaign=self.campaign, card=card, occasion=self.occasion, at=self.at, **values)

    def close(self) -> list[CampaignGrant]:
        """Write it. A campaign that was stopped while we waited for its pockets has refused nobody: it is just over."""
        self.book.close()
        if self.is_short and not self._is_running():
            self.is_short = False
            self.grants = [(grant, lot) for grant, lot in self.grants if grant.refusal != Refusal.BUDGET]
        for grant, lot in self.grants:
            grant.lot = lot
        grants = [grant for grant, _lot in self.grants]
        sql.insert(grants)
        if self.is_short:
            self.facts.append(MerchantCampaignShort(self.campaign.club.merchant.code, str(self.campaign.uuid)))
        if told := [*settling.passed(self.book), *self.facts]:
            outbox.publish(told, self.at)
        return grants

    def _is_running(self) -> bool:
        running = MerchantCampaign.objects.filter(pk=self.campaign.pk, status=MerchantCampaign.Status.RUNNING)
        return running.exists()


def _had(campaign: MerchantCampaign, cards: Sequence[Card], occasion: str) -> set[int]:
    """The cards that had this occasion, also under the name of somebody who is the same member now."""
    by_member = {card.member_id: card.pk for card in cards}
    same = _same(by_member)
    answered = CampaignGrant.objects.filter(campaign=campaign, occasion=occasion)
    own = answered.filter(card__in=[card.pk for card in cards]).values_list("card_id", flat=True)
    others = answered.filter(card__member__in=same).values_list("card__member_id", flat=True) if same else []
    return {*own, *(by_member[same[member_id]] for member_id in others)}


def _same(member_ids: Collection[int]) -> dict[int, int]:
    """Who was merged into these members, directly or by way of others: old member -> present one. Mostly one query."""
    same: dict[int, int] = {}
    ends = {member_id: member_id for member_id in member_ids}
    while ends:
        rows = Member.objects.filter(merged_into__in=ends).values_list("pk", "merged_into_id")
        ends = {old: ends[new] for old, new in rows}
        same |= ends
    return same


def _present(card_ids: Collection[int]) -> set[int]:
    """The cards that are open now, read under the accounts' locks."""
    rows = Card.objects.filter(pk__in=card_ids, status=Card.Status.ACTIVE, member__status=Member.Status.ACTIVE)
    return set(rows.values_list("pk", flat=True))


def _given(campaign: MerchantCampaign, card_ids: Collection[int]) -> dict[int, int]:
    """What cards have of the campaign after refunds."""
    rows = CampaignGrant.objects.filter(Q(campaign=campaign) & Q(card__in=card_ids)).order_by()
    return dict(rows.values("card_id").annotate(net=Sum(F("points") - F("returned"))).values_list("card_id", "net"))
