"""Phone numbers and real-name ids become keyed digests at the door; they themselves are never stored and never logged.

A number has few digits, so a plain hash could be tried out: the digest is HMAC-SHA256 under settings.IDENTITY_KEY. Events
are sealed before anything else looks at them, their fingerprint included (common/services/envelopes.py).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

from django.conf import settings

from members.models import Identity, Member, Tombstone

Kind = Identity.Kind

PREFIX = "hmac-sha256:"
INVALID = "invalid"
_NOISE = re.compile(r"[\s().\-/‐‑–]")
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_REAL_NAME_ID = re.compile(r"[0-9A-Z]{4,30}")


class Word(NamedTuple):
    """What was said of a member's phone or real-name id, and when: a digest, or None for "none any more"."""

    member: Member
    kind: str
    digest: str | None
    at: dt.datetime


def normalise(phone: str) -> str | None:
    """The number in E.164: +8613800138000. A national one gets settings.PHONE_COUNTRY_CODE; None if it is no number."""
    text = _NOISE.sub("", phone.translate(_ASCII_DIGITS))
    if text.startswith("00"):
        text = "+" + text[2:]
    elif not text.startswith("+"):
        text = f"+{settings.PHONE_COUNTRY_CODE}{text.removeprefix('0')}"
    return text if _E164.fullmatch(text) else None


def digest(phone: str) -> str | None:
    """The keyed digest of a number, 64 hexadecimal digits; None if it is no number."""
    number = normalise(phone)
    if number is None:
        return None
    return hmac.new(_key(), number.encode(), hashlib.sha256).hexdigest()


def digest_of_id(text: str) -> str | None:
    """The keyed digest of a real-name id (an identity card's number, a passport's); None if it is none."""
    number = _NOISE.sub("", text.translate(_ASCII_DIGITS)).upper()
    if not _REAL_NAME_ID.fullmatch(number):
        return None
    return hmac.new(_key(), f"real-name:{number}".encode(), hashlib.sha256).hexdigest()


SEALED = {"phone": (Kind.PHONE, digest), "real_name_id": (Kind.REAL_NAME, digest_of_id)}
"""Fields of a profile that are kept as digests only: their kind, and how they become one."""


def seal(text: Any, make: Callable[[str], str | None] = digest) -> Any:
    """What stands in an event or a request in place of such a field: its digest, null, or a word that is refused later."""
    if text is None:
        return None
    found = make(text) if isinstance(text, str) else None
    return PREFIX + found if found else INVALID


def seal_in(data: Any) -> Any:
    """The same JSON object with these fields sealed; anything else as it is."""
    if not isinstance(data, dict):
        return data
    sealed = {name: seal(data[name], make) for name, (_kind, make) in SEALED.items() if name in data}
    return {**data, **sealed} if sealed else data


def mark(name: str, value: Any) -> Any:
    """What stands in place of a device or a network address: a keyed digest, by which it can be matched and not read."""
    if not isinstance(value, str) or not value:
        return value
    return hmac.new(_key(), f"{name}:{value}".encode(errors="replace"), hashlib.sha256).hexdigest()[:32]


def keep(words: Iterable[Word]) -> None:
    """Write what was said last of each member; members are saved by now. A few statements.

    Who has the real-name id of somebody who left has come back.
    """
    last = {(word.member.pk, word.kind): word for word in words}
    for (pk, kind), word in last.items():
        if word.digest is None:
            Identity.objects.filter(member=pk, kind=kind).delete()
    rows = [
        Identity(member=word.member, kind=word.kind, digest=word.digest, said_at=word.at)
        for word in last.values()
        if word.digest is not None
    ]
    if rows:
        Identity.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["member", "kind"],
            update_fields=["digest", "said_at"],
        )
    known = {row.digest: row.member_id for row in rows if row.kind == Kind.REAL_NAME}
    left = Tombstone.objects.filter(digest__in=known).values_list("digest", flat=True) if known else ()
    Member.objects.filter(pk__in=[known[one] for one in left]).update(has_returned=True)


def forget(members: Collection[Member], at: dt.datetime) -> None:
    """They have left: nothing is left to match by (PIPL 47), but for tombstones of their real-name ids (E59)."""
    rows = Identity.objects.filter(member__in=members)
    ids = rows.filter(kind=Kind.REAL_NAME).values_list("digest", flat=True)
    Tombstone.objects.bulk_create([Tombstone(digest=one, left_at=at) for one in ids], ignore_conflicts=True)
    rows.delete()


def follow(source: Member, target: Member) -> None:
    """A merged member's phone goes to the member that remains, if that one has none."""
    for identity in Identity.objects.filter(member=source):
        if not Identity.objects.filter(member=target, kind=identity.kind).exists():
            identity.member = target
            identity.save(update_fields=["member"])


def _key() -> bytes:
    """A key of its own, or one derived from SECRET_KEY (then digests no longer match after that has changed)."""
    if settings.IDENTITY_KEY:
        return settings.IDENTITY_KEY.encode()
    return hmac.new(settings.SECRET_KEY.encode(), b"members.identities", hashlib.sha256).digest()


_ASCII_DIGITS = {0xFF10 + digit: str(digit) for digit in range(10)} | {0xFF0B: "+"}
