import errno
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.batches import batch, values_of
from tests.support.crash_disk import MemoryDisk, after_power_loss
from tests.support.faulty_disk import Fault, FaultyDisk
from tests.support.small_log import (
    NOW_US,
    StallingDisk,
    add,
    opened,
    values,
)
from tivo.log.settings import LogSettings
from tivo.model.errors import LogError, WireError
from tivo.wire.record_batch import read_header


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "quakes-0"


def test_an_append_stamps_offsets_and_leader_epoch_into_the_given_bytes(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 3)
    partition.close()
    again = opened(directory)
    data = batch(b"a", b"b") + batch(b"c", time_ms=2_000)

    appended = again.append(data, now_us=NOW_US)

    assert (3, 5, 2_000, False) == appended
    second = len(batch(b"a", b"b"))
    assert (3, 5) == (read_header(data).base_offset, read_header(data, second).base_offset)
    assert 1 == again.leader_epoch == read_header(data).partition_leader_epoch
    assert {3: b"a", 4: b"b", 5: b"c"} == values_of(again.read(3, max_bytes=1_000, upto=6))


def test_an_append_is_one_write_of_the_given_bytes(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk())
    disk.done.clear()

    partition.append(batch(b"a") + batch(b"b"), now_us=NOW_US)

    assert [("pwrite", f"{0:020d}.log")] == disk.done


def test_bytes_that_are_not_whole_batches_change_nothing(directory: Path) -> None:
    partition = opened(directory)

    with pytest.raises(WireError):
        partition.append(batch(b"a")[:-1], now_us=NOW_US)

    assert 0 == partition.log_end == partition.size_bytes
    assert partition.read_only is None


def test_a_new_segment_begins_where_the_present_one_is_full(directory: Path) -> None:
    partition = opened(directory, settings=LogSettings(segment_bytes=2 * len(batch(b"value 00"))))

    rolled = [partition.append(batch(b"value 00"), now_us=NOW_US).rolled for _ in range(5)]

    assert [False, False, True, False, True] == rolled


def test_a_batch_larger_than_a_segment_gets_one_of_its_own(directory: Path) -> None:
    partition = opened(directory, settings=LogSettings(segment_bytes=10))
    add(partition, 3)

    assert 3 == partition.segments
    assert [0, 1, 2] == values(partition)


def test_a_new_segment_begins_where_the_present_one_is_old(directory: Path) -> None:
    partition = opened(directory, settings=LogSettings(segment_us=100))
    add(partition, now_us=1_000)
    add(partition, now_us=1_099)

    assert partition.append(batch(b"value 02"), now_us=1_100).rolled
    assert not partition.append(batch(b"value 03"), now_us=1_199).rolled


def test_a_new_segment_begins_where_its_index_cannot_reach(directory: Path) -> None:
    partition = opened(directory)
    add(partition)
    far = batch(b"far")
    far[23:27] = ((1 << 31) - 1).to_bytes(4, "big")

    assert partition.append(far, now_us=NOW_US).rolled
    assert (1 << 31) + 1 == partition.log_end


def test_what_sync_gives_is_on_stable_storage(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk())
    add(partition, 3)
    assert 0 == partition.synced
    disk.done.clear()

    assert 3 == partition.sync() == partition.synced

    assert [
        ("fdatasync", f"{0:020d}.log"),
        ("fsync_dir", "quakes-0"),
        ("fsync_dir", directory.parent.name),
        ("pwrite", "synced"),
    ] == disk.done


def test_nothing_is_synced_twice(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk())
    add(partition)
    partition.sync()
    disk.done.clear()

    assert 1 == partition.sync()

    assert [] == disk.done


def test_a_segment_is_sealed_before_anything_behind_it_is_acknowledged(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk(), settings=LogSettings(segment_bytes=100))
    add(partition)
    partition.sync()
    add(partition)
    disk.done.clear()

    partition.sync()

    steps = [step for step in disk.done if step[0] in {"fdatasync", "rename", "fsync_dir"} or step[1] == "synced"]
    assert [
        ("fdatasync", f"{0:020d}.log"),
        ("fdatasync", f"{1:020d}.log"),
        ("fsync_dir", "quakes-0"),
        ("fdatasync", f"{0:020d}.index"),
        ("fdatasync", f"{0:020d}.timeindex"),
        ("fdatasync", f"{0:020d}.arrival"),
        ("fdatasync", f"{0:020d}.meta.new"),
        ("rename", f"{0:020d}.meta"),
        ("fsync_dir", "quakes-0"),
        ("pwrite", "synced"),
    ] == steps


def test_a_loss_of_power_while_several_segments_are_sealed_is_no_damage() -> None:
    directory = (root := Path("/data")) / "quakes-0"
    partition = opened(directory, disk := MemoryDisk(root))
    add(partition)
    partition.sync()
    add(partition, 39)
    before = len(disk.trace)
    partition.sync()

    for moment in range(before, len(disk.trace) + 1):
        for seed in range(8):
            crashed = after_power_loss(disk.trace[:moment], root, random.Random(seed))
            again = opened(directory, crashed)

            assert (0, ()) == (again.log_start, again.damage)
            assert list(range(max(again.log_end, 1))) == values(again)


def test_a_checkpoint_is_written_when_enough_was_appended(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk())
    for _ in range(12):
        add(partition)
        partition.sync()

    assert 2 <= disk.count("rename", ".meta") <= 4


def test_appends_go_on_during_a_sync_and_share_the_next(directory: Path) -> None:
    disk = StallingDisk()
    partition = opened(directory, disk)
    add(partition)

    with ThreadPoolExecutor() as workers:
        first = workers.submit(partition.sync)
        assert disk.entered.wait(10)
        add(partition, 5)
        others = [workers.submit(partition.sync) for _ in range(3)]
        disk.go_on.set()

        assert 1 == first.result()
        assert [6, 6, 6] == [other.result() for other in others]
    assert 2 == disk.count("fdatasync", ".log")
    assert 1 == disk.most_at_once


def test_a_clean_close_leaves_nothing_to_scan(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 40)

    partition.close()

    again = opened(directory, clean=True)
    assert again.was_clean
    assert list(range(40)) == values(again)


def test_a_close_that_fails_is_told(directory: Path) -> None:
    partition = opened(directory, FaultyDisk(Fault(operation="fdatasync", name=".log", error=errno.EIO)))
    add(partition)

    with pytest.raises(LogError, match="a sync failed: EIO"):
        partition.close()


def test_a_close_whose_names_cannot_be_synced_is_told(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk())
    add(partition)
    partition.sync()
    disk.faults.append(Fault(operation="fsync_dir", name="quakes-0", error=errno.EIO))

    with pytest.raises(LogError, match="a sync failed: EIO"):
        partition.close()


def test_an_unclean_close_syncs_nothing(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk())
    add(partition)

    partition.close(clean=False)

    assert 0 == disk.count("fdatasync")
