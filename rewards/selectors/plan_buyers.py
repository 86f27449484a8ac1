"""What prices and gates of plans ask of a member: scores that the floors below plans' own do not know."""

from __future__ import annotations

import datetime as dt

from loyalty.selectors import scores
from members.models import Member
from members.selectors import credit
from members.services.plan_quotes import Buyer


def of(member: Member, at: dt.datetime) -> Buyer:
    """The settled value score and the newest credit score. Two queries."""
    return Buyer(score=scores.settled(member.pk, at), credit=credit.newest(member, at))
