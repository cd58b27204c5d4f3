"""The gate: every request and socket passes it, and needs the scope that the table of routes names.

It stands behind the guard, which has looked at `Host` and `Origin` already. A socket that is not let
in goes on to where sockets are served: it is accepted there, told why, and closed with 4401 or 4403,
since a script cannot see a refused upgrade.
"""

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tivo.auth.needs import NOBODY
from tivo.gateway.admission import Admission
from tivo.gateway.credentials import Way, credential_of, forgetting
from tivo.gateway.problems import Problem
from tivo.gateway.scopes import SOCKET, Rule, rule_of
from tivo.gateway.sessions import address_of
from tivo.gateway.stay import Stay, admit

_SAFE = frozenset({"GET", "HEAD"})


class Gate:
    """ASGI middleware: notes with each request who sent it, and lets nobody pass whose token does not reach so far."""

    def __init__(self, app: ASGIApp, *, admission: Admission, allow_origins: Iterable[str] = ()) -> None:
        self._app = app
        self._admission = admission
        self._allow_origins = frozenset(origin.rstrip("/").lower() for origin in allow_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        method = SOCKET if scope["type"] == "websocket" else scope["method"]
        rule, topic = rule_of(method, scope["path"])
        try:
            stay = await self._stay(scope, method, rule, topic)
        except Problem as problem:
            if method != SOCKET:
                await forgetting(problem, scope).response(scope["path"])(scope, receive, send)
                return
            admit(scope, problem)
            await self._app(scope, receive, send)
            return
        admit(scope, stay)
        with self._admission.during(stay):
            await self._app(scope, receive, send)

    async def _stay(self, scope: Scope, method: str, rule: Rule, topic: str) -> Stay:
        """Raises Problem where whoever sent it is not let in."""
        headers = Headers(scope=scope)
        if rule.gives_cookie:
            self._check_origin(headers, may_lack=True)
        if not self._admission.asks:
            return Stay()
        if rule.is_open:
            return Stay(NOBODY)
        credential = credential_of(scope, takes_ticket=rule.takes_ticket)
        if credential is not None and credential.way is Way.COOKIE:
            self._check_origin(headers, may_lack=method in _SAFE)
        return await self._admission.admit(credential, rule.need(topic), address=address_of(scope))

    def _check_origin(self, headers: Headers, *, may_lack: bool) -> None:
        """A browser sends its cookie for any page that asks: only the gateway's own, or one allowed by name, may.

        A request that only reads carries no origin where the gateway's own page sends it; a page of
        another origin cannot see the answer to such a one.
        """
        origin = headers.get("origin", "").lower()
        own = origin.partition("://")[2] == headers.get("host", "").lower()
        if not (own or origin in self._allow_origins or (may_lack and not origin)):
            detail = f"pages of {origin!r} may not use the cookie of this gateway; a token in a header may be used"
            raise Problem(403, "forbidden_origin", detail)
