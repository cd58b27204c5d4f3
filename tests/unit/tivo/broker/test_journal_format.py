"""The formats of `__consumer_offsets`."""

import pytest

from tivo.broker.journal_format import Entry, GroupRemoved, from_batch, from_record, headers, to_record
from tivo.broker.membership import GroupRecord, MemberRecord
from tivo.broker.offsets import Committed, Ended, OffsetRecord, Pending
from tivo.broker.transactions import Producer
from tivo.model.errors import LogError
from tivo.wire.control import Marker, build_marker
from tivo.wire.record_batch import CONTROL, TRANSACTIONAL, Record, build, read_header

OFFSET = OffsetRecord("g", "t", 2, Committed(10, 3, "meta", 1_000))
GROUP = GroupRecord(
    group_id="g",
    protocol_type="consumer",
    generation=4,
    protocol="range",
    leader="m",
    members=(
        MemberRecord(
            member_id="m",
            instance_id=None,
            client_id="client",
            client_host="host",
            rebalance_timeout_us=60_000_000,
            session_timeout_us=10_000_000,
            metadata=b"topics",
            assignment=b"\x00\x01",
        ),
    ),
)


OF_TOPIC = OffsetRecord("g", "t", 2, Committed(10, 3, "meta", 1_000, bytes(range(16))))


@pytest.mark.parametrize("entry", [OFFSET, OF_TOPIC, OFFSET._replace(committed=None), GROUP, GroupRemoved("g")])
def test_entries_come_back(entry: Entry) -> None:
    assert entry == from_record(*to_record(entry, now_ms=5), headers(entry))


def test_topic_of_an_offset_stands_in_a_header() -> None:
    assert to_record(OFFSET, now_ms=5) == to_record(OF_TOPIC, now_ms=5)
    assert (("tivo.topic.id", bytes(range(16))),) == headers(OF_TOPIC)
    assert () == headers(OFFSET)


def test_committed_offset_is_written_as_kafka_writes_it() -> None:
    key, value = to_record(OFFSET, now_ms=5)

    assert b"\x00\x01\x00\x01g\x00\x01t\x00\x00\x00\x02" == key
    assert b"\x00\x03" + (10).to_bytes(8) + (3).to_bytes(4) + b"\x00\x04meta" + (1_000).to_bytes(8) == value


def test_group_is_written_as_kafka_writes_it() -> None:
    key, value = to_record(GROUP, now_ms=5)

    assert b"\x00\x02\x00\x01g" == key
    assert value is not None
    assert value.startswith(b"\x00\x03\x00\x08consumer\x00\x00\x00\x04\x00\x05range\x00\x01m" + (5).to_bytes(8))


@pytest.mark.parametrize(
    ("key", "value", "evidence"),
    [
        (b"\x00\x09rest", b"", "version 9"),
        (b"\x00\x01\x00\x05g", b"", "damaged"),
        (to_record(OFFSET, 0)[0], b"\x00\x07rest", "version 7"),
    ],
)
def test_what_is_not_known_is_named(key: bytes, value: bytes, evidence: str) -> None:
    with pytest.raises(LogError, match=evidence):
        from_record(key, value)


def read(batch: bytearray) -> list[Entry | Pending | Ended]:
    return list(from_batch(batch, 0, read_header(batch)))


def records(*entries: Entry) -> list[Record]:
    return [Record(at, 0, *to_record(entry, 5), headers(entry)) for at, entry in enumerate(entries)]


def test_batches_hold_entries_one_after_the_other() -> None:
    assert [OFFSET, OF_TOPIC, GROUP] == read(build(records(OFFSET, OF_TOPIC, GROUP)))


def test_offsets_of_a_transaction_wait_for_its_end() -> None:
    batch = build(records(OFFSET), attributes=TRANSACTIONAL, producer_id=7, producer_epoch=3)

    assert [Pending(Producer(7, 3), OFFSET)] == read(batch)


@pytest.mark.parametrize("marker", Marker)
def test_markers_end_transactions(marker: Marker) -> None:
    assert [Ended(7, marker)] == read(build_marker(marker, producer_id=7, producer_epoch=3, timestamp_ms=0))


def test_other_control_records_are_passed_over() -> None:
    assert [] == read(build([Record(0, 0, b"\0\0\0\2", b"")], attributes=CONTROL))
