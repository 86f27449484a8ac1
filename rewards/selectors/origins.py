"""What the ledger's names of redemptions, games and birthdays mean in words, for statements and explanations."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.utils.translation import gettext

from rewards.models import Play, Redemption


def redemptions(texts: Collection[str]) -> dict[str, str]:
    """redemption:<uuid> -> reward: Coffee mug. One query."""
    codes = _codes(texts)
    names = Redemption.objects.filter(uuid__in=codes.values()).values_list("uuid", "reward__name")
    said = {code: gettext("reward: %s") % name for code, name in names}
    return {text: said[code] for text, code in codes.items() if code in said}


def games(texts: Collection[str]) -> dict[str, str]:
    """game:<uuid> -> game: Lucky wheel. One query."""
    codes = _codes(texts)
    names = Play.objects.filter(uuid__in=codes.values()).values_list("uuid", "game__name")
    said = {code: gettext("game: %s") % name for code, name in names}
    return {text: said[code] for text, code in codes.items() if code in said}


def birthdays(texts: Collection[str]) -> dict[str, str]:
    """birthday:2026 -> birthday in 2026."""
    return {text: gettext("birthday in %s") % text.partition(":")[2] for text in texts}


def _codes(texts: Collection[str]) -> dict[str, uuid.UUID]:
    """The uuid that each names; what names none is left out."""
    found = {}
    for text in texts:
        try:
            found[text] = uuid.UUID(text.partition(":")[2])
        except ValueError:
            continue
    return found
