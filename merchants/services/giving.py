"""The one way in which merchants' campaigns give: members' accounts first, the campaigns' pockets last, all in one transaction.

The unique occasion makes it idempotent; a crash in between is impossible, because there is no in between.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, Sum

from common import clock, sql
from common.services import outbox
from loyalty.facts import PointsEarned
from loyalty.models import Lot, Wallet
from loyalty.services import expiry, settling, wallets
from loyalty.services.ledger import Book, InsufficientPoints
from members.models import Member
from members.selectors import kin
from merchants.facts import MerchantCampaignShort
from merchants.models import CampaignGrant, Card, MerchantCampaign
from merchants.services import pockets

Refusal = CampaignGrant.Refusal


def reference(campaign: MerchantCampaign, occasion: str) -> str:
    """How ledger and facts name a gift; who shows it makes words of it (selectors/references.py)."""
    return f"merchant:{campaign.club.merchant.code}/{campaign.uuid}/{occasion}"


class Wish(NamedTuple):
    """`points` > 0 of a campaign for a card, for an occasion that came at an instant: they expire so many days after it."""

    campaign: MerchantCampaign
    card: Card
    occasion: str
    points: int
    at: dt.datetime


def give(campaign: MerchantCampaign, card: Card, occasion: str, points: int, at: dt.datetime) -> CampaignGrant | None:
    """Give `points` > 0 to a card for an occasion; None if that was answered before or the campaign is over."""
    return next(iter(give_all([Wish(campaign, card, occasion, points, at)], at)), None)


@transaction.atomic
def give_all(wishes: Sequence[Wish], at: dt.datetime) -> list[CampaignGrant]:
    """Give what is wished, in this order, also of several campaigns; what was given or refused, and why.

    A fixed number of queries. Whoever had an occasion before, also as another member who was merged into this one, is
    left out (E58). A member gets at most what is left of the cap, but never part of a gift because the budget is short:
    that one is refused.
    """
    if not wishes:
        return []
    found = wallets.lock({wish.card.member.external_id for wish in wishes}, at)
    had = _had(wishes)
    wishes = list({_key(wish): wish for wish in wishes if _key(wish) not in had}.values())
    if not wishes:
        return []
    present = _present({wish.card.pk for wish in wishes})
    book = Book((wallet.account for wallet in found.values()), at)
    giver = _Giver(wishes, book)
    for wish in wishes:
        wallet = found.get(wish.card.member.external_id)
        if wallet is None or wish.card.pk not in present:
            giver.refuse(wish, Refusal.LEFT)
        else:
            giver.give(wish, wallet)
    return giver.close()


class _Giver:
    """What is given in one book, until it is written."""

    def __init__(self, wishes: Sequence[Wish], book: Book):
        self.book = book
        self.slots = _slots({wish.campaign.pk for wish in wishes})
        self.had = _given([wish for wish in wishes if wish.campaign.cap])
        if len(wishes) > 1:
            held = [slot for slots in self.slots.values() for slot in slots]
            pockets.lock(book, held)
            book.load_lots(held)
        self.grants: list[tuple[CampaignGrant, Lot | None]] = []
        self.facts: list = []
        self.short: dict[int, MerchantCampaign] = {}

    def give(self, wish: Wish, wallet: Wallet) -> None:
        """Give a wish as far as the cap goes, or refuse it."""
        campaign, key = wish.campaign, (wish.campaign.pk, wish.card.pk)
        points = min(wish.points, campaign.cap - self.had[key]) if campaign.cap else wish.points
        if points <= 0:
            self.refuse(wish, Refusal.CAP)
            return
        about = reference(campaign, wish.occasion)
        last_day = clock.local_date(wish.at) + dt.timedelta(days=campaign.days)
        expires_at = expiry.end_of_day(last_day, clock.zone())
        try:
            if not self.slots[campaign.pk]:
                raise InsufficientPoints(missing=points)
            lot = pockets.give(
                self.book, self.slots[campaign.pk], wallet.account_id, points, reference=about, expires_at=expires_at
            )
        except InsufficientPoints:
            self.short[campaign.pk] = campaign
            self.refuse(wish, Refusal.BUDGET)
            return
        self.had[key] += points
        self.grants.append((_grant(wish, points=points), lot))
        self.facts.append(PointsEarned(wallet.member.external_id, points, 0, about))

    def refuse(self, wish: Wish, refusal: str) -> None:
        self.grants.append((_grant(wish, refusal=refusal), None))

    def close(self) -> list[CampaignGrant]:
        """Write it. A campaign that was stopped while we waited for its pockets has refused nobody: it is just over."""
        self.book.close()
        over = self.short.keys() - _running(self.short.keys()) if self.short else set()
        self.grants = [
            (grant, lot)
            for grant, lot in self.grants
            if grant.refusal != Refusal.BUDGET or grant.campaign_id not in over
        ]
        for grant, lot in self.grants:
            grant.lot = lot
        grants = [grant for grant, _lot in self.grants]
        sql.insert(grants)
        short = [campaign for pk, campaign in self.short.items() if pk not in over]
        self.facts += [MerchantCampaignShort(row.club.merchant.code, str(row.uuid)) for row in short]
        if told := [*settling.passed(self.book), *self.facts]:
            outbox.publish(told, self.book.at)
        return grants


def _grant(wish: Wish, **values) -> CampaignGrant:
    return CampaignGrant(campaign=wish.campaign, card=wish.card, occasion=wish.occasion, at=wish.at, **values)


def _key(wish: Wish) -> tuple[int, int, str]:
    return wish.campaign.pk, wish.card.pk, wish.occasion


def _slots(campaign_ids: Collection[int]) -> dict[int, list[int]]:
    """The pockets of campaigns, by campaign."""
    slots: dict[int, list[int]] = {pk: [] for pk in campaign_ids}
    through = MerchantCampaign.pockets.through.objects.filter(merchantcampaign__in=campaign_ids)
    for campaign_id, account_id in through.values_list("merchantcampaign_id", "account_id"):
        slots[campaign_id].append(account_id)
    return slots


def _running(campaign_ids: Collection[int]) -> set[int]:
    rows = MerchantCampaign.objects.filter(pk__in=campaign_ids, status=MerchantCampaign.Status.RUNNING)
    return set(rows.values_list("pk", flat=True))


def _had(wishes: Sequence[Wish]) -> set[tuple[int, int, str]]:
    """What was answered before, also under the name of somebody who is the same member now; by campaign, card, occasion."""
    heirs = kin.heirs({wish.card.member_id for wish in wishes})
    rows = CampaignGrant.objects.filter(
        campaign__in={wish.campaign.pk for wish in wishes},
        occasion__in={wish.occasion for wish in wishes},
        card__member__in=heirs,
    )
    answered = {
        (campaign_id, heirs[member_id], occasion)
        for campaign_id, member_id, occasion in rows.values_list("campaign_id", "card__member_id", "occasion")
    }
    return {_key(wish) for wish in wishes if (wish.campaign.pk, wish.card.member_id, wish.occasion) in answered}


def _present(card_ids: Collection[int]) -> set[int]:
    """The cards that are open now, read under the accounts' locks."""
    rows = Card.objects.filter(pk__in=card_ids, status=Card.Status.ACTIVE, member__status=Member.Status.ACTIVE)
    return set(rows.values_list("pk", flat=True))


def _given(wishes: Sequence[Wish]) -> Counter[tuple[int, int]]:
    """What cards have of campaigns after refunds, by campaign and card; of those that have a cap."""
    if not wishes:
        return Counter()
    rows = CampaignGrant.objects.filter(
        campaign__in={wish.campaign.pk for wish in wishes}, card__in={wish.card.pk for wish in wishes}
    ).order_by()
    sums = rows.values("campaign_id", "card_id").annotate(net=Sum(F("points") - F("returned")))
    return Counter(
        {(campaign_id, card_id): net for campaign_id, card_id, net in sums.values_list("campaign_id", "card_id", "net")}
    )
