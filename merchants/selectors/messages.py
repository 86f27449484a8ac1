"""Whom a message reaches: those it means and who agreed to be contacted. Only ever a number, never who."""

from __future__ import annotations

import datetime as dt

from django.db.models import QuerySet

from members.models import Consent
from members.selectors import consents
from merchants.models import Card, Message
from merchants.selectors import audiences

GROUP = 5
"""Numbers are told in steps of so many, and groups are at least so large: nobody's consent can be read off them."""


def cards(message: Message, at: dt.datetime) -> QuerySet[Card]:
    """The cards a message goes to: meant by it, and the member agreed to be contacted by this merchant."""
    agreed = consents.members_with(Consent.Purpose.CONTACT, message.club.merchant.code)
    return audiences.cards(message, at).filter(member__in=agreed)


def sent_since(merchant_id: int, since: dt.datetime) -> int:
    """How many messages a merchant has sent since an instant."""
    return Message.objects.filter(club__merchant=merchant_id, sent_at__gte=since).count()


def about(members: int) -> int:
    """A number of members as it may be told: rounded down to whole groups."""
    return members // GROUP * GROUP
