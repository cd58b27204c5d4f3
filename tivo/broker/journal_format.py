"""What stands in `__consumer_offsets`, in Kafka's own formats, so that its tools read ours.

Keys: OffsetCommitKey version 1, GroupMetadataKey version 2. Values: OffsetCommitValue version 3,
GroupMetadataValue version 3. A null value removes what its key names. Offsets of an open transaction stand in
batches of its producer, and count when a marker of it follows that commits. The id of the topic that an offset is of
stands in a header of its record: Kafka's value has a place for it from version 4 on, which older tools do not read.
"""

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import field

from tivo.broker.journal import Format
from tivo.broker.membership import GroupRecord, MemberRecord
from tivo.broker.offsets import Committed, Ended, OffsetRecord, Pending
from tivo.broker.transactions import Producer
from tivo.model.errors import LogError, WireError
from tivo.model.event import Headers
from tivo.model.timeline import MILLISECOND_US
from tivo.wire import codec, record_batch
from tivo.wire.control import read_marker
from tivo.wire.primitives import Buffer
from tivo.wire.record_batch import BatchHeader
from tivo.wire.schema import NO_UUID, Api, Int32, Int64, Message, Struct

_OFFSET_KEY, _GROUP_KEY, _VALUE = 1, 2, 3
_NO_API = -1
TOPIC_ID = "tivo.topic.id"


class GroupRemoved(NamedTuple):
    """A group that was deleted."""

    group_id: str


Entry = OffsetRecord | GroupRecord | GroupRemoved
"""What is written as records."""

Read = Entry | Pending | Ended
"""What is read back: with what belongs to transactions."""


class OffsetKey(Message):
    """Which offset of which group."""

    api = Api(_NO_API, "OffsetCommitKey", _OFFSET_KEY, _OFFSET_KEY)

    group_id: str = ""
    topic: str = ""
    partition: Int32 = 0


class OffsetValue(Message):
    """A committed offset."""

    api = Api(_NO_API, "OffsetCommitValue", _VALUE, _VALUE)

    offset: Int64 = 0
    leader_epoch: Int32 = -1
    metadata: str = ""
    commit_timestamp: Int64 = 0


class GroupKey(Message):
    """Which group."""

    api = Api(_NO_API, "GroupMetadataKey", _GROUP_KEY, _GROUP_KEY)

    group_id: str = ""


class MemberValue(Struct):
    """A member inside a GroupValue."""

    member_id: str = ""
    group_instance_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    rebalance_timeout: Int32 = 0
    session_timeout: Int32 = 0
    subscription: bytes = b""
    assignment: bytes = b""


class GroupValue(Message):
    """A generation of a group."""

    api = Api(_NO_API, "GroupMetadataValue", _VALUE, _VALUE)

    protocol_type: str = ""
    generation: Int32 = 0
    protocol: str | None = None
    leader: str | None = None
    current_state_timestamp: Int64 = -1
    members: list[MemberValue] = field(default_factory=list)


def to_record(entry: Entry, now_ms: int) -> tuple[bytes, bytes | None]:
    """Key and value of the record that keeps an entry."""
    match entry:
        case GroupRemoved():
            return _bytes(GroupKey(group_id=entry.group_id), _GROUP_KEY), None
        case GroupRecord():
            return _bytes(GroupKey(group_id=entry.group_id), _GROUP_KEY), _bytes(_group_value(entry, now_ms), _VALUE)
        case _:
            key = OffsetKey(group_id=entry.group_id, topic=entry.topic, partition=entry.partition)
            value = None if entry.committed is None else _bytes(_offset_value(entry.committed), _VALUE)
            return _bytes(key, _OFFSET_KEY), value


def headers(entry: Entry) -> Headers:
    """Headers of the record that keeps an entry."""
    if not isinstance(entry, OffsetRecord) or entry.committed is None or entry.committed.topic_id == NO_UUID:
        return ()
    return ((TOPIC_ID, entry.committed.topic_id),)


def from_record(key: bytes, value: bytes | None, headers: Headers = ()) -> Entry:
    """The entry that a record keeps. Raises LogError for one of another kind or version, naming it."""
    version = int.from_bytes(key[:2])
    try:
        if version == _GROUP_KEY:
            return _group_entry(codec.decode(GroupKey, version, memoryview(key)[2:]).group_id, value)
        if version == _OFFSET_KEY:
            return _offset_entry(codec.decode(OffsetKey, version, memoryview(key)[2:]), value, headers)
    except WireError as error:
        raise LogError(f"a record of the group journal is damaged: {error}") from error
    raise LogError(f"a record of the group journal has a key of version {version}, known are 1 and 2")


def from_batch(buffer: Buffer, position: int, header: BatchHeader) -> Iterator[Read]:
    """The entries of a batch. Raises LogError for one of another kind or version, naming it."""
    if header.is_control:
        if (marker := read_marker(buffer, position, header)) is not None:
            yield Ended(header.producer_id, marker)
        return
    producer = Producer(header.producer_id, header.producer_epoch)
    for record in record_batch.records(buffer, position, header):
        entry = from_record(record.key or b"", record.value, record.headers)
        yield Pending(producer, entry) if header.is_transactional and isinstance(entry, OffsetRecord) else entry


GROUP_FORMAT = Format(to_record, from_batch, headers)


def _bytes(message: Message, version: int) -> bytes:
    return b"".join([version.to_bytes(2), *codec.encode(message, version)])


def _value(value: bytes) -> memoryview:
    version = int.from_bytes(value[:2])
    if version != _VALUE:
        raise WireError(f"its value has version {version}, known is {_VALUE}")
    return memoryview(value)[2:]


def _offset_value(committed: Committed) -> OffsetValue:
    return OffsetValue(
        offset=committed.offset,
        leader_epoch=committed.leader_epoch,
        metadata=committed.metadata,
        commit_timestamp=committed.committed_ms,
    )


def _offset_entry(key: OffsetKey, value: bytes | None, headers: Headers) -> OffsetRecord:
    committed = None
    if value is not None:
        kept = codec.decode(OffsetValue, _VALUE, _value(value))
        topic_id = dict(headers).get(TOPIC_ID) or NO_UUID
        committed = Committed(kept.offset, kept.leader_epoch, kept.metadata, kept.commit_timestamp, topic_id)
    return OffsetRecord(key.group_id, key.topic, key.partition, committed)


def _group_value(group: GroupRecord, now_ms: int) -> GroupValue:
    return GroupValue(
        protocol_type=group.protocol_type,
        generation=group.generation,
        protocol=group.protocol,
        leader=group.leader,
        current_state_timestamp=now_ms,
        members=[_member_value(member) for member in group.members],
    )


def _member_value(member: MemberRecord) -> MemberValue:
    return MemberValue(
        member_id=member.member_id,
        group_instance_id=member.instance_id,
        client_id=member.client_id,
        client_host=member.client_host,
        rebalance_timeout=member.rebalance_timeout_us // MILLISECOND_US,
        session_timeout=member.session_timeout_us // MILLISECOND_US,
        subscription=member.metadata,
        assignment=member.assignment,
    )


def _group_entry(group_id: str, value: bytes | None) -> GroupRecord | GroupRemoved:
    if value is None:
        return GroupRemoved(group_id)
    kept = codec.decode(GroupValue, _VALUE, _value(value))
    return GroupRecord(
        group_id=group_id,
        protocol_type=kept.protocol_type,
        generation=kept.generation,
        protocol=kept.protocol,
        leader=kept.leader,
        members=tuple(_member_record(member) for member in kept.members),
    )


def _member_record(member: MemberValue) -> MemberRecord:
    return MemberRecord(
        member_id=member.member_id,
        instance_id=member.group_instance_id,
        client_id=member.client_id,
        client_host=member.client_host,
        rebalance_timeout_us=member.rebalance_timeout * MILLISECOND_US,
        session_timeout_us=member.session_timeout * MILLISECOND_US,
        metadata=member.subscription,
        assignment=member.assignment,
    )
