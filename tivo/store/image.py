"""Images: folding events to the last one of every key, and what lies in parts in order of their keys (pure).

The order of keys is that of their bytes, an event without a key before all of them: such events are
of one key. A deleted key keeps its event, whose value is null.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from tivo.model.event import Event
from tivo.store.page import MAX_BYTES, MAX_EVENTS, row_bytes

HELD_BYTES = 300
"""Memory that an event takes beside its bytes as they are stored, and its place in a fold with it."""

FOLD_BYTES = 40 << 20
"""Memory that a fold takes at most: 100,000 events of 100 bytes, or more than any read gives of large ones."""

FIRST = b""
"""Where the order of keys begins."""


def key_order(key: bytes | None) -> bytes:
    """A key's place in the order of keys."""
    return b"" if key is None else b"\0" + key


def behind(order: bytes) -> bytes:
    """The first place in the order of keys behind one."""
    return order + b"\0"


def place_of(event: Event) -> bytes:
    """The place of an event in the order of keys."""
    return key_order(event.key)


def held_bytes(event: Event) -> int:
    """Memory that an event takes."""
    return HELD_BYTES + row_bytes(event)


class Fold:
    """The last event of every key in start ≤ place < bound, of all events taken; in any order, any number of times.

    What it holds is limited: where the events would be larger, it lets go of the last keys. `bound` is
    lower then, and another fold begins there. None is the end of the order of keys.
    """

    def __init__(self, start: bytes = FIRST, bound: bytes | None = None, *, max_bytes: int = FOLD_BYTES) -> None:
        self._start = start
        self._max_bytes = max_bytes
        self._bytes = 0
        self._held: dict[bytes, Event] = {}
        self.bound = bound

    def take(self, events: Iterable[Event]) -> None:
        """Fold some events in; quicker where they come in playback order."""
        for key, event in {event.key: event for event in sorted(events)}.items():
            place = key_order(key)
            if place < self._start or (self.bound is not None and place >= self.bound):
                continue
            held = self._held.get(place)
            if held is None:
                self._bytes += held_bytes(event)
            elif event <= held:
                continue
            else:
                self._bytes += row_bytes(event) - row_bytes(held)
            self._held[place] = event
        if self._bytes > self._max_bytes:
            self._let_go()

    def in_order(self) -> list[Event]:
        """What it holds, in the order of keys."""
        return [self._held[place] for place in sorted(self._held)]

    def _let_go(self) -> None:
        """Keep the first keys, up to half of the bytes and one at least."""
        places = sorted(self._held)
        size = kept = 0
        for place in places:
            size += held_bytes(self._held[place])
            if kept and size > self._max_bytes // 2:
                break
            kept += 1
        if kept < len(places):
            self.bound = places[kept]
            self._held = {place: self._held[place] for place in places[:kept]}
        self._bytes = sum(map(held_bytes, self._held.values()))


def cut_before(events: list[Event], bound: bytes | None) -> int:
    """How many of some events in the order of keys lie before a place in it."""
    return len(events) if bound is None else bisect_left(events, bound, key=place_of)


def latest(*runs: Iterable[Event]) -> list[Event]:
    """Of several runs of events the last one of every key, in the order of keys."""
    fold: dict[bytes, Event] = {}
    for run in runs:
        for event in run:
            place = place_of(event)
            if place not in fold or fold[place] < event:
                fold[place] = event
    return [fold[place] for place in sorted(fold)]


def won(held: Iterable[Event], given: Iterable[Event]) -> list[Event]:
    """Those of the given events, one a key, that are later than what is held of their keys."""
    known = {event.key: event for event in held}
    return [event for event in given if event.key not in known or known[event.key] < event]


def parts(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """Events in the order of keys, cut into parts as large as pages."""
    first = size = 0
    for at, event in enumerate(events):
        weight = row_bytes(event)
        if at > first and (at - first >= MAX_EVENTS or size + weight > MAX_BYTES):
            yield events[first:at]
            first, size = at, 0
        size += weight
    if events:
        yield events[first:]
