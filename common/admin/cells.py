"""Cells of files that people open in spreadsheets: what would run as a formula leaves as text, and comes back as it was."""

from __future__ import annotations

import re
from typing import Any

import tablib
from import_export.formats import base_formats

_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_DELIMITERS = ",;\t"


def guarded(cell: Any) -> Any:
    """An apostrophe goes before text that a spreadsheet would run (OWASP: CSV injection), or that looks guarded already."""
    is_text = isinstance(cell, str) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if is_text and _FORMULA.match(cell.lstrip("'")) else cell


def plain(cell: Any) -> Any:
    """What `guarded` was given."""
    return cell[1:] if isinstance(cell, str) and cell[:1] == "'" and guarded(cell[1:]) == cell else cell


def all_of(dataset: tablib.Dataset, change: Any) -> tablib.Dataset:
    """The dataset with every cell changed."""
    return tablib.Dataset(*(tuple(map(change, row)) for row in dataset), headers=dataset.headers)


class CSV(base_formats.CSV):
    """Text in UTF-8; commas, or the semicolons or tabs that spreadsheets of many countries write."""

    def create_dataset(self, in_stream: bytes | str, **kwargs: Any) -> tablib.Dataset:
        text = in_stream.decode("utf-8-sig") if isinstance(in_stream, bytes) else in_stream
        header = text.partition("\n")[0]
        return all_of(super().create_dataset(text, delimiter=max(_DELIMITERS, key=header.count)), plain)


class XLSX(base_formats.XLSX):
    """The first sheet of a workbook."""

    def create_dataset(self, in_stream: bytes) -> tablib.Dataset:
        return all_of(super().create_dataset(in_stream), plain)
