"""What the ledger's names of gifts and purses mean in words, for statements and explanations."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.utils.translation import gettext

from merchants.models import MerchantCampaign, Purse


def references(texts: Collection[str]) -> dict[str, str]:
    """merchant:acme/<campaign>/<occasion> -> from Acme's campaign “Spring”. One query."""
    named = {text: code for text in texts if (code := _campaign(text))}
    rows = MerchantCampaign.objects.filter(uuid__in=set(named.values()))
    words = {
        str(code): gettext("from %(merchant)s's campaign “%(name)s”") % {"merchant": merchant, "name": name}
        for code, merchant, name in rows.values_list("uuid", "club__merchant__name", "name")
    }
    return {text: words[code] for text, code in named.items() if code in words}


def funders(account_ids: Collection[int]) -> dict[int, str]:
    """The merchants behind purses' accounts. One query."""
    return dict(Purse.objects.filter(account__in=account_ids).values_list("account_id", "merchant__name"))


def _campaign(text: str) -> str:
    """The campaign's uuid in a reference, or nothing."""
    code = [*text.split("/"), ""][1]
    try:
        return str(uuid.UUID(code))
    except ValueError:
        return ""
