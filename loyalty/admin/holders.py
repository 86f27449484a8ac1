"""Whose account it is, in words; loaded with the page, never row by row."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin import words
from loyalty.models import Account, Wallet
from loyalty.selectors import origins

ACCOUNT = ["account__wallet__member"]
SEARCH = ["=account__wallet__member__external_id"]
_HIDDEN = {"adjustment", "transfer", "quarantine"}  # their codes are for machines


def name(account: Account | None) -> str:
    """The member's name and external id, or which purse. Reads `account.wallet.member`: select it with the rows."""
    if account is None:
        return "–"
    try:
        return str(account.wallet.member)
    except Wallet.DoesNotExist:
        return gettext("purse %d") % account.pk


def link(account: Account | None) -> str:
    """The holder's page: the member's, else the account's own."""
    if account is None:
        return "–"
    try:
        return words.link(account.wallet.member)
    except Wallet.DoesNotExist:
        return words.link(account, gettext("purse %d") % account.pk)


_PAGES = {"order": "order", "refund": "order", "review": "review", "adjustment": "adjustment", "transfer": "transfer"}
_NAMES = {
    "order": _("order"),
    "refund": _("refund"),
    "review": _("review"),
    "adjustment": _("adjustment"),
    "transfer": _("transfer"),
    "quarantine": _("quarantine"),
    "expire": _("expiry on"),
    "job": _("nightly job"),
    "login": _("log-in on"),
    "check_in": _("check-in on"),
    "share": _("sharing on"),
    "delivery": _("refused delivery of order"),
    "merchant": _("campaign of merchant"),
}


def references(texts: Iterable[str]) -> dict[str, str]:
    """What caused things, for a whole page: what a higher floor can say in words, and `reference` for the rest."""
    texts = set(texts)
    return {text: reference(text) for text in texts} | origins.of(texts)


def reference(text: str) -> str:
    """What caused something: "order:o-1001" -> a link "order o-1001" to the search that finds it."""
    kind, _colon, code = text.partition(":")
    said = f"{_NAMES.get(kind, kind.replace('_', ' '))} {code}" if kind not in _HIDDEN else str(_NAMES[kind])
    if kind not in _PAGES or not code:
        return said
    found = reverse(f"admin:loyalty_{_PAGES[kind]}_changelist", query={"q": code.split("/")[0]})
    return format_html('<a class="lp-link" href="{}">{}</a>', found, said)
