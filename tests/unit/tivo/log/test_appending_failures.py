"""Appends and syncs that the disk refuses: what is read-only then, and what is gone on with."""

import errno
from pathlib import Path

import pytest

from tests.support.faulty_disk import Fault, FaultyDisk
from tests.support.small_log import (
    InterruptedDisk,
    add,
    opened,
    spoil,
    values,
)
from tivo.log.partition import Partition
from tivo.log.settings import LogSettings
from tivo.model.errors import LogError


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "quakes-0"


@pytest.mark.parametrize(
    ("fault", "evidence"),
    [
        (
            Fault(operation="pwrite", name=".log", error=errno.ENOSPC, skip=3),
            "there is space again: an append failed: ENOSPC .*No space left",
        ),
        (
            Fault(operation="pwrite", name=".log", error=errno.EIO, skip=3),
            "it is opened anew: an append failed: EIO .*Input/output error",
        ),
        (
            Fault(operation="pwrite", name=".log", taken=30, skip=3),
            "it is opened anew: an append failed: .*took 60 of 76",
        ),
    ],
    ids=["full", "broken", "short"],
)
def test_a_write_that_fails_makes_the_partition_read_only(directory: Path, fault: Fault, evidence: str) -> None:
    partition = opened(directory, disk := FaultyDisk(fault))
    add(partition, 2)
    partition.sync()
    add(partition)

    with pytest.raises(LogError, match=rf"quakes-0 is read-only until {evidence}"):
        add(partition)
    disk.faults.clear()

    with pytest.raises(LogError, match=evidence):
        add(partition)
    with pytest.raises(LogError, match=evidence):
        partition.sync()
    with pytest.raises(LogError, match=evidence):
        partition.close()
    assert 2 == partition.synced
    assert partition.read_only is not None


def test_reads_go_on_after_a_failure(directory: Path) -> None:
    partition = opened(directory, FaultyDisk(Fault(operation="pwrite", name=".log", error=errno.ENOSPC, skip=3)))
    add(partition, 3)
    with pytest.raises(LogError):
        add(partition)

    assert [0, 1, 2] == values(partition)
    assert (10, 1) == partition.offset_for_time(5)


def test_a_write_that_was_taken_in_part_is_cut_back(directory: Path) -> None:
    partition = opened(directory, FaultyDisk(Fault(operation="pwrite", name=".log", taken=30, skip=3)))
    add(partition, 3)
    with pytest.raises(LogError):
        add(partition)

    again = opened(directory)

    assert 0 == again.cut_bytes
    assert [0, 1, 2] == values(again)


def test_what_cannot_be_cut_back_is_cut_at_the_next_opening(directory: Path) -> None:
    disk = FaultyDisk(
        Fault(operation="pwrite", name=".log", taken=30, skip=3),
        Fault(operation="truncate", name=".log", error=errno.EIO),
    )
    partition = opened(directory, disk)
    add(partition, 3)
    with pytest.raises(LogError) as caught:
        add(partition)
    assert not partition.is_full
    assert ["what it wrote could not be cut off: [Errno 5] Input/output error"] == [
        note.partition(": '")[0] for note in caught.value.__notes__
    ]

    again = opened(directory)

    assert 60 == again.cut_bytes
    assert [0, 1, 2] == values(again)


def fill(partition: Partition) -> None:
    add(partition, 30)
    partition.sync()


FULL = [
    ("pwrite", ".log"),
    ("pwrite", ".index"),
    ("create", ".index"),
    ("pwrite", ".timeindex"),
    ("pwrite", ".meta.new"),
    ("rename", ".meta"),
    ("pwrite", "synced"),
]


@pytest.mark.parametrize(("operation", "name"), FULL)
def test_a_disk_that_was_full_is_gone_on_with_when_there_is_space(directory: Path, operation: str, name: str) -> None:
    partition = opened(directory, disk := FaultyDisk())
    add(partition, 3)
    partition.sync()
    disk.faults.append(Fault(operation=operation, name=name, error=errno.ENOSPC, skip=5 * (name == ".log")))
    with pytest.raises(LogError, match=r"read-only until there is space again: .* ENOSPC"):
        fill(partition)
    end = partition.log_end
    assert (True, 3) == (partition.is_full, partition.synced)
    assert not partition.resume()
    assert (True, 3) == (partition.is_full, partition.synced)
    disk.faults.clear()

    assert partition.resume()

    assert (None, False, end) == (partition.read_only, partition.is_full, partition.synced)
    add(partition, 20)
    partition.close()
    again = opened(directory, disk := FaultyDisk(), clean=True)
    assert list(range(end + 20)) == values(again)
    assert (0, 0) == (disk.count("pwrite", "index"), again.cut_bytes), "the indexes are what their proofs say"


def test_a_disk_that_breaks_while_space_is_looked_for_is_not_tried_again(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk(Fault(operation="pwrite", name=".log", error=errno.ENOSPC)))
    with pytest.raises(LogError):
        add(partition)
    disk.faults[0].error = errno.EIO

    assert not partition.resume()

    disk.faults.clear()
    assert not partition.resume()
    assert "until it is opened anew: looking for space failed: EIO" in str(partition.read_only)


def test_a_disk_that_is_full_again_at_once_is_tried_again(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk(Fault(operation="pwrite", name="synced", error=errno.ENOSPC)))
    add(partition)
    with pytest.raises(LogError):
        partition.sync()

    assert not partition.resume()
    assert partition.is_full
    disk.faults.clear()

    assert partition.resume()
    assert 1 == partition.synced


def test_a_partition_that_is_well_or_broken_has_nothing_to_go_on_with(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk())
    assert not partition.resume()

    disk.faults.append(Fault(operation="fdatasync", name=".log", error=errno.ENOSPC))
    add(partition)
    with pytest.raises(LogError, match="until it is opened anew: a sync failed: ENOSPC"):
        partition.sync()

    assert not partition.is_full, "what a failed sync left behind nobody knows, whatever the reason"
    assert not partition.resume()


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ("fdatasync", ".log"),
        ("fsync_dir", "quakes-0"),
        ("pwrite", "synced"),
        ("fdatasync", ".meta.new"),
        ("rename", ".meta"),
    ],
)
def test_a_sync_that_fails_is_never_tried_again(directory: Path, operation: str, name: str) -> None:
    partition = opened(directory, disk := FaultyDisk())
    add(partition, 10)
    disk.faults.append(Fault(operation=operation, name=name, error=errno.EIO))

    with pytest.raises(LogError, match="a sync failed: EIO"):
        partition.sync()
    disk.faults.clear()
    disk.done.clear()
    with pytest.raises(LogError, match="a sync failed: EIO"):
        partition.sync()
    with pytest.raises(LogError, match="a sync failed: EIO"):
        add(partition)

    assert [] == disk.done
    assert 0 == partition.synced
    assert list(range(10)) == values(partition)


def test_a_sync_that_failed_stays_so_though_the_disk_is_full_afterwards(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk())
    add(partition, 10)
    disk.faults.append(Fault(operation="fdatasync", name=".log", error=errno.EIO))
    with pytest.raises(LogError, match="a sync failed: EIO"):
        partition.sync()
    disk.faults[:] = [Fault(operation="pwrite", name="state.new", error=errno.ENOSPC)]
    spoil(directory, 4)
    assert [0, 1, 2, 3, 5, 6, 7, 8, 9] == values(partition)
    disk.faults.clear()

    assert not partition.resume()

    assert (False, 0) == (partition.is_full, partition.synced)
    assert "until it is opened anew: a sync failed: EIO" in str(partition.read_only)


def test_damage_that_cannot_be_written_down_while_space_is_looked_for_is_not_forgotten(directory: Path) -> None:
    partition = opened(directory, disk := InterruptedDisk("truncate"))
    add(partition, 10)
    spoil(directory, 4)
    disk.faults.append(Fault(operation="pwrite", name="synced", error=errno.ENOSPC))
    with pytest.raises(LogError):
        partition.sync()
    disk.faults[:] = [Fault(operation="rename", name="state", error=errno.EIO)]
    disk.somebody = lambda: values(partition)

    assert not partition.resume()

    assert "until it is opened anew: writing down damage failed: EIO" in str(partition.read_only)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EMFILE])
def test_a_segment_that_cannot_be_begun_is_begun_when_there_is_room(directory: Path, error: int) -> None:
    partition = opened(directory, disk := FaultyDisk(), settings=LogSettings(segment_bytes=100))
    add(partition)
    disk.faults.append(Fault(operation="create", name=f"{1:020d}.log", error=error))

    with pytest.raises(LogError, match=r"read-only until there is space again: beginning a segment failed: E[A-Z]+ "):
        add(partition)
    assert (True, 0) == (partition.is_full, partition.synced)
    assert not partition.resume(), "there is space for more in the old segment, and none for a new one"
    disk.faults.clear()

    assert partition.resume()
    assert (2, 1) == (partition.segments, partition.synced)
    add(partition, 2)

    partition.close()
    assert [0, 1, 2] == values(opened(directory, clean=True))


def test_a_segment_that_a_broken_disk_refuses_makes_the_partition_read_only(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk(), settings=LogSettings(segment_bytes=100))
    add(partition)
    disk.faults.append(Fault(operation="create", name=".log", error=errno.EIO))

    with pytest.raises(LogError, match="until it is opened anew: beginning a segment failed: EIO"):
        add(partition)
    disk.faults.clear()

    assert not partition.resume()
    with pytest.raises(LogError, match="until it is opened anew"):
        add(partition)
    assert [0] == values(partition)
