"""Idempotent producers (KIP-98, KIP-360): which batch of one partition is next, which has been written before.

Pure: asked about a batch before it is appended, told of it afterwards. What is known fits into a
snapshot, so that a restart reads the few batches behind it and not the whole log.
"""

from collections.abc import Iterator
from typing import Protocol
from zlib import crc32

import msgspec

from tivo.model.errors import LogError
from tivo.model.timeline import DAY_US
from tivo.wire.error_codes import ErrorCode

REMEMBERED_BATCHES = 5
"""As many batches as a producer may have in flight (`max.in.flight.requests.per.connection` with idempotence)."""

IDLE_US = DAY_US
"""A producer that has been silent for so long is forgotten (Kafka's `producer.id.expiration.ms`)."""

_SEQUENCE_MASK = 0x7FFF_FFFF


class Sequenced(Protocol):
    """What a batch header tells about its place among a producer's batches."""

    @property
    def producer_id(self) -> int: ...
    @property
    def producer_epoch(self) -> int: ...
    @property
    def base_sequence(self) -> int: ...
    @property
    def last_offset_delta(self) -> int: ...
    @property
    def is_control(self) -> bool: ...


class Written(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A batch that is in the log: its sequence numbers and where it stands."""

    base_sequence: int
    last_sequence: int
    base_offset: int
    last_offset: int


class Producer(msgspec.Struct, array_like=True, gc=False):
    """A producer in its newest epoch: its last batches, the newest at the end, and when it was last heard.

    There are no batches where the epoch came with a marker that ended a transaction.
    """

    epoch: int
    written: list[Written]
    seen_us: int


class Producers:
    """The producers of one partition.

    `next_offset` is where the log ended when a producer's batch was last told of.
    """

    def __init__(self, next_offset: int = 0, producers: dict[int, Producer] | None = None) -> None:
        self.next_offset = next_offset
        self._by_id: dict[int, Producer] = producers or {}  # the longest silent first

    def last_batches(self) -> frozenset[int]:
        """Base offsets of the last batch of each: a log in which they can be read tells where every producer stands."""
        return frozenset(producer.written[-1].base_offset for producer in self._by_id.values() if producer.written)

    def __len__(self) -> int:
        return len(self._by_id)

    def check(self, batch: Sequenced) -> Written | ErrorCode:
        """NONE: the batch is next and may be appended. A `Written`: it was appended before, there.

        Else the error that refuses it: INVALID_PRODUCER_EPOCH for an epoch that has been
        superseded, OUT_OF_ORDER_SEQUENCE_NUMBER for a gap. A producer that is not known, or no
        more, may begin anywhere (KIP-360).
        """
        producer = self._by_id.get(batch.producer_id)
        if producer is None:
            return ErrorCode.NONE
        if batch.producer_epoch < producer.epoch:
            return ErrorCode.INVALID_PRODUCER_EPOCH
        if batch.producer_epoch > producer.epoch:
            return ErrorCode.NONE if batch.base_sequence == 0 else ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        sequences = batch.base_sequence, last_sequence(batch)
        for written in producer.written:
            if (written.base_sequence, written.last_sequence) == sequences:
                return written
        following = (producer.written[-1].last_sequence + 1) & _SEQUENCE_MASK if producer.written else 0
        return ErrorCode.NONE if batch.base_sequence == following else ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER

    def remember(self, batch: Sequenced, base_offset: int, now_us: int) -> None:
        """The batch now stands in the log at `base_offset`. One without sequence numbers is the broker's own."""
        if batch.is_control:
            self._ended(batch)
        elif batch.base_sequence >= 0:
            self._written(batch, base_offset, now_us)

    def __iter__(self) -> Iterator[tuple[int, Producer]]:
        """All of them by id, the longest silent first."""
        return iter(self._by_id.items())

    def _ended(self, marker: Sequenced) -> None:
        """A marker fences earlier epochs: its own is above them where a transaction was taken from its producer."""
        producer = self._by_id.get(marker.producer_id)
        if producer is not None and marker.producer_epoch > producer.epoch:
            self._by_id[marker.producer_id] = Producer(marker.producer_epoch, [], producer.seen_us)

    def _written(self, batch: Sequenced, base_offset: int, now_us: int) -> None:
        last_offset = base_offset + batch.last_offset_delta
        written = Written(batch.base_sequence, last_sequence(batch), base_offset, last_offset)
        producer = self._by_id.pop(batch.producer_id, None)
        if producer is None:
            self._forget_silent(now_us)
        if producer is None or producer.epoch != batch.producer_epoch:
            producer = Producer(batch.producer_epoch, [], now_us)
        producer.written = [*producer.written[1 - REMEMBERED_BATCHES :], written]
        producer.seen_us = now_us
        self._by_id[batch.producer_id] = producer
        self.next_offset = last_offset + 1

    def _forget_silent(self, now_us: int) -> None:
        while self._by_id:
            producer_id = next(iter(self._by_id))
            if now_us - self._by_id[producer_id].seen_us <= IDLE_US:
                return
            del self._by_id[producer_id]

    def to_snapshot(self) -> bytes:
        """All of it, with a checksum in front."""
        body = msgspec.msgpack.encode((self.next_offset, self._by_id))
        return crc32(body).to_bytes(4) + body

    @classmethod
    def from_snapshot(cls, snapshot: bytes) -> "Producers":
        """What `to_snapshot` gave. Raises LogError if it is damaged."""
        if crc32(snapshot[4:]) != int.from_bytes(snapshot[:4]):
            raise LogError(f"a producer snapshot of {len(snapshot)} bytes does not match its checksum")
        try:  # nothing at all, or zeros, have a checksum that fits
            next_offset, producers = msgspec.msgpack.decode(snapshot[4:], type=tuple[int, dict[int, Producer]])
        except msgspec.DecodeError as error:
            raise LogError(f"a producer snapshot of {len(snapshot)} bytes is damaged: {error}") from error
        return cls(next_offset, producers)


def last_sequence(batch: Sequenced) -> int:
    """Sequence number of the batch's last record; they begin anew after 2³¹ - 1."""
    return (batch.base_sequence + batch.last_offset_delta) & _SEQUENCE_MASK
