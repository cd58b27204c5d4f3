"""What is fuzzed: each target takes any bytes, and raises only where it finds a fault. Each has seeds that are good."""

import json
import random
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.logins import log_in, logins
from tests.support.batches import batch
from tests.support.crash_disk import MemoryDisk
from tests.support.lengths import samples
from tests.support.recorded import recorded
from tivo.broker.handlers import SERVED
from tivo.broker.journal_format import from_record
from tivo.broker.producers import Producers
from tivo.log.catalog import Catalog
from tivo.log.partition import Partition
from tivo.log.settings import LogSettings
from tivo.model.errors import LogError, QueryError, WireError
from tivo.model.event import Event, value_kind
from tivo.query.evaluate import compile_expression
from tivo.wire.compression import Codec
from tivo.wire.connection import Refusal, Request, ServerConnection
from tivo.wire.record_batch import HEADER, Record, batches, build, check_plausible, records, verify

ROOT = Path("/data")
CASES = Path(__file__).parents[1] / "conformance" / "query" / "expressions.json"
SETTINGS = LogSettings(segment_bytes=700, checkpoint_bytes=300, index_bytes=100)
MOST_INFLATED = 1 << 20
MOST_BYTES = 32 << 10


class Target(NamedTuple):
    """Something that reads bytes from outside; `seeds` are bytes that it should be sent."""

    read: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


def read_requests(data: bytes) -> None:
    """Frames as a connection takes them, all APIs and versions."""
    connection = ServerConnection(SERVED, max_frame=MOST_BYTES)
    while data and not connection.closed:
        room = connection.get_buffer()
        count = min(len(room), len(data))
        room[:count] = data[:count]
        data = data[count:]
        for item in connection.received(count):
            assert isinstance(item, Request | Refusal)


def read_batches(data: bytes) -> None:
    """Record batches: headers, check sums, compression, records."""
    with suppress(WireError):
        for position, header in batches(data):
            for look in (
                lambda: verify(data, position, header),  # noqa: B023  called at once
                lambda: check_plausible(data[position + HEADER.size :], header),  # noqa: B023
                lambda: list(records(data, position, header, max_inflated=MOST_INFLATED)),  # noqa: B023
            ):
                with suppress(WireError):
                    look()


def read_snapshot(data: bytes) -> None:
    """A snapshot of idempotent producers."""
    with suppress(LogError):
        producers = Producers.from_snapshot(data)
        assert Producers.from_snapshot(producers.to_snapshot()).next_offset == producers.next_offset


def read_journal(data: bytes) -> None:
    """A record of the group journal: its key up to the byte that the first one counts, its value behind."""
    key, value = data[1 : 1 + data[0]] if data else b"", data[1 + data[0] :] if data else b""
    with suppress(LogError):
        from_record(key, value or None)


def read_catalog(data: bytes) -> None:
    """The journal of topics."""
    disk = MemoryDisk(ROOT)
    disk.open(ROOT / "catalog", create=True).pwrite(data, 0)
    with suppress(LogError):
        Catalog.open(ROOT, disk=disk).topics()


def recover(data: bytes) -> None:
    """Harm to the files of a partition, three bytes each: which file, where, and what is there instead.

    Whatever it is, the log opens, serves what can be read, and takes records.
    """
    disk = _files()
    names = sorted(disk.directories[disk.directories[0]["quakes-0"]].items())
    for at in range(0, len(data) - 2, 3):
        _, inode = names[data[at] % len(names)]
        content = disk.files[inode]
        if data[at + 1] == 0xFF:
            del content[len(content) * data[at + 2] // 256 :]
        elif content:
            content[(len(content) * data[at + 1]) // 256] = data[at + 2]
    partition = _opened(disk, clean=bool(data and data[-1] & 1))
    offset = partition.log_start
    while offset < partition.log_end and (found := partition.read(offset, max_bytes=500, upto=partition.log_end)):
        for position, header in batches(found):
            verify(found, position, header)
            assert offset <= header.last_offset
            offset = header.last_offset + 1
    partition.append(batch(b"more"), now_us=1)
    partition.sync()


def read_expression(data: bytes) -> None:
    """A filter expression. What is taken says yes or no of every event."""
    with suppress(QueryError):
        passes = compile_expression(data.decode("utf-8", "surrogateescape"))
        for event in _events():
            assert isinstance(passes(event), bool)


@cache
def _events() -> list[Event]:
    values = [None, b"\xff", b"text", b"-7", b'{"a": {"b": [1, null]}, "c": "1", "d": 1e308, "e": true}']
    headers = (("h", b"1"), ("n", None))
    return [Event(10**15, "t", 0, 7, each, each, headers, 2 * 10**15, value_kind(each)) for each in values]


@cache
def _template() -> MemoryDisk:
    disk = MemoryDisk(ROOT)
    partition = _opened(disk, clean=True)
    for number in range(12):
        partition.append(batch(b"%03d" % number * (1 + number % 3 * 9), time_ms=1_000 + number), now_us=1)
        partition.sync()
    return disk


def _files() -> MemoryDisk:
    whole = _template()
    directories = {inode: dict(names) for inode, names in whole.directories.items()}
    return MemoryDisk(ROOT, {inode: bytearray(content) for inode, content in whole.files.items()}, directories)


def _opened(disk: MemoryDisk, *, clean: bool) -> Partition:
    return Partition.open(ROOT / "quakes-0", topic="quakes", partition=0, settings=SETTINGS, clean=clean, disk=disk)


def _requests() -> list[bytes]:
    return [one.frame for one in recorded()] + [sample.frame for sample in samples()]


def _batches() -> list[bytes]:
    some = [Record(offset, offset, b"key", b"value" * 9, (("h", None),)) for offset in range(3)]
    return [bytes(build(some, codec=codec)) for codec in Codec]


def _snapshots() -> list[bytes]:
    return [Producers().to_snapshot(), Producers(next_offset=9).to_snapshot()]


def _expressions() -> list[bytes]:
    cases = json.loads(CASES.read_text())["holds"]
    return [where.encode() for section in cases for where in section["where"]]


def _harms() -> list[bytes]:
    dice = random.Random(5)
    return [dice.randbytes(3 * dice.randrange(1, 6)) for _ in range(20)]


TARGETS = {
    "requests": Target(read_requests, _requests),
    "batches": Target(read_batches, _batches),
    "recovery": Target(recover, _harms),
    "snapshot": Target(read_snapshot, _snapshots),
    "journal": Target(read_journal, lambda: [b"\x06\0\2\0\2gr\0\3\0\0", b"\x0c\0\1\0\1g\0\1t\0\0\0\0\0\3"]),
    "catalog": Target(read_catalog, lambda: [b"", b"a line\n"]),
    "expression": Target(read_expression, _expressions),
    "scram": Target(log_in, logins),
}
