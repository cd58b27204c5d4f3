"""Which transactions are open in a partition, told batch by batch (pure)."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from tivo.wire.control import Marker
from tivo.wire.record_batch import BatchHeader


class OpenTransaction(msgspec.Struct, frozen=True, array_like=True):
    """A transaction that has begun in a partition and not ended."""

    producer_id: int
    producer_epoch: int
    first_offset: int


class Aborted(NamedTuple):
    """A transaction that was aborted, from its first record to its marker.

    `stable_offset` is where the transactions began, when it ended, that were still open; else behind the marker.
    """

    producer_id: int
    first_offset: int
    last_offset: int
    stable_offset: int

    def overlaps(self, from_offset: int, upto: int) -> bool:
        return self.first_offset < upto and self.last_offset >= from_offset


class Ended(NamedTuple):
    """A transaction that a marker at `last_offset` has ended; `aborted` where it was not committed."""

    first_offset: int
    last_offset: int
    aborted: Aborted | None


class Transactions:
    """The open transactions as of one place in a log. A producer has one at a time."""

    def __init__(self, opened: Iterable[OpenTransaction] = ()) -> None:
        self._by_producer = {each.producer_id: each for each in opened}  # by rising first offset

    @property
    def all(self) -> tuple[OpenTransaction, ...]:
        """By rising first offset."""
        return tuple(self._by_producer.values())

    @property
    def first_offset(self) -> int | None:
        """Where the oldest one begins; None where none is open."""
        for each in self._by_producer.values():
            return each.first_offset
        return None

    def of(self, producer_id: int) -> OpenTransaction | None:
        return self._by_producer.get(producer_id)

    def note(self, header: BatchHeader, base_offset: int, marker: Marker | None) -> Ended | None:
        """Take in a batch that is transactional or a marker, in the order of the log; gives what it ends."""
        if not header.is_control:
            begun = OpenTransaction(header.producer_id, header.producer_epoch, base_offset)
            self._by_producer.setdefault(header.producer_id, begun)
            return None
        ended = self._by_producer.pop(header.producer_id, None) if marker is not None else None
        if ended is None:
            return None
        stable = self.first_offset
        aborted = Aborted(
            ended.producer_id, ended.first_offset, base_offset, base_offset + 1 if stable is None else stable
        )
        return Ended(ended.first_offset, base_offset, aborted if marker is Marker.ABORT else None)


def aborted_within(entries: Iterable[Aborted], from_offset: int, upto: int) -> tuple[list[Aborted], bool]:
    """Those of some aborted transactions, in the order of their ends, that reach into offsets `from_offset` to `upto`.

    And whether these are all there can be, whatever ended later: nothing was open below `upto` any more.
    """
    found = []
    for each in entries:
        if each.overlaps(from_offset, upto):
            found.append(each)
        if each.stable_offset >= upto:
            return found, True
    return found, False
