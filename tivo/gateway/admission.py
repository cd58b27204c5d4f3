"""Lets requests and sockets in by the tokens of the users file, and ends what a token opened once it is worth nothing.

Where there is no users file nobody is asked, and everybody may do everything.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from secrets import token_urlsafe
from typing import Protocol

from tivo.auth.expiry import next_expiry_us
from tivo.auth.needs import Need
from tivo.auth.slowing import Slowing
from tivo.auth.tickets import TICKET_US, Tickets
from tivo.auth.tokens import Bearer, check
from tivo.auth.users import Users
from tivo.gateway.credentials import Credential, Way
from tivo.gateway.doors import Clock
from tivo.gateway.problems import Problem
from tivo.gateway.stay import Stay, forbidden, unauthorized
from tivo.metrics import GATEWAY_REFUSED
from tivo.model.errors import AuthenticationError
from tivo.model.timeline import SECOND_US

LOOK_SECONDS = 1.0
"""How soon a token that is removed or has expired ends what it opened."""

WHO_ARE_YOU = (
    "this gateway wants to be shown a token: in the header `Authorization: Bearer TOKEN`; commands take it from "
    "--token-file or TIVO_TOKEN; `tivo users token add` on the gateway's machine makes one"
)

log = logging.getLogger(__name__)


class KnownUsers(Protocol):
    """The users as they are now; `look` reads them again where they have changed."""

    users: Users

    def look(self) -> None: ...


class Admission:
    """Who may come in, and who is in."""

    def __init__(
        self,
        known: KnownUsers | None,
        now: Clock,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._known = known
        self._now = now
        self._sleep = sleep
        self._seen = known.users if known else None
        self._next_expiry_us = next_expiry_us(known.users, now()) if known else None
        self._stays: set[Stay] = set()
        self._tickets = Tickets()
        self._slowing = Slowing()

    @property
    def asks(self) -> bool:
        """Whether anybody is asked who he is."""
        return self._known is not None

    async def admit(self, credential: Credential | None, need: Need | None, *, address: str) -> Stay:
        """Let somebody in who shows this and wants that. Raises Problem 401, 403, 429, a wrong guess the later."""
        if self._known is None:
            return Stay()
        if credential is None:
            GATEWAY_REFUSED.labels("nothing_shown").inc()
            raise unauthorized(WHO_ARE_YOU, invalid=False)
        try:
            token = self._token(credential)
            bearer = self._bearer(self._known, token)
        except AuthenticationError as error:
            raise await self._guessed(str(error), address) from None
        if need is not None and not need.is_met_by(bearer):
            GATEWAY_REFUSED.labels("scope").inc()
            raise forbidden(need)
        return Stay(bearer, need=need, token=token)

    def _token(self, credential: Credential) -> str:
        if credential.way is Way.TICKET:
            return self._tickets.redeem(credential.secret, self._now()) or ""
        return credential.secret

    def _bearer(self, known: KnownUsers, token: str) -> Bearer:
        """Whose token it is; one that was made a moment ago is good already. Raises AuthenticationError."""
        try:
            return check(known.users, token, self._now())
        except AuthenticationError:
            self.look()
            return check(known.users, token, self._now())

    async def _guessed(self, why: str, address: str) -> Problem:
        """The answer to something wrong, once it is time for it."""
        GATEWAY_REFUSED.labels("wrong").inc()
        if not self._slowing.knows(address):
            log.warning("refused %s: %s", json.dumps(address), json.dumps(why))
        wait_us = self._slowing.failed(address, self._now())
        if wait_us is None:
            detail = f"too many wrong tokens come from {address}"
            return Problem(429, "too_many_attempts", detail, headers={"Retry-After": "5"})
        await self._sleep(wait_us / SECOND_US)
        return unauthorized(f"{why}; `tivo users token add` on the gateway's machine makes one", invalid=True)

    @contextlib.contextmanager
    def during(self, stay: Stay) -> Iterator[None]:
        """Keep an eye on somebody as long as he is in."""
        if stay.token is None:
            yield
            return
        self._stays.add(stay)
        try:
            yield
        finally:
            self._stays.discard(stay)

    def ticket(self, stay: Stay) -> tuple[str, int]:
        """A new ticket for whoever is in, and the wall time up to which it is good."""
        ticket, now = token_urlsafe(), self._now()
        self._tickets.issue(ticket, stay.token, now, owner=stay.client)
        return ticket, now.wall_us + TICKET_US

    def look(self) -> None:
        """Read the users again if they have changed; end or narrow what tokens opened that mean less now."""
        if self._known is None:
            return
        self._known.look()
        users, now = self._known.users, self._now()
        expired = self._next_expiry_us is not None and self._next_expiry_us <= now.wall_us
        if users is self._seen and not expired:
            return
        self._seen, self._next_expiry_us = users, next_expiry_us(users, now)
        bearers: dict[str, Bearer | AuthenticationError] = {}
        for stay in list(self._stays):
            token = stay.token or ""
            if token not in bearers:
                bearers[token] = _known_as(users, token, self._now)
            _renew(stay, bearers[token])

    async def watch(self) -> None:
        """Look again and again, for ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)


def nobody_asked(now: Clock) -> Admission:
    """Everybody may do everything."""
    return Admission(None, now)


def _known_as(users: Users, token: str, now: Clock) -> Bearer | AuthenticationError:
    try:
        return check(users, token, now())
    except AuthenticationError as error:
        return error


def _renew(stay: Stay, bearer: Bearer | AuthenticationError) -> None:
    if isinstance(bearer, AuthenticationError):
        GATEWAY_REFUSED.labels("ended").inc()
        stay.end(unauthorized(f"it is over: {bearer}", invalid=True))
    else:
        stay.change(bearer)
