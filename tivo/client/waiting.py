"""Waits for a Kafka cluster that does not answer yet, and says so."""

import asyncio
from collections.abc import Awaitable, Callable

from tivo.model.errors import BrokerError

RETRY_S = 0.5
NEWS_S = 1.5
"""A broker that is just starting is no news; one that is away for so long is."""

Tell = Callable[[str], object]


async def until_connected(
    start: Callable[[], Awaitable[None]],
    address: str,
    tell: Tell,
    *,
    away: Callable[[str], Awaitable[None]] | None = None,
    news_s: float = NEWS_S,
    retry_s: float = RETRY_S,
) -> None:
    """Start a connection, and again until there is one. `tell` gets a line when that takes long, and when it is over.

    `away` hears why each time that there is none.
    """
    waiting = _Waiting(address, tell)
    news = asyncio.get_running_loop().call_later(news_s, waiting.say)
    try:
        while not await _is_connected(start, waiting):
            if away is not None:
                await away(waiting.reason)
            await asyncio.sleep(retry_s)
    finally:
        news.cancel()
    if waiting.said:
        tell(f"Kafka at {address} answers")


class _Waiting:
    """Why there is no connection, and whether that was said."""

    def __init__(self, address: str, tell: Tell) -> None:
        self._address = address
        self._tell = tell
        self.reason = "no answer yet"
        self.said = False

    def say(self) -> None:
        self.said = True
        self._tell(f"waiting for Kafka at {self._address}: {self.reason}")


async def _is_connected(start: Callable[[], Awaitable[None]], waiting: _Waiting) -> bool:
    try:
        await start()
    except BrokerError as error:
        waiting.reason = str(error)
        return False
    return True
