"""The first moments of clients at a listener with TLS: each is admitted before anything is made for it, then greeted.

Python's own servers with TLS count nobody until the handshake is done: thousands could stand half open. And
to begin TLS on a transport that reads already (`start_tls`) loses what has come, under uvloop. So sockets are
accepted here.
"""

import asyncio
import socket
import ssl
from typing import Protocol

from tivo.broker.connection import Connection, Owner
from tivo.broker.listeners import Endpoint
from tivo.model.timeline import SECOND_US

BREATH_S = 1.0
"""How long nobody is accepted where that failed: there are too many open files, as a rule."""


class House(Owner, Protocol):
    """Whoever owns the connections, and says how long a handshake may take."""

    login_us: int


class Greeter:
    """Accepts clients of a listening socket that does not block."""

    def __init__(self, house: House, endpoint: Endpoint, context: ssl.SSLContext, tasks: asyncio.TaskGroup) -> None:
        self._house = house
        self._endpoint = endpoint
        self._context = context
        self._tasks = tasks
        self._greetings: set[asyncio.Task[None]] = set()

    async def run(self, listening: socket.socket) -> None:
        """Until it is cancelled; then whoever is being greeted is turned away."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    accepted, peer = await loop.sock_accept(listening)
                except OSError as error:
                    self._house.complaints.log("no client can be accepted", why=str(error))
                    await asyncio.sleep(BREATH_S)
                else:
                    self._welcome(accepted, str(peer[0]))
        finally:
            for greeting in tuple(self._greetings):
                greeting.cancel()

    def _welcome(self, accepted: socket.socket, host: str) -> None:
        connection = Connection(self._house, self._endpoint)
        if not connection.admit(host):
            accepted.close()
            return
        greeting = self._tasks.create_task(self._greet(connection, accepted))
        self._greetings.add(greeting)
        greeting.add_done_callback(self._greetings.discard)

    async def _greet(self, connection: Connection, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        timeout_s = self._house.login_us / SECOND_US
        try:
            await loop.connect_accepted_socket(
                lambda: connection, accepted, ssl=self._context, ssl_handshake_timeout=timeout_s
            )
        except OSError as error:
            connection.complain(f"TLS was not agreed on: {error}")
        finally:
            if connection.opened_us is None:
                accepted.close()
                connection.connection_lost(None)
