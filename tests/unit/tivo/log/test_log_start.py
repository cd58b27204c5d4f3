import errno
import random
from pathlib import Path

import pytest

from tests.support.batches import batch
from tests.support.crash_disk import MemoryDisk, MemoryFile, after_power_loss
from tests.support.faulty_disk import Fault, FaultyDisk
from tests.support.small_log import (
    NOW_US,
    SETTINGS,
    add,
    opened,
    values,
)
from tivo.log.partition import Partition
from tivo.log.settings import LogSettings
from tivo.model.errors import LogError, OffsetOutOfRange


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "quakes-0"


class NoRoom(FaultyDisk):
    """Full until so many segments are gone: no byte more of any file is taken."""

    def __init__(self, segments: int) -> None:
        super().__init__()
        self.segments = segments
        self.is_full = False

    def meet(self, operation: str, path: Path) -> Fault | None:
        if operation == "unlink" and path.suffix == ".log":
            self.segments -= 1
        if self.is_full and self.segments > 0 and operation in {"pwrite", "create"}:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return super().meet(operation, path)


def full(directory: Path, disk: NoRoom, *, count: int = 40, settings: LogSettings = SETTINGS) -> Partition:
    """A partition of four segments that has met the full disk."""
    partition = opened(directory, disk, settings=settings)
    add(partition, count)
    partition.sync()
    disk.is_full = True
    with pytest.raises(LogError, match="until there is space again"):
        add(partition)
    disk.done.clear()
    return partition


def test_segments_go_from_a_full_disk_before_it_is_written_down(directory: Path) -> None:
    partition = full(directory, disk := NoRoom(2))

    assert 2 == partition.truncate_before(30)

    assert (30, list(range(30, 40))) == (partition.log_start, values(partition))
    assert partition.resume()
    add(partition)
    partition.close()
    again = opened(directory, clean=True)
    assert (30, list(range(30, 41))) == (again.log_start, values(again))
    logs = [step for step in disk.done if step[0] == "fsync_dir" or (step[0], step[1][20:]) == ("unlink", ".log")]
    first, second = ("unlink", f"{0:020d}.log"), ("unlink", f"{13:020d}.log")
    assert [first, ("fsync_dir", "quakes-0"), second, ("fsync_dir", "quakes-0")] == logs[:4]


def test_start_that_a_full_disk_cannot_take_down_is_that_of_the_first_segment_left(directory: Path) -> None:
    partition = full(directory, NoRoom(3))

    with pytest.raises(LogError, match="until there is space again: moving the start of the log failed: ENOSPC"):
        partition.truncate_before(30)

    assert (26, list(range(26, 40))) == (partition.log_start, values(partition))
    with pytest.raises(OffsetOutOfRange):
        partition.read(25, max_bytes=1, upto=40)
    again = opened(directory)
    assert (26, list(range(26, 40)), ()) == (again.log_start, values(again), again.damage)


class NoRoomForStates(MemoryDisk):
    """Has no room to write down where a log starts."""

    def open(self, path: Path, *, create: bool = False) -> MemoryFile:
        if path.name == "state.new":
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().open(path, create=create)


def test_segments_that_went_from_a_full_disk_take_none_along_in_a_loss_of_power() -> None:
    directory = (root := Path("/data")) / "quakes-0"
    disk = NoRoomForStates(root)
    partition = opened(directory, disk, settings=LogSettings(segment_bytes=1_000))  # the last one has no meta
    add(partition, 42)
    partition.sync()
    with pytest.raises(LogError, match="until there is space again"):
        partition.truncate_before(40)

    for seed in range(20):
        again = opened(directory, after_power_loss(disk.trace, root, random.Random(seed)))

        assert (39, [39, 40, 41]) == (again.log_start, values(again))


def test_what_is_not_synced_does_not_go_from_a_full_disk(directory: Path) -> None:
    partition = opened(directory, disk := NoRoom(1))
    add(partition, 20)
    partition.sync()
    add(partition, 10)
    disk.is_full = True
    with pytest.raises(LogError):
        partition.sync()

    with pytest.raises(LogError, match="until there is space again"):
        partition.truncate_before(28)

    assert (20, list(range(20, 30))) == (partition.log_start, values(partition))
    assert partition.resume()
    assert 1 == partition.truncate_before(28)


def test_retention_goes_on_where_a_full_disk_has_no_room_for_the_next_segment(directory: Path) -> None:
    disk = NoRoom(1)
    partition = opened(directory, disk, settings=LogSettings(segment_bytes=1_000, retention_us=500))
    add(partition, 13, now_us=1_000)
    add(partition, 5, now_us=1_200)
    partition.sync()
    disk.is_full = True

    assert 1 == partition.enforce_retention(now_us=1_700)

    assert 13 == partition.log_start
    assert partition.is_full, "the active segment is over too, and the next one could not be begun"
    assert partition.resume()
    assert 1 == partition.enforce_retention(now_us=1_700)
    assert (18, 18) == (partition.log_start, partition.log_end)


def test_retention_tells_of_a_disk_that_breaks(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk(), settings=LogSettings(segment_us=100))
    add(partition, 2, now_us=1_000)
    disk.faults.append(Fault(operation="create", name=".log", error=errno.EIO))

    with pytest.raises(LogError, match="beginning a segment failed: EIO"):
        partition.enforce_retention(now_us=1_100)


def test_a_full_disk_gets_space_by_letting_the_log_start_later(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk())
    add(partition, 30)
    partition.sync()
    disk.faults.append(Fault(operation="pwrite", name=".log", error=errno.ENOSPC))
    with pytest.raises(LogError):
        add(partition)

    assert 1 <= partition.truncate_before(20)

    assert list(range(20, 30)) == values(partition)
    disk.faults.clear()
    assert partition.resume()


def test_the_start_of_the_log_moves_durably_and_whole_segments_go(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 40)
    partition.sync()

    assert 1 == partition.truncate_before(20)

    assert 20 == partition.log_start
    assert 3 == partition.segments == len(list(directory.glob("*.log")))
    assert list(range(20, 40)) == values(partition)
    assert 20 == opened(directory).log_start


def test_the_start_of_the_log_does_not_move_back(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 40)
    partition.truncate_before(20)

    assert 0 == partition.truncate_before(10)
    assert 20 == partition.log_start


def test_the_start_of_the_log_can_be_its_end(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 40)

    assert 3 == partition.truncate_before(40)
    add(partition)

    assert (40, 41) == (partition.log_start, partition.log_end)
    assert [40] == [number for number in values(partition) if number >= 40]


def test_the_start_of_the_log_cannot_be_beyond_its_end(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 3)

    with pytest.raises(OffsetOutOfRange, match="not 4"):
        partition.truncate_before(4)


def test_records_are_synced_before_the_log_starts_behind_them(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 3)

    partition.truncate_before(3)

    assert 3 == partition.synced


@pytest.mark.parametrize(("operation", "name"), [("fdatasync", "state.new"), ("unlink", ".log")])
def test_a_start_that_cannot_be_moved_is_told(directory: Path, operation: str, name: str) -> None:
    partition = opened(directory, disk := FaultyDisk())
    add(partition, 40)
    disk.faults.append(Fault(operation=operation, name=name, error=errno.EIO))

    with pytest.raises(LogError, match="moving the start of the log failed: EIO"):
        partition.truncate_before(20)
    with pytest.raises(LogError, match="moving the start of the log failed: EIO"):
        partition.truncate_before(30)


def test_retention_removes_sealed_segments_whose_time_is_over(directory: Path) -> None:
    partition = opened(directory, settings=LogSettings(segment_bytes=1_000, retention_us=500))
    add(partition, 13, now_us=1_000)
    add(partition, 13, now_us=2_000)
    add(partition, 2, now_us=3_000)
    partition.sync()

    assert 0 == partition.enforce_retention(now_us=1_499)
    assert 1 == partition.enforce_retention(now_us=1_500)
    assert 13 == partition.log_start
    assert 1 == partition.enforce_retention(now_us=3_499)
    assert [26, 27] == values(partition)


def test_retention_seals_and_removes_the_active_segment_too(directory: Path) -> None:
    partition = opened(directory, settings=LogSettings(retention_us=500))
    add(partition, 2, now_us=1_000)

    assert 1 == partition.enforce_retention(now_us=1_500)
    assert (2, 2, 1, 0) == (partition.log_start, partition.log_end, partition.segments, partition.size_bytes)
    assert 0 == partition.enforce_retention(now_us=1 << 60)
    partition.append(batch(b"value 02"), now_us=1 << 60)
    assert [2] == values(partition)


def test_a_segment_that_was_begun_long_ago_is_sealed_though_nothing_comes(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk(), settings=LogSettings(segment_us=100))
    add(partition, 2, now_us=1_000)

    assert 0 == partition.enforce_retention(now_us=1_100)

    assert (2, 2) == (partition.segments, partition.synced)
    assert 1 == disk.count("rename", f"{0:020d}.meta")
    partition.close()
    assert [0, 1] == values(opened(directory, clean=True))


def test_retention_of_a_partition_that_is_read_only_begins_nothing(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk(), settings=LogSettings(segment_us=100))
    add(partition, 2, now_us=1_000)
    disk.faults.append(Fault(operation="fdatasync", name=".log", error=errno.EIO))
    with pytest.raises(LogError):
        partition.sync()

    assert 0 == partition.enforce_retention(now_us=1 << 60)
    assert 1 == partition.segments


def test_retention_keeps_what_is_not_sealed(directory: Path) -> None:
    partition = opened(directory, settings=LogSettings(segment_bytes=1_000, retention_bytes=0))
    add(partition, 40)

    assert 0 == partition.enforce_retention(now_us=NOW_US)
    partition.sync()
    assert 3 == partition.enforce_retention(now_us=NOW_US)
