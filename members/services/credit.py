"""The external credit score: every word is kept, the newest counts (domain.md S1-09)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

from django.db import transaction

from common.services import outbox
from members.facts import CreditUpdated
from members.models import CreditScore, Member

MOST = 1_000_000
"""No score is higher."""


class Word(NamedTuple):
    member: Member
    score: int
    at: dt.datetime


def record(words: Iterable[Word], at: dt.datetime) -> None:
    """Keep the scores, and tell that they came; words without one do nothing.

    A late one takes its place in the past; a second one for the same instant changes nothing.
    """
    said: dict[tuple[int, dt.datetime], Word] = {}
    for word in words:
        said.setdefault((word.member.pk, word.at), word)
    with transaction.atomic():
        known = CreditScore.objects.filter(member__in={pk for pk, _at in said}, at__in={at for _pk, at in said})
        for key in known.values_list("member_id", "at"):
            said.pop(key, None)
        new = list(said.values())
        rows = [CreditScore(member=word.member, score=word.score, at=word.at) for word in new]
        CreditScore.objects.bulk_create(rows, ignore_conflicts=True)
        names = [(word.member.external_id, word.at.isoformat()) for word in new]
        outbox.publish([CreditUpdated(name, name, scored_at) for name, scored_at in names], at)
