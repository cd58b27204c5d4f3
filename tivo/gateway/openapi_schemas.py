"""The shapes in the OpenAPI document that FastAPI cannot see: what goes into and comes out of the hot routes."""

from typing import Any

TIMES = "RFC 3339; seconds, ms, µs or ns since 1970; an offset such as -3d; beginning, end or now"

_RECORD = {
    "title": "Record",
    "type": "object",
    "description": "One record. Any other object posted alone is itself the value of a record.",
    "properties": {
        "key": {"description": "a string, or any JSON; null is no key"},
        "value": {"description": "any JSON, kept byte for byte; null deletes the key"},
        "headers": {"type": "object", "description": "names to strings; a list of pairs where a name comes twice"},
        "time": {"type": ["string", "number"], "description": TIMES + "; without it the time of arrival"},
        "partition": {"type": "integer", "description": "without it the key decides"},
    },
    "required": ["value"],
}
_RECORDS = {
    "title": "Records",
    "anyOf": [
        {
            "title": "Batch",
            "type": "object",
            "properties": {"records": {"type": "array", "items": {"$ref": "#/components/schemas/Record"}}},
            "required": ["records"],
        },
        {"$ref": "#/components/schemas/Record"},
    ],
}
_DELIVERIES = {
    "title": "Deliveries",
    "type": "object",
    "properties": {
        "offsets": {
            "type": "array",
            "description": "per record, in order: partition, offset and time_us, or error_code, error and retryable",
            "items": {"type": "object"},
        }
    },
}
_EVENT = {
    "title": "Event",
    "type": "object",
    "properties": {
        "topic": {"type": "string"},
        "partition": {"type": "integer"},
        "offset": {"type": "integer"},
        "time_us": {"type": "integer", "description": "event time, µs since 1970 UTC"},
        "received_us": {"type": "integer", "description": "when tivo first took it"},
        "id": {"type": "string", "description": "the same wherever and whenever it is read, in order of time"},
        "key": {"description": "a string, null, or base64 in an object where it is no text"},
        "value": {"description": "the JSON that was sent, a string, or base64 in an object where it is no text"},
        "headers": {"type": "object"},
    },
}
_EVENTS = {
    "title": "Events",
    "type": "object",
    "properties": {
        "events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
        "complete_to_us": {
            "type": ["integer", "null"],
            "description": "the store is complete up to here; null where that is not known (reads by time)",
        },
        "next_offset": {"type": "integer", "description": "where to go on (reads by offset)"},
        "next": {"type": ["string", "null"], "description": "address of the next page, as in the Link header"},
    },
}
_STATE = {
    "title": "State",
    "type": "object",
    "properties": {
        "events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
        "at_us": {"type": "integer", "description": "the time whose state this is: all events are before it"},
        "complete_to_us": {
            "type": ["integer", "null"],
            "description": "the store is complete up to here; null where that is not known",
        },
        "next": {"type": ["string", "null"], "description": "address of the next page, as in the Link header"},
    },
}
_PROBLEM = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "description": "stable"},
        "retryable": {"type": "boolean"},
        "errors": {"type": "array", "items": {"type": "object"}, "description": "one per wrong field or record"},
    },
}
_LOGIN = {
    "title": "Login",
    "type": "object",
    "properties": {
        "asks": {"type": "boolean", "description": "whether this gateway asks for tokens at all"},
        "user": {"type": ["string", "null"], "description": "who it is; null where nobody is logged in"},
        "scopes": {"type": "array", "items": {"type": "string"}, "description": "such as read or write:sensors."},
    },
}
_TICKET = {
    "title": "Ticket",
    "type": "object",
    "properties": {
        "ticket": {"type": "string", "description": "opens one socket or event stream, once: ?ticket="},
        "until_us": {"type": "integer", "description": "good up to here"},
    },
}

SCHEMAS: dict[str, Any] = {
    "Record": _RECORD,
    "Records": _RECORDS,
    "Deliveries": _DELIVERIES,
    "Event": _EVENT,
    "Events": _EVENTS,
    "State": _STATE,
    "Problem": _PROBLEM,
    "Login": _LOGIN,
    "Ticket": _TICKET,
}
"""By name, for `$ref`."""
