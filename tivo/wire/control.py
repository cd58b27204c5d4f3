"""Control batches: the markers by which a transaction ends in a partition (KIP-98), byte for byte as Kafka writes them.

A marker is a batch of one record that no consumer is given. Its key says what it is, its value which coordinator
wrote it, by a number that rises when another broker takes the coordination over.
"""

from enum import IntEnum
from struct import Struct as Packer

from tivo.model.errors import WireError
from tivo.wire.primitives import Buffer
from tivo.wire.record_batch import CONTROL, TRANSACTIONAL, BatchHeader, Record, build, records

_KEY = Packer(">hh")  # version, type
_VALUE = Packer(">hi")  # version, coordinator epoch
_VERSION = 0


class Marker(IntEnum):
    """How a transaction ended in a partition."""

    ABORT = 0
    COMMIT = 1


def build_marker(
    marker: Marker, *, producer_id: int, producer_epoch: int, timestamp_ms: int, coordinator_epoch: int = 0
) -> bytearray:
    """The control batch that ends a producer's transaction."""
    key, value = _KEY.pack(_VERSION, marker), _VALUE.pack(_VERSION, coordinator_epoch)
    return build(
        [Record(0, timestamp_ms, key, value)],
        attributes=TRANSACTIONAL | CONTROL,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
    )


def read_marker(buffer: Buffer, position: int, header: BatchHeader) -> Marker | None:
    """How the control batch at `position` ends a transaction; None for one of a kind that ends none.

    Raises WireError where it holds no control record that can be read.
    """
    key = next((record.key for record in records(buffer, position, header)), None) or b""
    if len(key) < _KEY.size:
        raise WireError(f"the control batch at offset {header.base_offset} has a key of {len(key)} bytes")
    _, kind = _KEY.unpack_from(key)
    return Marker(kind) if kind in (Marker.ABORT, Marker.COMMIT) else None
