"""Exported events as a Parquet file. The only place that knows pyarrow, which is an extra: `tivo[parquet]`."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tivo.client.exported import ExportedEvent, event_of, text_of

GROUP_ROWS = 65_536
GROUP_BYTES = 64 << 20
"""A row group is this large at most, in rows and in bytes of JSON, so that memory is bounded while it is made."""

_TIME = pa.timestamp("us", tz="UTC")

SCHEMA = pa.schema(
    [
        pa.field("time", _TIME, nullable=False),
        pa.field("topic", pa.string(), nullable=False),
        pa.field("partition", pa.int32(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("received", _TIME, nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("key", pa.string()),
        pa.field("value", pa.string()),
        pa.field("headers", pa.string(), nullable=False),
    ]
)


def write(lines: Iterable[bytes], target: Path) -> None:
    """A file of the events that lines of NDJSON hold, a row group after the other."""
    with pq.ParquetWriter(target, SCHEMA, compression="zstd") as writer:
        for group in _groups(lines):
            writer.write_table(_table(group))


def _groups(lines: Iterable[bytes]) -> Iterator[list[ExportedEvent]]:
    group: list[ExportedEvent] = []
    size = 0
    for line in lines:
        group.append(event_of(line))
        size += len(line)
        if len(group) == GROUP_ROWS or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _table(events: list[ExportedEvent]) -> pa.Table:
    columns = {
        "time": [event.time_us for event in events],
        "topic": [event.topic for event in events],
        "partition": [event.partition for event in events],
        "offset": [event.offset for event in events],
        "received": [event.received_us for event in events],
        "id": [event.id for event in events],
        "key": [text_of(event.key) for event in events],
        "value": [text_of(event.value) for event in events],
        "headers": [text_of(event.headers) for event in events],
    }
    return pa.table(columns, schema=SCHEMA)
