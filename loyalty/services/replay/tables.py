"""Tables of a data set: CSV, plain or gzipped."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from pathlib import Path


def rows(raw: io.BufferedReader) -> Iterator[list[str]]:
    """The rows below the header of an open CSV file; gzip is told by its first two bytes."""
    packed = raw.peek(2)[:2] == b"\x1f\x8b"
    text = io.TextIOWrapper(gzip.GzipFile(fileobj=raw) if packed else raw, encoding="utf-8-sig", newline="")
    reader = csv.reader(text)
    next(reader, None)
    return reader


def load(folder: Path, name: str) -> Iterator[list[str]]:
    """The rows of a table of a folder: name.csv.gz or name.csv."""
    packed = folder / f"{name}.csv.gz"
    with (packed if packed.exists() else folder / f"{name}.csv").open("rb") as raw:
        yield from rows(raw)
