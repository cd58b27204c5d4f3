"""Control batches: what Kafka writes is written and read, and what is no marker is told."""

import pytest

from tivo.model.errors import WireError
from tivo.wire.control import Marker, build_marker, read_marker
from tivo.wire.record_batch import CONTROL, Record, build, read_header, stamp, verify

KAFKAS = {
    Marker.ABORT: "000000000000002a0000004200000005026f1bd9fe0030000000000000018bcfe568000000018bcfe56800"
    "00000000000000070003ffffffff000000012000000008000000000c00000000000000",
    Marker.COMMIT: "000000000000002a0000004200000005029b250fb60030000000000000018bcfe568000000018bcfe56800"
    "00000000000000070003ffffffff000000012000000008000000010c00000000000000",
}
"""Written by Apache Kafka 4.2: producer 7, epoch 3, coordinator epoch 0, offset 42, leader epoch 5."""


def marked(marker: Marker) -> bytearray:
    batch = build_marker(marker, producer_id=7, producer_epoch=3, timestamp_ms=1_700_000_000_000)
    stamp(batch, 0, 42, 5)
    return batch


@pytest.mark.parametrize("marker", Marker)
def test_a_marker_is_written_as_kafka_writes_it(marker: Marker) -> None:
    assert KAFKAS[marker] == marked(marker).hex()


@pytest.mark.parametrize("marker", Marker)
def test_kafkas_marker_is_read(marker: Marker) -> None:
    batch = bytes.fromhex(KAFKAS[marker])
    header = read_header(batch)

    verify(batch, 0, header)
    assert (True, True, 7, 3) == (
        header.is_control,
        header.is_transactional,
        header.producer_id,
        header.producer_epoch,
    )
    assert marker is read_marker(batch, 0, header)


def control(key: bytes | None) -> bytearray:
    return build([Record(0, 0, key, b"")], attributes=CONTROL)


def test_another_kind_of_control_record_ends_no_transaction() -> None:
    leader_change = control(b"\0\0\0\2")

    assert None is read_marker(leader_change, 0, read_header(leader_change))


@pytest.mark.parametrize("key", [None, b"", b"\0\0\0"])
def test_a_key_that_is_cut_short_is_refused(key: bytes | None) -> None:
    batch = control(key)

    with pytest.raises(WireError, match=f"offset 0 has a key of {len(key or b'')} bytes"):
        read_marker(batch, 0, read_header(batch))
