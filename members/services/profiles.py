"""What a shop says of a member: the fields of a profile, checked, each with the instant at which it was said."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal

import msgspec
from django.utils.translation import gettext_lazy as _
from msgspec import UNSET, Meta, UnsetType

from common import clock
from common.problems import InvalidInput
from common.services.envelopes import CLOCK_SKEW, EARLIEST
from members.models import Member
from members.services import identities

Text = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*(?!\n)$")]
Key = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*(?!\n)$")]
_EXTERNAL_ID = re.compile(r"^[^\x00-\x1f\x7f/]{1,100}(?!\n)$")
ExternalId = Annotated[str, Meta(pattern=_EXTERNAL_ID.pattern)]
Number = Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)]
Instant = Annotated[dt.datetime, Meta(tz=True)]
Phone = Annotated[
    str, Meta(description="A phone number, international or national. Only a keyed digest is kept, for matching.")
]

RealNameId = Annotated[
    str,
    Meta(description="Number of the document that proves the real name. Only a keyed digest is kept, for matching."),
]
_NOT_SEALED = {"phone": _("Not a phone number."), "real_name_id": _("Not the number of a document.")}


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Every field may be left out: what is not said stays as it is. `attributes` merge key by key; null removes."""

    name: Text | UnsetType | None = UNSET
    birthday: dt.date | UnsetType | None = UNSET
    kind: Literal["person", "business"] | UnsetType = UNSET
    phone: Phone | UnsetType | None = UNSET
    real_name_id: RealNameId | UnsetType | None = UNSET
    phone_verified: bool | UnsetType = UNSET
    real_name_verified: bool | UnsetType = UNSET
    registered_at: Instant | UnsetType = UNSET
    attributes: Annotated[dict[Key, bool | Number | Text | None], Meta(max_length=50)] | UnsetType = UNSET


def is_external_id(text: str) -> bool:
    """Whether the text can name a member: 1 to 100 characters, no slash (it stands in addresses), no control codes."""
    return bool(_EXTERNAL_ID.match(text))


def check(profile: Profile, at: dt.datetime, pointer: str = "") -> None:
    """Refuse (InvalidInput) what cannot be: a day in the future, a registration before 1970, a phone that is no number.

    Phones come sealed (identities.py); one that does not is refused as well, so that a door cannot forget it.
    """
    errors = []
    if isinstance(profile.birthday, dt.date) and profile.birthday > clock.local_date(at):
        errors.append({"pointer": f"{pointer}/birthday", "code": "invalid", "detail": str(_("Lies in the future."))})
    registered_at = profile.registered_at
    if isinstance(registered_at, dt.datetime) and not EARLIEST <= registered_at <= at + CLOCK_SKEW:
        detail = str(_("Must lie between 1970 and now."))
        errors.append({"pointer": f"{pointer}/registered_at", "code": "invalid", "detail": detail})
    for name, wrong in _NOT_SEALED.items():
        word = getattr(profile, name)
        if isinstance(word, str) and not word.startswith(identities.PREFIX):
            errors.append({"pointer": f"{pointer}/{name}", "code": "invalid", "detail": str(wrong)})
    if errors:
        raise InvalidInput(errors=errors)


def apply(profile: Profile, member: Member, time: dt.datetime) -> list[str]:
    """Write what the profile says into the member (in memory) and return the names of the fields that changed.

    Events come late and out of order, so every field (and every custom attribute) remembers when it was said, and the
    newest word counts.
    """
    said_at = time.astimezone(dt.UTC).isoformat()
    changed = []
    for field in Profile.__struct_fields__:
        value = getattr(profile, field)
        if value is UNSET or field in identities.SEALED:  # the roll keeps those
            continue
        if field == "attributes":
            value = _attributes(value, member, said_at)
        elif not _is_news(field, member, said_at):
            continue
        if isinstance(value, dt.datetime):
            value = value.astimezone(dt.UTC)
        value = "" if value is None and field == "name" else value
        if getattr(member, field) != value:
            setattr(member, field, value)
            changed.append(field)
    return changed


def sealed(profile: Profile, member: Member, time: dt.datetime) -> dict[str, identities.Word]:
    """What the profile says of phone and real-name id, by field, as far as that is the newest word."""
    said_at, words = time.astimezone(dt.UTC).isoformat(), {}
    for name, (kind, _make) in identities.SEALED.items():
        value = getattr(profile, name)
        if value is not UNSET and _is_news(name, member, said_at):
            digest = value and value.removeprefix(identities.PREFIX)
            words[name] = identities.Word(member, kind, digest or None, time)
    return words


def _attributes(said: dict, member: Member, said_at: str) -> dict:
    news = {key: value for key, value in said.items() if _is_news(f"attributes.{key}", member, said_at)}
    return {key: value for key, value in (member.attributes | news).items() if value is not None}


def _is_news(field: str, member: Member, said_at: str) -> bool:
    if member.said_at.get(field, "") > said_at:
        return False
    member.said_at[field] = said_at
    return True
