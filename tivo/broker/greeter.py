"""The first moments of a client at a listener with TLS: it is admitted before anything is made for it, then greeted.

Python's own servers with TLS count nobody until the handshake is done: thousands could stand half open.
"""

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from typing import Protocol, cast

from tivo.broker.connection import Connection, Owner
from tivo.broker.listeners import Endpoint
from tivo.model.timeline import SECOND_US

Run = Callable[[Coroutine[None, None, None]], None]
"""Runs a task until it is done, or the broker stops."""


class House(Owner, Protocol):
    """Whoever owns the connection, and says how long its handshake may take."""

    login_us: int


class Greeter(asyncio.Protocol):
    """What the loop knows of a client until TLS stands; from then on that is its `Connection`."""

    def __init__(self, house: House, endpoint: Endpoint, context: ssl.SSLContext, run: Run) -> None:
        self._house = house
        self._context = context
        self._run = run
        self._connection = Connection(house, endpoint)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._connection.admit(transport):
            transport = cast("asyncio.Transport", transport)
            transport.pause_reading()  # until TLS takes over
            self._run(self._greet(transport))

    async def _greet(self, transport: asyncio.Transport) -> None:
        is_open = False
        try:
            spoken = await asyncio.get_running_loop().start_tls(
                transport,
                self._connection,
                self._context,
                server_side=True,
                ssl_handshake_timeout=self._house.login_us / SECOND_US,
            )
            if spoken is not None:
                self._connection.open(spoken)
                is_open = True
        except OSError as error:
            self._connection.complain(f"TLS was not agreed on: {error}")
        finally:
            if not is_open:
                transport.abort()
                self._connection.connection_lost(None)
