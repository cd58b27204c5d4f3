"""The listeners of a broker while it runs: bound first, opened last, and closed with those who are being greeted."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from functools import partial

from tivo.broker.connection import Connection
from tivo.broker.greeter import Greeter, House
from tivo.broker.listeners import Endpoint, Listener, TlsOptions, tls_context
from tivo.model.errors import ConfigError

BACKLOG = 1_024
"""Connections that may wait to be accepted. Above it the system drops them, and each tries again after 1 s."""


class Doors:
    """Listens. `endpoints` and `ports` are in the order of the listeners."""

    def __init__(self, house: House) -> None:
        self.endpoints: list[Endpoint] = []
        self.ports: list[int] = []
        self._house = house
        self._sockets: list[socket.socket] = []
        self._context: ssl.SSLContext | None = None
        self._servers: list[asyncio.Server] = []
        self._tasks = asyncio.TaskGroup()
        self._greeters: list[asyncio.Task[None]] = []

    def bind(self, listeners: Sequence[Listener], tls: TlsOptions | None) -> None:
        """Take the ports; nobody is let in yet. Raises ConfigError where one cannot be had."""
        self._context = None if tls is None else tls_context(tls)
        for listener in listeners:
            taken = _taken(listener)
            self._sockets.append(taken)
            self.ports.append(taken.getsockname()[1])
            self.endpoints.append(listener.told(self.ports[-1]))

    async def open(self) -> None:
        """Let clients in."""
        await self._tasks.__aenter__()
        loop = asyncio.get_running_loop()
        for taken, endpoint in zip(self._sockets, self.endpoints, strict=True):
            if endpoint.security.has_tls and self._context is not None:
                taken.listen(BACKLOG)
                greeter = Greeter(self._house, endpoint, self._context, self._tasks)
                self._greeters.append(self._tasks.create_task(greeter.run(taken)))
            else:
                welcome = partial(Connection, self._house, endpoint)
                self._servers.append(await loop.create_server(welcome, sock=taken, backlog=BACKLOG))

    def shut(self) -> None:
        """Let nobody in any more, and begin to turn away those who are being greeted."""
        for server in self._servers:
            server.close()
        for greeter in self._greeters:
            greeter.cancel()

    async def close(self) -> None:
        """Wait until nobody is being greeted."""
        await self._tasks.__aexit__(None, None, None)
        self.give_back()

    def give_back(self) -> None:
        """Let go of the ports."""
        for taken in self._sockets:
            taken.close()


def _taken(listener: Listener) -> socket.socket:
    host, port = listener.address, listener.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setblocking(False)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        raise ConfigError(
            f"{host}:{port} cannot be bound ({error.strerror}): choose another port, or stop what uses it"
        ) from error
    return taken
