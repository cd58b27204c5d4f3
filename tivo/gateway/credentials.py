"""How a request shows who sends it: by a header, a sub-protocol, a ticket in its address, or a cookie.

A browser's socket can send no header, so its token travels as one more sub-protocol, which is never
echoed; an event stream cannot even do that, so there are tickets and the cookie of the console.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from tivo.gateway.problems import Problem

SUBPROTOCOL_PREFIX = "tivo.bearer."
COOKIE_S = 30 * 24 * 3600


class Way(StrEnum):
    """How it came."""

    HEADER = "header"
    SUBPROTOCOL = "subprotocol"
    TICKET = "ticket"
    COOKIE = "cookie"


class Credential(NamedTuple):
    """What was shown: a token, or a ticket. Never to be printed."""

    way: Way
    secret: str

    def __repr__(self) -> str:
        return f"Credential({self.way})"


def credential_of(scope: Mapping[str, Any], *, takes_ticket: bool) -> Credential | None:
    """What a request shows; the cookie, which a browser sends unasked, only where there is nothing else."""
    headers = Headers(raw=scope["headers"])
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return Credential(Way.HEADER, token.strip())
    for offered in scope.get("subprotocols", ()):
        if offered.startswith(SUBPROTOCOL_PREFIX):
            return Credential(Way.SUBPROTOCOL, _decoded(offered.removeprefix(SUBPROTOCOL_PREFIX)))
    tickets = parse_qs(scope["query_string"].decode("latin-1")).get("ticket") if takes_ticket else None
    if tickets:
        return Credential(Way.TICKET, tickets[-1])
    kept = cookie_parser(headers.get("cookie", "")).get(cookie_name(headers.get("host", "")))
    return None if not kept else Credential(Way.COOKIE, _decoded(kept))


def cookie_name(host: str) -> str:
    """Browsers keep cookies per host and not per port: gateways on one machine must not take each other's."""
    port = host.rpartition(":")[2]
    return f"tivo-{port}" if port.isdigit() and port.isascii() else "tivo"


def cookie(host: str, token: str, *, secure: bool) -> str:
    """The header that makes a browser keep a token where no script can read it; without a token: forget it."""
    kept = urlsafe_b64encode(token.encode()).decode().rstrip("=")
    age_s = COOKIE_S if token else 0
    made = f"{cookie_name(host)}={kept}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict"
    return f"{made}; Secure" if secure else made


def forgetting(problem: Problem, scope: Mapping[str, Any]) -> Problem:
    """A refusal that makes a browser forget a cookie which is worth nothing any more, so that it is not shown again."""
    headers = Headers(raw=scope["headers"])
    if problem.status == HTTPStatus.UNAUTHORIZED and "cookie" in headers:
        host = headers.get("host", "")
        problem.headers = {**(problem.headers or {}), "Set-Cookie": cookie(host, "", secure=False)}
    return problem


def _decoded(text: str) -> str:
    """A token out of base64url; nothing, which no gateway knows, where it is none."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""
