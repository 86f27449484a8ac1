"""Cards are put on the list of a campaign or message that means a list."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput
from common.services import audit
from merchants.models import Audience, Card, MerchantCampaign, Message, Reach

MOST = 20_000


def list_cards(reach: MerchantCampaign | Message, names: Sequence[str], actor: audit.Actor, at: dt.datetime) -> int:
    """Make the list of a draft: each name is a card's uuid, or the brand's own card number. Returns how many.

    All or nothing: InvalidInput names every row that is no card of the club, is nobody's any more or means two.
    """
    if len(names) > MOST:
        raise InvalidInput(_("A list has at most %(most)d rows.") % {"most": MOST})
    found = _find(reach, names)
    errors = [
        {"pointer": f"/cards/{row}", "code": "invalid", "detail": str(_say(name, found.get(name, [])))}
        for row, name in enumerate(names)
        if len(found.get(name, [])) != 1
    ]
    if errors:
        raise InvalidInput(errors=errors)
    cards = sorted({found[name][0] for name in names})
    with transaction.atomic():
        drafts = type(reach)._default_manager.filter(pk=reach.pk, audience=Audience.LIST, status="draft")
        if drafts.select_for_update(of=("self",)).first() is None:
            raise InvalidInput(_("Only a draft for a list of cards takes a list."))
        reach.listed.set(cards)
        summary = _("Listed for %(what)s: %(cards)d cards") % {"what": reach, "cards": len(cards)}
        audit.record(actor, f"merchants.{reach._meta.model_name}.list", reach, summary, at)
    return len(cards)


def _say(name: str, cards: Sequence[int]) -> str:
    if cards:
        return _("“%(name)s” names two cards.") % {"name": name}
    return _("“%(name)s” is no open card of this membership.") % {"name": name}


def _find(reach: Reach, names: Sequence[str]) -> dict[str, list[int]]:
    """Open cards by either of their names. A query for a thousand names."""
    found: dict[str, set[int]] = {}
    for start in range(0, len(names), 1000):
        some = set(names[start : start + 1000])
        named = Q(uuid__in=filter(None, map(_uuid, some))) | Q(external_card__in=some)
        rows = Card.objects.filter(named, club=reach.club_id, status=Card.Status.ACTIVE)
        for pk, own, external in rows.values_list("pk", "uuid", "external_card"):
            for name in {str(own), external} & some:
                found.setdefault(name, set()).add(pk)
    return {name: sorted(cards) for name, cards in found.items()}


def _uuid(name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(name)
    except ValueError:
        return None
