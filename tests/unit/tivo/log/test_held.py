import errno
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from tests.support.batches import values_of
from tests.support.faulty_disk import Fault, FaultyDisk
from tests.support.small_log import (
    InterruptedDisk,
    StallingDisk,
    add,
    descriptors,
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


def test_the_end_of_a_leader_epoch_is_known(directory: Path) -> None:
    add(opened(directory), 3)
    partition = opened(directory)
    add(partition, 2)

    assert (0, 3) == partition.epoch_end(0)
    assert (1, 5) == partition.epoch_end(1)
    assert (-1, -1) == partition.epoch_end(2)


def test_damage_met_by_a_read_is_set_aside_for_good(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 10)
    partition.sync()
    spoil(directory, 4)

    assert [0, 1, 2, 3, 5, 6, 7, 8, 9] == values(partition)

    partition.close()
    again = opened(directory, clean=True)
    assert [(0, 4, 5)] == [(one.segment, one.first_offset, one.next_offset) for one in again.damage]
    assert [0, 1, 2, 3, 5, 6, 7, 8, 9] == values(again)


def test_damage_that_cannot_be_written_down_stops_writing_not_reading(directory: Path) -> None:
    partition = opened(directory, FaultyDisk(Fault(operation="pwrite", name="state.new", error=errno.ENOSPC)))
    add(partition, 10)
    spoil(directory, 4)

    assert [0, 1, 2, 3, 5, 6, 7, 8, 9] == values(partition)
    assert "writing down damage failed: ENOSPC" in str(partition.read_only)


def test_damage_met_by_many_readers_is_set_aside_once(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 10)
    spoil(directory, 4)
    start = threading.Barrier(8)

    def read() -> list[int]:
        start.wait(10)
        return values(partition)

    with ThreadPoolExecutor(8) as workers:
        results = [task.result() for task in [workers.submit(read) for _ in range(8)]]

    assert [[0, 1, 2, 3, 5, 6, 7, 8, 9]] * 8 == results
    assert 1 == len(partition.damage)


def test_damage_that_another_reader_set_aside_meanwhile_is_not_set_aside_again(directory: Path) -> None:
    partition = opened(directory, disk := InterruptedDisk())
    add(partition, 10)
    spoil(directory, 4)
    partition.read(0, max_bytes=4 * 76, upto=10)
    disk.somebody = lambda: values(partition)

    assert [5] == list(values_of(partition.read(4, max_bytes=1, upto=10)))
    assert 1 == len(partition.damage)


def _descriptors_of_logs(directory: Path) -> int:
    return descriptors(directory) - 1  # the synced mark


@pytest.mark.parametrize("end", ["close", "delete"])
def test_a_partition_that_was_let_go_takes_and_gives_nothing(directory: Path, end: str) -> None:
    partition = opened(directory)
    add(partition, 3)
    if end == "close":
        partition.close()
    else:
        partition.delete()
    why = {"close": "quakes-0 is closed", "delete": "quakes-0 is deleted"}[end]

    with pytest.raises(LogError, match=why):
        add(partition)
    with pytest.raises(LogError, match=why):
        partition.read(0, max_bytes=1, upto=1)
    with pytest.raises(LogError, match=why):
        partition.offset_for_time(0)
    assert 0 == _descriptors_of_logs(directory)


def test_a_sync_that_comes_after_a_delete_is_told(directory: Path) -> None:
    partition = opened(directory)
    add(partition)
    partition.delete()

    with pytest.raises(LogError, match="quakes-0 is deleted"):
        partition.sync()


def deletion(partition: Partition, disk: FaultyDisk) -> Callable[[], int]:
    """Deletes; gives how much the disk had done by then."""

    def delete() -> int:
        partition.delete()
        return len(disk.done)

    return delete


def begun(deleting: "Future[int]") -> None:
    """Give a delete that waits for nobody the time to end. One that waits makes no test fail, however slow."""
    wait([deleting], timeout=0.1)


@pytest.mark.parametrize(
    "work", [Partition.sync, lambda partition: partition.truncate_before(5)], ids=["sync", "truncate"]
)
def test_nothing_is_written_after_a_delete(directory: Path, work: Callable[[Partition], object]) -> None:
    partition = opened(directory, disk := StallingDisk())
    add(partition, 10)

    with ThreadPoolExecutor() as workers:
        working = workers.submit(work, partition)
        assert disk.entered.wait(10)
        deleting = workers.submit(deletion(partition, disk))
        begun(deleting)
        disk.go_on.set()
        done_by_then = deleting.result()

        assert working.exception() is None
    assert [] == disk.done[done_by_then:]


def test_a_delete_waits_for_the_append_under_way(directory: Path) -> None:
    partition = opened(directory, disk := InterruptedDisk("create"), settings=LogSettings(segment_bytes=100))
    add(partition)

    with ThreadPoolExecutor() as workers:
        deletions: list[Future[int]] = []

        def delete() -> None:
            deletions.append(workers.submit(deletion(partition, disk)))
            begun(deletions[0])

        disk.somebody = delete
        add(partition)
        done_by_then = deletions[0].result()

    assert [] == disk.done[done_by_then:]
    assert 0 == partition.segments


def test_damage_met_after_a_delete_is_not_written_down(directory: Path) -> None:
    partition = opened(directory, disk := InterruptedDisk())
    add(partition, 10)
    spoil(directory, 4)
    disk.done.clear()
    disk.somebody = partition.delete

    with pytest.raises(LogError, match="quakes-0 is deleted"):
        partition.read(4, max_bytes=1, upto=10)

    assert 0 == disk.count("rename")
