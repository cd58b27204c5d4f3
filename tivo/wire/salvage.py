"""What can be read of fetched batches when some of it cannot: committed records, and what is broken told apart.

A client's decoder gives up a whole batch for one record, and the name of a header that is not UTF-8 is enough: no
broker looks at it. Here a broken record costs itself alone, and a broken batch costs what follows the last of its
records that can be read.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from tivo.model.errors import WireError
from tivo.wire.primitives import Buffer
from tivo.wire.record_batch import BASE_OFFSET, HEADER, BatchHeader, Record, read_header, records, verify

_ABORT = b"\0\0\0\0"
"""Key of the control record that ends an aborted transaction: version 0, type 0."""


class Piece(NamedTuple):
    """Offsets up to `next`, from where the piece before ends: records in turn, or why these cannot be used.

    Of a broken piece the records are what can be told of them: names of headers that are not UTF-8 have \\xNN.
    """

    records: list[Record]
    next: int
    broken: str | None = None


class _Step(NamedTuple):
    record: Record | None
    next: int
    broken: str | None


def salvage(buffer: Buffer, offset: int, *, end: int, aborted: Iterable[tuple[int, int]] = ()) -> list[Piece]:
    """The pieces of fetched batches from an offset on; none where there is nothing at or behind it.

    Reads below `end` alone, and passes over `aborted` transactions, each with its producer's id and first offset.
    """
    pieces = []
    for broken, run in groupby(_steps(buffer, offset, end, _Aborted(aborted)), key=attrgetter("broken")):
        steps = list(run)
        pieces.append(Piece([step.record for step in steps if step.record is not None], steps[-1].next, broken))
    return pieces


class _Aborted:
    """Which producers are inside of a transaction that was aborted, while batches are read in turn (KIP-98)."""

    def __init__(self, transactions: Iterable[tuple[int, int]]) -> None:
        self._left = sorted(transactions, key=lambda each: each[1], reverse=True)
        self._producers: set[int] = set()

    def passes_over(self, buffer: Buffer, position: int, header: BatchHeader) -> bool:
        """Whether a batch holds nothing for readers. Raises WireError for one that cannot be read."""
        while self._left and self._left[-1][1] <= header.base_offset:
            self._producers.add(self._left.pop()[0])
        if header.is_control:
            if any(record.key == _ABORT for record in records(buffer, position, header)):
                self._producers.discard(header.producer_id)
            return True
        return header.is_transactional and header.producer_id in self._producers


def _steps(buffer: Buffer, offset: int, end: int, aborted: _Aborted) -> Iterator[_Step]:
    position, at = 0, offset
    while len(buffer) - position >= HEADER.size and at < end:
        try:
            header = read_header(buffer, position)
        except WireError as error:
            (base_offset,) = BASE_OFFSET.unpack_from(buffer, position)
            yield _Step(None, _within(base_offset + 1, at, end), str(error))
            return
        if header.size > len(buffer) - position:
            return  # a broker may cut the last one short
        for step in _batch(buffer, position, header, aborted):
            if step.next > at:
                at = _within(step.next, at, end)
                yield step._replace(next=at)
        position += header.size


def _batch(buffer: Buffer, position: int, header: BatchHeader, aborted: _Aborted) -> Iterator[_Step]:
    """The steps of a batch from its first record on; the last one ends where the batch does."""
    try:
        verify(buffer, position, header)
        if not aborted.passes_over(buffer, position, header):
            for record in records(buffer, position, header, name_errors="surrogateescape"):
                yield _step(record)
    except Exception as error:  # noqa: BLE001 - bytes may be broken in as many ways as there are codecs
        yield _Step(None, header.last_offset + 1, str(error))
    else:
        yield _Step(None, header.last_offset + 1, None)


def _step(record: Record) -> _Step:
    wrong = [name for name, _ in record.headers if not name.isascii() and not _is_utf8(name)]
    if not wrong:
        return _Step(record, record.offset + 1, None)
    told = record._replace(headers=tuple((_escaped(name), value) for name, value in record.headers))
    return _Step(told, record.offset + 1, f"the name of a header is not UTF-8: {_escaped(wrong[0])}")


def _is_utf8(name: str) -> bool:
    """Whether a name that was decoded with surrogates for what is not UTF-8 has none."""
    return name.encode(errors="surrogateescape") == name.encode(errors="replace")


def _escaped(name: str) -> str:
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _within(offset: int, at: int, end: int) -> int:
    """An offset that broken bytes tell, believed as far as it can be: reading goes on, and not beyond the end."""
    return min(max(offset, at + 1), end)
