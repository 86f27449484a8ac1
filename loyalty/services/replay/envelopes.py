"""CloudEvents as the API takes them (api.md), made from the rows of a file."""

from __future__ import annotations

import datetime as dt
from typing import Any

from common import clock


def seal(source: str, event_id: str, event_type: str, subject: str, time: dt.datetime, data: dict[str, Any]) -> dict:
    """One CloudEvent 1.0. The same row gives the same event each time, byte for byte: its id is made from the row."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": event_type,
        "subject": subject,
        "time": clock.written(time),
        "data": data,
    }


def time_of(event: dict) -> dt.datetime:
    """When the event happened."""
    return dt.datetime.fromisoformat(event["time"])
