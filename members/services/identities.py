"""Phone numbers become keyed digests at the door; the number itself is never stored and never logged.

A number has few digits, so a plain hash could be tried out: the digest is HMAC-SHA256 under settings.IDENTITY_KEY. Events
are sealed before anything else looks at them, their fingerprint included (common/services/envelopes.py).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.conf import settings

from members.models import Identity, Member

PREFIX = "hmac-sha256:"
INVALID = "invalid"
_NOISE = re.compile(r"[\s().\-/‐‑–]")
_E164 = re.compile(r"\+[1-9]\d{6,14}")


class Word(NamedTuple):
    """What was said of a member's phone, and when: a digest, or None for "none any more"."""

    member: Member
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


def seal(phone: Any) -> Any:
    """What stands in an event or a request in place of a phone: its digest, null, or a word that is refused later."""
    if phone is None:
        return None
    found = digest(phone) if isinstance(phone, str) else None
    return PREFIX + found if found else INVALID


def seal_in(data: Any) -> Any:
    """The same JSON object with its phone sealed; anything else as it is."""
    if isinstance(data, dict) and "phone" in data:
        return {**data, "phone": seal(data["phone"])}
    return data


def mark(name: str, value: Any) -> Any:
    """What stands in place of a device or a network address: a keyed digest, by which it can be matched and not read."""
    if not isinstance(value, str) or not value:
        return value
    return hmac.new(_key(), f"{name}:{value}".encode(errors="replace"), hashlib.sha256).hexdigest()[:32]


def keep(words: Iterable[Word]) -> None:
    """Write what was said last of each member; members are saved by now. Two statements."""
    last = {word.member.pk: word for word in words}
    gone = [pk for pk, word in last.items() if word.digest is None]
    if gone:
        Identity.objects.filter(member__in=gone, kind=Identity.Kind.PHONE).delete()
    rows = [
        Identity(member=word.member, kind=Identity.Kind.PHONE, digest=word.digest, said_at=word.at)
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


def forget(member: Member) -> None:
    """The member has left: nothing is left to match by (PIPL 47)."""
    Identity.objects.filter(member=member).delete()


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
