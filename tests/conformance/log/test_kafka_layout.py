"""The files of a log are Kafka's: its own tool reads them, and finds every index entry right."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.batches import batch
from tests.support.kafka import jars
from tivo.log.partition import Partition
from tivo.log.settings import LogSettings
from tivo.log.transactions import Aborted
from tivo.wire.control import Marker, build_marker
from tivo.wire.record_batch import TRANSACTIONAL, Record, build

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
