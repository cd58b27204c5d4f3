"""The listeners of a broker while it runs: bound first, opened last, and closed with those who are being greeted."""

import asyncio
import ssl
from collections.abc import Coroutine, Sequence

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
        self._bound: list[asyncio.Server] = []
        self._greetings = asyncio.TaskGroup()
        self._greeted: set[asyncio.Task[None]] = set()

    async def bind(self, listeners: Sequence[Listener], tls: TlsOptions | None) -> None:
        """Take the ports; nobody is let in yet. Raises ConfigError where one cannot be had."""
        context = None if tls is None else tls_context(tls)
        try:
            for listener in listeners:
                await self._bind(listener, context)
        except BaseException:
            self._close()
            raise

    async def open(self) -> None:
        """Let clients in."""
        await self._greetings.__aenter__()
        for bound in self._bound:
            await bound.start_serving()

    def shut(self) -> None:
        """Let nobody in any more, and turn away those who are being greeted."""
        self._close()
        for greeting in tuple(self._greeted):
            greeting.cancel()

    async def close(self) -> None:
        """Wait until nobody is being greeted."""
        await self._greetings.__aexit__(None, None, None)

    def greet(self, greeting: Coroutine[None, None, None]) -> None:
        """Run the first moments of a client until they are over, or the doors are shut."""
        task = self._greetings.create_task(greeting)
        self._greeted.add(task)
        task.add_done_callback(self._greeted.discard)

    async def _bind(self, listener: Listener, context: ssl.SSLContext | None) -> None:
        place = len(self.endpoints)

        def welcome() -> asyncio.BaseProtocol:
            endpoint = self.endpoints[place]
            if endpoint.security.has_tls and context is not None:
                return Greeter(self._house, endpoint, context, self.greet)
            return Connection(self._house, endpoint)

        host, port = listener.address, listener.port
        try:
            loop = asyncio.get_running_loop()
            bound = await loop.create_server(welcome, host, port, backlog=BACKLOG, start_serving=False)
        except OSError as error:
            raise ConfigError(
                f"{host}:{port} cannot be bound ({error.strerror}): choose another port, or stop what uses it"
            ) from error
        self._bound.append(bound)
        self.ports.append(bound.sockets[0].getsockname()[1])
        self.endpoints.append(listener.told(self.ports[-1]))

    def _close(self) -> None:
        for bound in self._bound:
            bound.close()
