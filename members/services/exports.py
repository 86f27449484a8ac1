"""All that is kept about a member, handed to the member in a form that machines read (PIPL 45)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import msgspec
from django.utils.translation import gettext

from common.services import audit
from members.models import Member
from members.selectors import records

FORMAT = "member-data/1"
_ROWS = 500
_encode = msgspec.json.Encoder().encode


def export(member: Member, actor: audit.Actor, at: dt.datetime) -> Iterator[bytes]:
    """Write down that the data was handed out, then give it as one JSON document, piece by piece.

    `parts` names every table with what it is called in words and its rows; instants in UTC, money in minor units. What a
    member brought who was merged into this one belongs to it. One query a table, however much there is.
    """
    audit.record(actor, "members.exports.export", member, gettext("Exported all data of the member."), at)
    return _document(records.same_person(member), at)


def _document(members: list[Member], at: dt.datetime) -> Iterator[bytes]:
    head = {"format": FORMAT, "made_at": at, "member": members[0].external_id}
    yield _encode(head)[:-1] + b',"parts":{'
    shown = [record for record in records.each() if not record.withheld]
    for number, record in enumerate(shown):
        yield (b"," if number else b"") + _encode(record.code) + b":"
        yield from _part(record, members)
    yield b"}}"


def _part(record: records.Record, members: list[Member]) -> Iterator[bytes]:
    columns = record.columns()
    title = str(record.model._meta.verbose_name_plural)
    yield b'{"title":' + _encode(title) + b',"rows":['
    rows = record.rows(members).order_by("pk").values_list(*columns.values())
    for number, row in enumerate(rows.iterator(chunk_size=_ROWS)):
        yield (b"," if number else b"") + _encode(dict(zip(columns, row, strict=True)))
    yield b"]}"
