"""Who may talk to the gateway: `Host` and `Origin` of every request and socket, before any route sees it.

A page of another site can send requests to a server on the viewer's own machine, with sockets it
can even read the answers, and DNS rebinding makes such a page look like the same origin. So, bound to
loopback, `Host` must be a loopback name, or that of an origin allowed by name, which a proxy on this
machine passes on; and `Origin` absent, a loopback one or one so allowed. Bound elsewhere, `Host`
must be an address, which no name server can turn around, or a name that is known: that which was bound,
or that of an origin allowed by name; and `Origin` must be the host asked for or one allowed by name.
"""

import ipaddress
import re
import uuid
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tivo.gateway.problems import Problem

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
EXPOSED = "Link, X-Request-Id, Retry-After"
PREFLIGHT_SECONDS = 600


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class Guard:
    """ASGI middleware: refuses foreign hosts and origins, answers CORS, gives every answer its request id."""

    def __init__(
        self, app: ASGIApp, *, loopback_only: bool, host: str = "localhost", allow_origins: Iterable[str] = ()
    ) -> None:
        self._app = app
        self._loopback_only = loopback_only
        self._allow_origins = frozenset(origin.rstrip("/").lower() for origin in allow_origins)
        places = (origin.partition("://")[2] for origin in self._allow_origins)
        self._names = {"localhost", host.lower(), *map(_host_name, places)} - {""}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._refusal(headers)
        if scope["type"] == "websocket":
            if problem is None:
                await self._app(scope, receive, send)
            else:
                await _refuse_socket(problem, scope, receive, send)
            return
        answer = _stamped(send, headers)
        if problem is not None:
            await problem.response(scope["path"])(scope, receive, answer)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _preflight(headers)(scope, receive, answer)
        else:
            await self._app(scope, receive, answer)

    def _refusal(self, headers: Headers) -> Problem | None:
        host = headers.get("host", "")
        name = _host_name(host)
        if self._loopback_only and not is_loopback(name) and name.rstrip(".") not in self._names:
            known = "this machine and the names in gateway.allow_origin only"
            return Problem(421, "forbidden_host", f"this gateway serves {known}, not the host {host!r}")
        if not self._loopback_only and not self._is_known(name):
            known = "addresses and the names in gateway.host and gateway.allow_origin"
            return Problem(421, "forbidden_host", f"this gateway answers to {known}, not to the host {host!r}")
        origin = headers.get("origin")
        if origin is not None and not self._may_come(origin.lower(), host.lower()):
            return Problem(403, "forbidden_origin", f"pages of {origin!r} may not use this gateway")
        return None

    def _is_known(self, name: str) -> bool:
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name.rstrip(".") in self._names
        return True

    def _may_come(self, origin: str, host: str) -> bool:
        if origin in self._allow_origins:
            return True
        scheme, _, place = origin.partition("://")
        if scheme not in {"http", "https"}:
            return False
        return is_loopback(_host_name(place)) if self._loopback_only else place == host


def _host_name(host: str) -> str:
    """The name in `name:port`; empty where it is none, which no rule allows."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _stamped(send: Send, headers: Headers) -> Send:
    given = headers.get("x-request-id", "")
    request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    origin = headers.get("origin")

    async def stamp(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer = MutableHeaders(scope=message)
            answer["X-Request-Id"] = request_id
            answer["X-Content-Type-Options"] = "nosniff"
            answer["Referrer-Policy"] = "no-referrer"
            if origin is not None:
                answer.setdefault("Access-Control-Allow-Origin", origin)
                answer.setdefault("Access-Control-Expose-Headers", EXPOSED)
            answer.add_vary_header("Origin")
        await send(message)

    return stamp


def _preflight(headers: Headers) -> Response:
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
            "Access-Control-Allow-Headers": headers.get("access-control-request-headers", ""),
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        },
    )


async def _refuse_socket(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse the upgrade itself, so that nothing of the protocol is ever spoken with a foreign page."""
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": problem.code})
        return
    response = problem.response(scope["path"])
    await send({"type": "websocket.http.response.start", "status": problem.status, "headers": response.raw_headers})
    await send({"type": "websocket.http.response.body", "body": response.body})
