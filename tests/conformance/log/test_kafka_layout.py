"""The files of a log are Kafka's: its own tool reads them, and finds every index entry right."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.batches import batch, keyed
from tests.support.kafka import jars
from tivo.log.compactor import compact
from tivo.log.partition import Partition
from tivo.log.settings import Compaction, LogSettings
from tivo.log.transactions import Aborted
from tivo.wire.control import Marker, build_marker
from tivo.wire.record_batch import TRANSACTIONAL, Record, batches, build, records

BATCHES = 700


def dumped(directory: Path) -> str:
    """What kafka-dump-log tells of all segments: every record, and every index entry compared with the log."""
    kinds = {".log", ".index", ".timeindex", ".txnindex"}
    names = ",".join(str(path) for path in sorted(directory.iterdir()) if path.suffix in kinds)
    tool = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{jars()}/*", "kafka.tools.DumpLogSegments"]
    run = subprocess.run([*tool, "--deep-iteration", "--files", names], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def entries(directory: Path, suffix: str, size: int) -> int:
    return sum(path.stat().st_size // size for path in directory.glob(f"*{suffix}"))


@pytest.mark.needs("java", "maven")
def test_kafka_reads_segments_and_indexes(tmp_path: Path) -> None:
    directory = tmp_path / "quakes-0"
    settings = LogSettings(segment_bytes=60_000)
    partition = Partition.open(directory, topic="quakes", partition=0, settings=settings, clean=False)
    for number in range(BATCHES):
        times_ms = (10_000 + number * 10 - number % 7 * 30, 10_000 + number * 10)
        partition.append(batch(b"%04d" % number + b"." * 100, b"w", times_ms=times_ms), now_us=1)
    partition.close()
    assert len(list(directory.glob("*.log"))) > 2

    told = dumped(directory)

    assert "mismatch" not in told.lower()
    assert "isvalid: false" not in told.lower()
    assert BATCHES == told.count("baseOffset: ")
    assert entries(directory, ".index", 8) == len(re.findall(r"^offset: \d+ position: \d+", told, re.MULTILINE))
    assert entries(directory, ".timeindex", 12) == len(re.findall(r"^timestamp: \d+ offset", told, re.MULTILINE))


@pytest.mark.needs("java", "maven")
def test_kafka_reads_markers_and_aborted_transactions(tmp_path: Path) -> None:
    directory = tmp_path / "quakes-0"
    partition = Partition.open(directory, topic="quakes", partition=0, settings=LogSettings(), clean=False)
    for producer_id, marker in ((7, Marker.ABORT), (8, Marker.COMMIT), (9, Marker.ABORT)):
        written = build([Record(0, 1_000, None, b"v")], attributes=TRANSACTIONAL, producer_id=producer_id)
        partition.append(written, now_us=1)
        ended = build_marker(marker, producer_id=producer_id, producer_epoch=0, timestamp_ms=1_000)
        partition.append(ended, now_us=1)
    partition.close()

    told = dumped(directory)

    assert "isvalid: false" not in told.lower()
    assert ["ABORT", "COMMIT", "ABORT"] == re.findall(r"endTxnMarker: (\w+)", told)
    assert [Aborted(7, 0, 1, 2), Aborted(9, 4, 5, 6)] == [
        Aborted(*map(int, found))
        for found in re.findall(r"producerId: (\d+) firstOffset: (\d+) lastOffset: (\d+) lastStableOffset: (\d+)", told)
    ]


@pytest.mark.needs("java", "maven")
def test_kafka_reads_what_a_cleaning_leaves(tmp_path: Path) -> None:
    """Times out of order too: each time entry names the batch that brought it."""
    directory = tmp_path / "state-0"
    settings = LogSettings(segment_bytes=30_000, compaction=Compaction())
    partition = Partition.open(directory, topic="state", partition=0, settings=settings, clean=False)
    for number in range(BATCHES):
        value = None if number % 50 == 7 else b"%04d" % number + b"." * 100
        data = keyed(
            (b"key %d" % (number % 90), value), (b"often", b"."), time_ms=10_000 + number * 10 - number % 7 * 30
        )
        partition.append(data, now_us=number * 20_000)
    partition.sync()
    plan = partition.cleaning_plan(upto=partition.synced, now_us=1 << 50)
    assert plan is not None
    done = compact(partition, plan, last_batches={2}, now_us=1 << 50, rest_seconds=0)
    ours = [
        record.offset
        for offset in [header.base_offset for header in partition.headers(0)]
        for record in records_at(partition, offset)
    ]
    partition.close()

    told = dumped(directory)

    assert done.records > 2 * BATCHES - plan.end
    assert "mismatch" not in told.lower()
    assert "isvalid: false" not in told.lower()
    assert ours == [int(found) for found in re.findall(r"^\| offset: (\d+)", told, re.MULTILINE)]
    assert entries(directory, ".index", 8) == len(re.findall(r"^offset: \d+ position: \d+", told, re.MULTILINE))
    assert entries(directory, ".timeindex", 12) == len(re.findall(r"^timestamp: \d+ offset", told, re.MULTILINE))
    assert "deleteHorizonMs: OptionalLong[" in told


def records_at(partition: Partition, offset: int) -> list[Record]:
    data = partition.read(offset, max_bytes=1, upto=partition.log_end)
    return [record for at, header in batches(data) for record in records(data, at, header)]
