"""A disk that is really full while a log is appended to."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.conftest import mount
from tests.support.batches import batch, values_of
from tivo.log.partition import Partition
from tivo.log.settings import LogSettings
from tivo.model.errors import LogError

REPOSITORY = Path(__file__).parents[2]
RECORD = b"." * 10_000
SETTINGS = LogSettings(segment_bytes=300_000, checkpoint_bytes=100_000)


def opened(directory: Path, settings: LogSettings = SETTINGS) -> Partition:
    return Partition.open(directory, topic="quakes", partition=0, settings=settings, clean=False)


def filled(partition: Partition) -> tuple[int, LogError]:
    """Append and sync until the disk refuses: the offset up to which all is acknowledged, and the refusal."""
    acknowledged = partition.log_end
    try:
        while acknowledged < 10_000:
            partition.append(batch(b"%06d" % partition.log_end + RECORD), now_us=1)
            acknowledged = partition.sync()
    except LogError as error:
        return acknowledged, error
    raise AssertionError("the disk never was full")


def read_all(partition: Partition) -> list[int]:
    found: dict[int, bytes] = {}
    offset = partition.log_start
    while offset < partition.log_end:
        found |= values_of(partition.read(offset, max_bytes=100_000, upto=partition.log_end))
        offset = max(found) + 1
    assert {number: b"%06d" % number + RECORD for number in found} == found
    return list(found)


def test_a_full_disk_costs_nothing_that_was_acknowledged(small_disk: Path) -> None:
    partition = opened(small_disk / "quakes-0")

    acknowledged, refusal = filled(partition)

    assert "ENOSPC" in str(refusal)
    assert acknowledged > 50
    assert read_all(partition)[:acknowledged] == list(range(acknowledged))
    with pytest.raises(LogError, match="ENOSPC"):
        partition.append(batch(b"one more"), now_us=1)


def test_a_log_goes_on_when_there_is_space_again(small_disk: Path) -> None:
    partition = opened(small_disk / "quakes-0")
    acknowledged, _ = filled(partition)
    written = partition.log_end
    assert 0 == mount("-o", "remount,size=2m", str(small_disk))

    again = opened(small_disk / "quakes-0")
    assert (written, 0, ()) == (again.log_end, again.cut_bytes, again.damage)
    assert again.log_end >= acknowledged
    more, _ = filled(again)

    assert more > acknowledged + 50
    assert list(range(more)) == read_all(again)[:more]


def test_a_log_opens_on_a_disk_that_is_full_still(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(65_536))
    acknowledged, _ = filled(opened(small_disk / "quakes-0"))
    _fill(small_disk / "ballast")

    with pytest.raises(LogError, match="No space left"):
        opened(small_disk / "quakes-0")
    (small_disk / "ballast").unlink()

    assert list(range(acknowledged)) == read_all(opened(small_disk / "quakes-0"))[:acknowledged]


@pytest.mark.parametrize("by", ["retention", "deletion"])
def test_a_full_disk_gets_space_by_dropping_old_segments(small_disk: Path, by: str) -> None:
    settings = replace(SETTINGS, segment_bytes=100_000, retention_us=1_000)
    partition = opened(small_disk / "quakes-0", settings)
    acknowledged, _ = filled(partition)
    _fill(small_disk / "ballast")
    assert not partition.resume(), "no byte is left"

    dropped = partition.truncate_before(50) if by == "deletion" else partition.enforce_retention(now_us=2_000)

    assert dropped >= 5
    assert 50 <= partition.log_start <= acknowledged
    assert partition.resume(), "the space of the old segments is there"
    more, _ = filled(partition)
    assert more >= acknowledged + 40
    start = partition.log_start
    assert list(range(start, more)) == read_all(partition)[: more - start]
    again = opened(small_disk / "quakes-0", settings)
    assert (start, ()) == (again.log_start, again.damage)


def _fill(path: Path) -> None:
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        while True:
            os.write(fd, bytes(4_096))
    except OSError:
        os.close(fd)


def test_a_limit_of_file_size_costs_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    program = (
        "import resource, sys; from pathlib import Path; from tests.faults.test_full_disk import filled, opened; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, 250_000)); "
        "acknowledged, refusal = filled(opened(Path(sys.argv[1]))); print(acknowledged, refusal)"
    )
    child = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "quakes-0")],
        cwd=REPOSITORY, check=True, capture_output=True, text=True,
    )  # fmt: skip
    acknowledged = int(child.stdout.split()[0])

    again = opened(tmp_path / "quakes-0")

    assert "EFBIG" in child.stdout
    assert 24 == acknowledged
    assert list(range(acknowledged)) == read_all(again)
    assert 0 == again.cut_bytes
