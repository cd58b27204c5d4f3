"""Fetches parked until the high watermark moves: woken by it, never polling."""

from collections.abc import Callable, Iterable


class Parked:
    """A fetch that waits for more bytes to become readable in any of some partitions.

    `wake` is called once: by the growth that makes up what is missing, by a change that cannot
    wait (a topic deleted, the broker closing), or by whoever watches the fetch's own deadline.
    """

    __slots__ = ("missing_bytes", "places", "wake")

    def __init__(self, places: tuple[object, ...], missing_bytes: int, wake: Callable[[], None]) -> None:
        self.places = places
        self.missing_bytes = missing_bytes
        self.wake = wake


class Waiters:
    """Who waits for which partition. A place is any hashable object that stands for a partition."""

    def __init__(self) -> None:
        self._by_place: dict[object, dict[Parked, None]] = {}  # a dict for a set that keeps the order of arrival

    def park(self, places: Iterable[object], *, missing_bytes: int, wake: Callable[[], None]) -> Parked:
        """Wait for `missing_bytes` more in these places together. The caller keeps its own deadline."""
        parked = Parked(tuple(places), missing_bytes, wake)
        for place in parked.places:
            self._by_place.setdefault(place, {})[parked] = None
        return parked

    def leave(self, parked: Parked) -> None:
        """Stop waiting: the deadline came, or the connection is gone."""
        for place in parked.places:
            there = self._by_place.get(place)
            if there is not None and there.pop(parked, True) is None and not there:
                del self._by_place[place]

    def grown(self, place: object, size: int) -> None:
        """`size` more bytes may be read there."""
        there = self._by_place.get(place)
        if there is None:
            return
        for parked in list(there):
            parked.missing_bytes -= size
            if parked.missing_bytes <= 0:
                self._wake(parked)

    def changed(self, place: object) -> None:
        """Whoever waits there has to look again, whatever was missing."""
        for parked in list(self._by_place.get(place, ())):
            self._wake(parked)

    def wake_all(self) -> None:
        """Nothing more will come."""
        for place in list(self._by_place):
            self.changed(place)

    def __len__(self) -> int:
        return len({parked for there in self._by_place.values() for parked in there})

    def _wake(self, parked: Parked) -> None:
        self.leave(parked)
        parked.wake()
