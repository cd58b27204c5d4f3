"""Unpacked pages that were read lately, so that a page read in small bites is unpacked once."""

from collections import OrderedDict
from threading import Lock
from typing import TypeAlias

from tivo.model.event import Event

_EVENT_BYTES = 300
"""What an event takes in memory beside its bytes: the struct, its integers and the heads of its byte strings."""


PageKey: TypeAlias = tuple[bytes, int]
"""Incarnation of the store and number of the page in it: a number is never given twice, a store may be made anew."""


class PageCache:
    """The pages used last, at most so many bytes of them. Shared by the threads that read."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._pages: OrderedDict[PageKey, tuple[list[Event], int]] = OrderedDict()
        self._lock = Lock()

    def get(self, page: PageKey) -> list[Event] | None:
        """The events of a page; None where they must be read."""
        with self._lock:
            held = self._pages.get(page)
            if held is None:
                return None
            self._pages.move_to_end(page)
            return held[0]

    def put(self, page: PageKey, events: list[Event], raw_bytes: int) -> None:
        """Keep the events of a page, and let go of those used longest ago."""
        size = raw_bytes + _EVENT_BYTES * len(events)
        with self._lock:
            _, replaced = self._pages.pop(page, (None, 0))
            self._pages[page] = (events, size)
            self._bytes += size - replaced
            while self._bytes > self._max_bytes:
                _, (_, dropped) = self._pages.popitem(last=False)
                self._bytes -= dropped
