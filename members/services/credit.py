"""The external credit score: every word is kept, the newest counts (domain.md S1-09)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

from members.models import CreditScore, Member


class Word(NamedTuple):
    member: Member
    score: int
    at: dt.datetime


def record(words: Iterable[Word]) -> None:
    """Keep the scores. A late one takes its place in the past; a second one for the same instant changes nothing."""
    scores = [CreditScore(member=word.member, score=word.score, at=word.at) for word in words]
    CreditScore.objects.bulk_create(scores, ignore_conflicts=True)
