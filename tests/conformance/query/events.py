"""Events as the case file writes them."""

from base64 import b64decode
from typing import Any

import msgspec

from tivo.model.event import Event, value_kind
from tivo.model.timeline import from_rfc_3339

TIME = "2016-01-15T14:32:24Z"


def event_of(told: dict[str, Any]) -> Event:
    """An event; what is not told is as in a record that tells nothing. `json` is its value as JSON text writes it."""
    value = _value(told)
    time_us = from_rfc_3339(told.get("time", TIME))
    received_us = from_rfc_3339(told["received"]) if "received" in told else time_us
    headers = tuple((name, _bytes(held)) for name, held in told.get("headers", []))
    place = told.get("topic", "rivers"), told.get("partition", 0), told.get("offset", 0)
    return Event(time_us, *place, _bytes(told.get("key")), value, headers, received_us, value_kind(value))


def _value(told: dict[str, Any]) -> bytes | None:
    if "value" in told:
        return msgspec.json.encode(told["value"])
    return _bytes(told.get("text", told.get("bytes")))


def _bytes(held: str | dict[str, str] | None) -> bytes | None:
    if isinstance(held, dict):
        return b64decode(held["base64"])
    return None if held is None else held.encode()
