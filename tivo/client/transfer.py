"""Records on their way from one log to another, and where each of them comes to lie (pure)."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tivo.wire.compression import Codec
from tivo.wire.record_batch import Record, build

BATCH_BYTES = 512 << 10
"""Keys and values in a batch, uncompressed: half of what a broker takes by default, unless one record has more."""

BATCH_RECORDS = 10_000


class _Run(NamedTuple):
    """Offsets that follow upon each other in both logs."""

    source: int
    length: int
    target: int


class OffsetMap:
    """Where the records of one partition came to lie in another, in the same order, without its holes."""

    def __init__(self, target: int) -> None:
        self.next = target
        """The offset that the next record gets."""
        self._runs: list[_Run] = []

    def add(self, records: Iterable[Record]) -> None:
        """Records that were appended, behind those before."""
        for record in records:
            last = self._runs[-1] if self._runs else None
            if last is not None and last.source + last.length == record.offset:
                self._runs[-1] = last._replace(length=last.length + 1)
            else:
                self._runs.append(_Run(record.offset, 1, self.next))
            self.next += 1

    def target(self, source: int) -> int:
        """The offset of the first record at or behind one of the source; that of the next where there is none yet."""
        number = bisect_right(self._runs, source, key=lambda run: run.source) - 1
        if number >= 0:
            run = self._runs[number]
            if source < run.source + run.length:
                return run.target + source - run.source
        return self._runs[number + 1].target if number + 1 < len(self._runs) else self.next


def batched(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Records in turn, in lists that make batches of a good size."""
    batch: list[Record] = []
    size = 0
    for record in records:
        bytes_ = len(record.key or b"") + len(record.value or b"")
        if batch and (size + bytes_ > BATCH_BYTES or len(batch) == BATCH_RECORDS):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += bytes_
    if batch:
        yield batch


def to_batch(records: Sequence[Record]) -> memoryview:
    """A batch to be produced: the same keys, values, headers and times; a broker gives the offsets anew."""
    numbered = [record._replace(offset=number) for number, record in enumerate(records)]
    return memoryview(build(numbered, codec=Codec.ZSTD))
