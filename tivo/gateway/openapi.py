"""The parts of the OpenAPI document that FastAPI cannot see: the hot routes, which take requests as they come."""

from typing import Any

from tivo.gateway.openapi_schemas import SCHEMAS, TIMES
from tivo.gateway.scopes import Rule, of_operations, scope_text

_TOPIC = {"name": "topic", "in": "path", "required": True, "schema": {"type": "string"}}


def _query(name: str, description: str, kind: str = "string", **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": {"type": kind, **schema}}


def _json(name: str, media_type: str = "application/json") -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _answer(description: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"description": description, "content": content} if content else {"description": description}


_REFUSED = {"default": _answer("no success", _json("Problem", "application/problem+json"))}

_PRODUCE = {
    "tags": ["events"],
    "operationId": "produce_records",
    "summary": "Produce records.",
    "description": "application/x-ndjson is a stream: a record a line, a report a line in the answer, in order.",
    "parameters": [
        _TOPIC,
        _query("acks", "who must hold the records before the answer", enum=["0", "1", "all"], default="all"),
        _query("key", "of a raw value"),
        _query("time", "of a raw value: " + TIMES),
        _query("partition", "of a raw value", "integer"),
    ],
    "requestBody": {
        "required": True,
        "content": {
            **_json("Records"),
            **_json("Record", "application/x-ndjson"),
            "application/octet-stream": {"schema": {"type": "string", "format": "binary", "description": "one value"}},
        },
    },
    "responses": {
        "200": _answer("every record is held", _json("Deliveries")),
        "202": _answer("sent with acks=0, nobody knows"),
        "207": _answer("some records failed", _json("Deliveries")),
        **_REFUSED,
    },
}
_READ = {
    "tags": ["events"],
    "operationId": "read_events",
    "summary": "Read stored events.",
    "description": "Of a window (start, end), in order of time; or of a partition from an offset on. "
    "With Accept: application/x-ndjson all of it in one stream.",
    "parameters": [
        _TOPIC,
        _query("start", TIMES + "; included"),
        _query("end", TIMES + "; not included"),
        _query("partition", "to be read from an offset on", "integer"),
        _query("offset", "where to begin in the partition", "integer"),
        _query("key", "only events whose key matches this glob; given several times, one of them"),
        _query("where", "only events of which this expression holds, such as value.temp > 30"),
        _query("limit", "events at most: 10,000 a page, 100 without saying, all in a stream", "integer"),
        _query("cursor", "out of the address of the next page"),
    ],
    "responses": {
        "200": _answer("events", {**_json("Events"), **_json("Event", "application/x-ndjson")}),
        "416": _answer("no such offset; earliest and latest tell which there are", _json("Problem")),
        **_REFUSED,
    },
}
_IMAGE = {
    "tags": ["events"],
    "operationId": "read_image",
    "summary": "Read the state at a time: the last event of every key before it.",
    "description": "In the order of keys; a deleted key has the value null. "
    "With Accept: application/x-ndjson all of it in one stream.",
    "parameters": [
        _TOPIC,
        _query("at", TIMES + "; not included; without it now"),
        _query("key", "only keys that match this glob; may come more than once"),
        _query("limit", "keys at most: 10,000 a page, 100 without saying, all in a stream", "integer"),
        _query("cursor", "out of the address of the next page"),
    ],
    "responses": {
        "200": _answer("events", {**_json("State"), **_json("Event", "application/x-ndjson")}),
        **_REFUSED,
    },
}
_TAIL = {
    "tags": ["events"],
    "operationId": "follow_events",
    "summary": "Tail a topic: its events as server-sent events.",
    "description": "The id of each is a cursor: with Last-Event-ID or ?from= the stream goes on behind it.",
    "parameters": [
        _TOPIC,
        _query("from", "a cursor, or a time: " + TIMES + "; without it the live edge"),
        {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}, "description": "a cursor"},
    ],
    "responses": {
        "200": _answer("events", {"text/event-stream": {"schema": {"type": "string"}}}),
        **_REFUSED,
    },
}

_LOGIN_PATH = {
    "get": {
        "tags": ["access"],
        "operationId": "show_login",
        "summary": "Who is logged in?",
        "responses": {"200": _answer("whoever it is", _json("Login")), **_REFUSED},
    },
    "post": {
        "tags": ["access"],
        "operationId": "log_in",
        "summary": "A token in, a cookie out that no script can read. For browsers.",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "object", "properties": {"token": {"type": "string"}}, "required": ["token"]}
                }
            },
        },
        "responses": {"200": _answer("logged in", _json("Login")), **_REFUSED},
    },
    "delete": {
        "tags": ["access"],
        "operationId": "log_out",
        "summary": "Takes the cookie away.",
        "responses": {"204": _answer("logged out"), **_REFUSED},
    },
}
_TICKETS = {
    "post": {
        "tags": ["access"],
        "operationId": "make_ticket",
        "summary": "A ticket that opens one socket or event stream within 30 s, where no header can be sent.",
        "responses": {"201": _answer("a ticket", _json("Ticket")), **_REFUSED},
    }
}

SECURITY = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of the users file. Asked for where gateway.auth = tokens.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "tivo",
        "description": "What POST /v1/login gives to a browser; behind the name stands the port, as in tivo-8080. "
        "For the gateway's own pages.",
    },
    "ticket": {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "What POST /v1/tickets gives: good once, for 30 s.",
    },
}

_PROBE = {"200": _answer("fine"), "503": _answer("not now; reasons tell why")}

PATHS: dict[str, dict[str, Any]] = {
    "/v1/topics/{topic}/records": {"get": _READ, "post": _PRODUCE},
    "/v1/topics/{topic}/image": {"get": _IMAGE},
    "/v1/topics/{topic}/tail": {"get": _TAIL},
    "/v1/login": _LOGIN_PATH,
    "/v1/tickets": _TICKETS,
    "/livez": {"get": {"tags": ["health"], "operationId": "livez", "summary": "Is it alive?", "responses": _PROBE}},
    "/readyz": {"get": {"tags": ["health"], "operationId": "readyz", "summary": "Is it ready?", "responses": _PROBE}},
    "/metrics": {
        "get": {
            "tags": ["health"],
            "operationId": "metrics",
            "summary": "Prometheus metrics.",
            "responses": {"200": _answer("metrics", {"text/plain": {"schema": {"type": "string"}}})},
        }
    },
}


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """FastAPI's document with the hot routes in it, and its own description of wrong input replaced by ours."""
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            operation["responses"].update(_REFUSED)
    document["paths"].update(PATHS)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas.update(SCHEMAS)
    document["components"]["securitySchemes"] = SECURITY
    for path, method, rule in of_operations():
        document["paths"][path][method] |= _secured(rule)
    return document


def _secured(rule: Rule) -> dict[str, Any]:
    """What an operation asks for, with the scope by its name, for which OpenAPI has no place of its own."""
    if rule.is_open:
        return {"security": []}
    ways = ["token", "cookie", *(["ticket"] if rule.takes_ticket else [])]
    return {"security": [{way: []} for way in ways], "x-tivo-scope": scope_text(rule)}
