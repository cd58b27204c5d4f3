"""Batches, records and damage of a log as people and scripts are told of them (pure)."""

from base64 import b64encode
from typing import TypeAlias

import msgspec

from tivo.model.timeline import from_kafka_ms, to_rfc_3339
from tivo.wire.control import Marker
from tivo.wire.record_batch import BatchHeader, Record

Content: TypeAlias = str | dict[str, str] | None
"""Text, `{"base64": …}` for what is no UTF-8, or null."""


class BatchFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A batch, as its header tells."""

    topic: str
    partition: int
    offset: int
    last_offset: int
    records: int
    first_time: str | None
    newest_time: str | None
    file: str
    position: int
    bytes: int
    codec: str
    leader_epoch: int
    producer_id: int
    producer_epoch: int
    sequence: int
    transactional: bool
    control: bool

    def __str__(self) -> str:
        facts = [
            f"{self.records} records",
            f"{self.bytes} bytes at {self.position} of {self.file}",
            self.codec,
            f"newest {self.newest_time}",
            f"leader epoch {self.leader_epoch}",
        ]
        if self.producer_id >= 0:
            facts.append(f"producer {self.producer_id} epoch {self.producer_epoch} sequence {self.sequence}")
        facts += ["transactional"] * self.transactional + ["control"] * self.control
        return f"{self.topic}/{self.partition} offsets {self.offset} to {self.last_offset}: {', '.join(facts)}"


class RecordFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A record. Those of a control batch are the broker's own; `marker` is how one ends a transaction."""

    topic: str
    partition: int
    offset: int
    time: str | None
    key: Content
    value: Content
    headers: list[tuple[str, Content]]
    control: bool
    marker: str | None

    def __str__(self) -> str:
        words = [f"{self.topic}/{self.partition}", str(self.offset), str(self.time), _shown(self.key)]
        return " ".join([*words, _shown(self.value), *[f"(control: {self.marker})"] * self.control])


class DamageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that hold no good batch, or a batch whose records cannot be read."""

    topic: str
    partition: int
    offset: int
    next_offset: int | None
    file: str
    position: int
    bytes: int
    damage: str

    def __str__(self) -> str:
        upto = "on" if self.next_offset is None else f"to {self.next_offset - 1}"
        where = f"{self.bytes} bytes at {self.position} of {self.file}"
        return f"{self.topic}/{self.partition} offsets {self.offset} {upto}: DAMAGED, {where}: {self.damage}"


Facts: TypeAlias = BatchFacts | RecordFacts | DamageFacts


def batch_facts(topic: str, partition: int, file: str, position: int, header: BatchHeader) -> BatchFacts:
    """The facts of the batch at a position of a file."""
    return BatchFacts(
        topic=topic,
        partition=partition,
        offset=header.base_offset,
        last_offset=header.last_offset,
        records=header.record_count,
        first_time=None if header.has_delete_horizon else _time(header.base_timestamp),
        newest_time=_time(header.max_timestamp),
        file=file,
        position=position,
        bytes=header.size,
        codec=header.codec.name.lower(),
        leader_epoch=header.partition_leader_epoch,
        producer_id=header.producer_id,
        producer_epoch=header.producer_epoch,
        sequence=header.base_sequence,
        transactional=header.is_transactional,
        control=header.is_control,
    )


def record_facts(
    topic: str, partition: int, record: Record, *, control: bool = False, marker: Marker | None = None
) -> RecordFacts:
    """The facts of a record; of one in a control batch, how it ends a transaction."""
    return RecordFacts(
        topic=topic,
        partition=partition,
        offset=record.offset,
        time=_time(record.timestamp_ms),
        key=_content(record.key),
        value=_content(record.value),
        headers=[(name, _content(value)) for name, value in record.headers],
        control=control,
        marker=None if marker is None else marker.name.lower(),
    )


def _time(milliseconds: int) -> str | None:
    """RFC 3339; the bare number of ms for what lies beyond its years, null where there is none (-1)."""
    if milliseconds < 0:
        return None
    try:
        return to_rfc_3339(from_kafka_ms(milliseconds))
    except OverflowError:
        return f"{milliseconds} ms"


def _content(data: bytes | None) -> Content:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(data).decode()}


def _shown(content: Content) -> str:
    """On one line, whatever stands in it."""
    return msgspec.json.encode(content).decode()
