"""What this floor does when something happened below or on it: orders complete and are refunded, members merge and leave."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from common.services.outbox import Heard
from members.models import Consent, Member
from members.selectors import consents
from merchants.models import Card
from merchants.services import (
    campaign_joins,
    campaign_orders,
    campaigns,
    card_merges,
    card_orders,
    cards,
    links,
    stores,
)
from merchants.services.campaign_joins import Join


def orders_completed(facts: Sequence[Heard]) -> None:
    """What was bought counts on the buyers' cards; codes of stores that nobody has are noted."""
    card_orders.complete_all([(payload["order"], at) for payload, at in facts])
    stores.note_unknown((payload["lines"], at) for payload, at in facts)


def order_refunded(payload: dict, at: dt.datetime) -> None:
    """What came back counts no more; also of a cancelled order."""
    card_orders.refund(payload["order"], f"order:{payload['order']}/{payload['refund']}", at)


def member_closed(payload: dict, at: dt.datetime) -> None:
    """Who leaves the programme leaves every membership (domain.md E59)."""
    for card in Card.objects.filter(member__external_id=payload["key"], status=Card.Status.ACTIVE).order_by("pk"):
        cards.leave(card, at=at, reference="closed")


def member_merged(payload: dict, at: dt.datetime) -> None:
    """The cards follow the member."""
    members = _named(payload)
    card_merges.merge(members[payload["source"]], members[payload["target"]], at)


def member_unmerged(payload: dict, at: dt.datetime) -> None:
    """What is left of the merged cards goes back."""
    members = _named(payload)
    card_merges.unmerge(members[payload["source"]], members[payload["target"]], at)


def member_updated(payload: dict, at: dt.datetime) -> None:
    """A phone became known: a member of a brand may have waited for it."""
    if "phone" in payload["changed"]:
        _match([payload["key"]], at)


def cards_opened(facts: Sequence[Heard]) -> None:
    """Members of a brand may have waited for these cards."""
    _match([payload["key"] for payload, _at in facts], max(at for _payload, at in facts))


def consent_given(payload: dict, at: dt.datetime) -> None:
    """Who agrees to the link is matched at once."""
    if payload["purpose"] == Consent.Purpose.LINK:
        _match([payload["key"]], at)


def consent_withdrawn(payload: dict, at: dt.datetime) -> None:
    """Who takes back the link is linked no more."""
    if payload["purpose"] == Consent.Purpose.LINK:
        links.unlink(Member.objects.get(external_id=payload["key"]), payload["recipient"], at)


def give_for_joining(facts: Sequence[Heard]) -> None:
    """Campaigns for who opens a card; who came back has had her welcome."""
    joins = [Join(payload["club"], payload["key"], at) for payload, at in facts if not payload["returned"]]
    campaign_joins.give_all(joins)


def give_for_orders(facts: Sequence[Heard]) -> None:
    """Campaigns for orders."""
    campaign_orders.give_all([(payload["order"], at) for payload, at in facts])


def take_back_for_refund(payload: dict, at: dt.datetime) -> None:
    """What campaigns gave for an order, as far as it is no longer due."""
    campaign_orders.take_back(payload["order"], at)


def look_into_campaign(payload: dict, at: dt.datetime) -> None:
    """A campaign had too little for a gift: perhaps it is used up."""
    campaigns.close_if_empty(payload["campaign"], at)


def _match(external_ids: Collection[str], at: dt.datetime) -> None:
    agreed = consents.any_with(Consent.Purpose.LINK)
    found = Member.objects.filter(external_id__in=external_ids, status=Member.Status.ACTIVE, pk__in=agreed)
    for member in found.order_by("pk"):
        links.match_member(member, at)


def _named(payload: dict) -> dict[str, Member]:
    rows = Member.objects.filter(external_id__in=[payload["source"], payload["target"]])
    return {member.external_id: member for member in rows}
