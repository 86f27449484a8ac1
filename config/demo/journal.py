"""Events of the demo, gathered in any order and told in time order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

from loyalty.services.replay import envelopes

SOURCE = "/demo"
# Not an event of the platform: a checkout that nobody finished (config/demo/checkouts.py takes it out).
ABANDONED = "demo.checkout_abandoned"


@dataclass(slots=True)
class Journal:
    """Everything that happens before `end`; what would happen later is not written down. Founders are told apart."""

    end: dt.datetime
    founders: list[dict] = field(default_factory=list)
    _events: list[tuple[dt.datetime, int, dict]] = field(default_factory=list)

    def found(self, time: dt.datetime, subject: str, data: dict) -> None:
        """Note somebody who is a member from the first instant on."""
        self.founders.append(envelopes.seal(SOURCE, f"joined-{subject}", "member.registered", subject, time, data))

    def write(self, time: dt.datetime, event_type: str, subject: str, event_id: str, data: dict) -> bool:
        """Note an event if its time has come by the end; say whether it has."""
        if time >= self.end:
            return False
        event = envelopes.seal(SOURCE, event_id, event_type, subject, time, data)
        self._events.append((time, len(self._events), event))
        return True

    def __len__(self) -> int:
        return len(self._events)

    def events(self) -> Iterator[dict]:
        """All of it in time order; copies, because a checkout still changes them."""
        for _time, _number, event in sorted(self._events, key=lambda entry: entry[:2]):
            yield {**event, "data": dict(event["data"])}
