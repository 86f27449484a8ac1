"""The members of a medal level as a segment, for campaigns and rules (domain.md S1-34, S1-39)."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import Problem
from common.services import audit
from loyalty.models import MedalLevel, MedalStanding, Segment

_AT_ONCE = 1000


class SegmentExists(Problem):
    """Another segment has this code."""

    code = "segment_exists"
    status = 409
    title = _("There is a segment with this code already.")


class LevelIsEmpty(Problem):
    """Nobody holds the level, so there is nobody to list."""

    code = "medal_level_empty"
    status = 409
    title = _("Nobody holds this level.")


def gather(level: MedalLevel, *, code: str, name: str, actor: audit.Actor, at: dt.datetime) -> Segment:
    """A new segment that lists who holds exactly this level now. Who comes or goes later does not change it.

    Raises SegmentExists, LevelIsEmpty.
    """
    with transaction.atomic():
        holders = list(MedalStanding.objects.filter(level=level).order_by("member").values_list("member", flat=True))
        if not holders:
            raise LevelIsEmpty
        segment, made = Segment.objects.get_or_create(code=code, defaults={"name": name})
        if not made:
            raise SegmentExists
        for begin in range(0, len(holders), _AT_ONCE):
            segment.members.add(*holders[begin : begin + _AT_ONCE])
        summary = f"Segment {segment.name} of {level} ({len(holders)})"
        audit.record(actor, "loyalty.medal_segments.gather", segment, summary, at, data={"members": len(holders)})
    return segment
