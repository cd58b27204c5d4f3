"""A log partition in which the broker keeps what must outlast it, and reads it back at start: groups, offsets, ACLs,
transactions.

It is shortened by writing all that is live to its end once more and dropping what lies before, so
that what a start has to read stays within a few times of what is live.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from tivo.broker.leader import Durable, Leader
from tivo.broker.runtime import Runtime
from tivo.broker.transactions import NO_PRODUCER, Producer
from tivo.model.errors import LogError
from tivo.model.event import Headers
from tivo.model.timeline import to_kafka_ms
from tivo.wire import record_batch
from tivo.wire.control import Marker
from tivo.wire.primitives import Buffer
from tivo.wire.record_batch import TRANSACTIONAL, BatchHeader

SHORTEN_ABOVE_BYTES = 512 << 10
"""About 5,000 commits one by one: read back in 0.1 s."""

_ENTRIES_PER_BATCH = 1_000
_READ_BYTES = 1 << 20


W = TypeVar("W")
R = TypeVar("R")


class Format(NamedTuple, Generic[W, R]):
    """Entry and time in ms → key and value of a record; a batch → what is read of it; entry → headers of its record.

    The second raises LogError for what is no entry.
    """

    to_record: Callable[[W, int], tuple[bytes, bytes | None]]
    from_batch: Callable[[Buffer, int, BatchHeader], Iterator[R]]
    headers: Callable[[W], Headers] = lambda entry: ()


def each_record(
    from_record: Callable[[bytes, bytes | None], R],
) -> Callable[[Buffer, int, BatchHeader], Iterator[R]]:
    """Reads batches record by record, by key and value."""

    def from_batch(buffer: Buffer, position: int, header: BatchHeader) -> Iterator[R]:
        for record in record_batch.records(buffer, position, header):
            yield from_record(record.key or b"", record.value)

    return from_batch


class Journal(Generic[W, R]):
    """Appends entries and reads them back. All calls come from the loop."""

    def __init__(self, leader: Leader, runtime: Runtime, form: Format[W, R]) -> None:
        self._form = form
        self._leader = leader
        self._runtime = runtime
        self._kept_bytes = 0  # appended since the log was last shortened
        self._live_bytes = 0  # what was live then

    def read(self) -> Iterator[R]:
        """Every entry there is, oldest first. Raises LogError where one is damaged."""
        offset = self._leader.log.log_start
        while batches := self._leader.read(offset, _READ_BYTES):
            self._kept_bytes += len(batches)
            for position, header in record_batch.batches(batches):
                yield from self._form.from_batch(batches, position, header)
                offset = header.last_offset + 1

    def append(self, entries: Iterable[W], *, producer: Producer = NO_PRODUCER) -> None:
        """Append entries, of a producer's open transaction where one is given; `when_durable` tells when they count.

        Raises LogError.
        """
        now = self._runtime.now()
        now_ms = to_kafka_ms(now.wall_us)
        records = [
            record_batch.Record(index, now_ms, *self._form.to_record(entry, now_ms), self._form.headers(entry))
            for index, entry in enumerate(entries)
        ]
        attributes = 0 if producer == NO_PRODUCER else TRANSACTIONAL
        batch = memoryview(
            record_batch.build(records, attributes=attributes, producer_id=producer.id, producer_epoch=producer.epoch)
        )
        self._leader.put(batch, record_batch.read_header(batch), now.wall_us)
        self._kept_bytes += len(batch)

    def end_transaction(self, producer: Producer, marker: Marker) -> None:
        """Append the marker that ends a producer's transaction, where it has entries here. Raises LogError."""
        self._leader.end_transaction(producer.id, producer.epoch, marker)

    def when_durable(self, tell: Durable) -> None:
        """Tell when all that has been appended until now is on stable storage."""
        self._leader.when_durable(self._leader.log.log_end, tell)

    def when_kept(self, then: Callable[[], None]) -> None:
        """Do something once all that has been appended until now will be read back, as `Leader.when_kept`."""
        self._leader.when_kept(self._leader.log.log_end, then)

    @property
    def is_long(self) -> bool:
        """Whether it is worth writing what is live once more. Only while nothing is under way."""
        settled = self._leader.high_watermark == self._leader.log.log_end
        return settled and self._kept_bytes > max(SHORTEN_ABOVE_BYTES, 4 * self._live_bytes)

    def shorten(self, live: Sequence[W], pending: Iterable[tuple[Producer, Sequence[W]]] = ()) -> None:
        """Write all that is live to the end, and drop everything before once that is synced. Raises LogError.

        `pending` are entries of open transactions.
        """
        begin = self._leader.log.log_end
        self._kept_bytes = 0
        for producer, entries in ((NO_PRODUCER, live), *pending):
            for at in range(0, len(entries), _ENTRIES_PER_BATCH):
                self.append(entries[at : at + _ENTRIES_PER_BATCH], producer=producer)
        self._live_bytes = self._kept_bytes
        self.when_durable(partial(self._drop_before, begin))

    def _drop_before(self, begin: int, error: LogError | None) -> None:
        if error is None:
            self._runtime.in_thread(partial(self._move_start, begin), lambda dropped: None)

    def _move_start(self, begin: int) -> int:
        """On a thread. What was written anew is synced in every flush mode: nothing else tells it from here on."""
        self._leader.log.sync()
        return self._leader.log.truncate_before(begin)
