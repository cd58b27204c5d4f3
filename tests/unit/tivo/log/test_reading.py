import errno
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.batches import batch, values_of
from tests.support.faulty_disk import Fault, FaultyDisk
from tests.support.small_log import (
    NOW_US,
    add,
    descriptors,
    opened,
    spoil,
    values,
)
from tivo.log.settings import LogSettings
from tivo.model.errors import LogError, OffsetOutOfRange


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "quakes-0"


def test_records_are_read_across_segments(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 40)

    assert list(range(40)) == values(partition)
    assert 4 == partition.segments
    assert 40 * len(batch(b"value 00")) == partition.size_bytes


def test_a_read_at_the_limit_is_empty(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 40)

    assert 0 == len(partition.read(40, max_bytes=1_000, upto=40))
    assert 0 == len(partition.read(20, max_bytes=1_000, upto=20))
    assert [19] == list(values_of(partition.read(19, max_bytes=1_000, upto=20)))


def test_a_read_outside_the_log_names_its_bounds(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 40)
    partition.truncate_before(20)

    with pytest.raises(OffsetOutOfRange, match="quakes-0 holds offsets 20 to below 40, not 19"):
        partition.read(19, max_bytes=1_000, upto=40)
    with pytest.raises(OffsetOutOfRange, match="holds offsets 20 to below 30, not 31"):
        partition.read(31, max_bytes=1_000, upto=30)


def test_few_sealed_segments_stay_open(directory: Path) -> None:
    partition = opened(directory, settings=LogSettings(segment_bytes=10))
    add(partition, 20)
    partition.sync()
    before = descriptors(directory)

    assert list(range(20)) == values(partition)
    assert list(range(20)) == values(partition)

    assert 2 + 19 >= before
    assert 2 + 4 >= descriptors(directory)


def test_offsets_are_found_by_time_across_segments(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 40)

    assert (0, 0) == partition.offset_for_time(-1)
    assert (170, 17) == partition.offset_for_time(161)
    assert (390, 39) == partition.offset_for_time(390)
    assert partition.offset_for_time(391) is None


def test_time_is_not_looked_for_before_the_start_of_the_log(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 40)
    partition.truncate_before(20)

    assert (200, 20) == partition.offset_for_time(0)


def test_the_newest_record_is_found(directory: Path) -> None:
    partition = opened(directory)
    assert partition.max_time() is None
    for time_ms in (10, 70, 30, 70, 20):
        partition.append(batch(b"a", time_ms=time_ms), now_us=NOW_US)

    assert (70, 1) == partition.max_time()


def test_headers_tell_all_batches_from_an_offset_on(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 40)
    partition.truncate_before(5)

    assert list(range(17, 40)) == [header.base_offset for header in partition.headers(17)]
    assert list(range(5, 40)) == [header.base_offset for header in partition.headers(0)]


def test_readers_and_syncs_on_other_threads_see_whole_batches(directory: Path) -> None:
    partition = opened(directory, settings=LogSettings(segment_bytes=2_000, index_bytes=100))
    done = threading.Event()

    def read_on() -> int:
        rounds = 0
        while not done.is_set() or rounds == 0:
            upto = partition.synced
            offset = 0
            while offset < upto:
                found = values_of(partition.read(offset, max_bytes=3_000, upto=upto))
                assert {number: b"value %02d" % number for number in found} == found
                offset = max(found) + 1
            rounds += 1
        return rounds

    def sync_on() -> None:
        while not done.is_set():
            partition.sync()

    with ThreadPoolExecutor() as workers:
        tasks: list[Future[int] | Future[None]] = [
            workers.submit(read_on), workers.submit(read_on), workers.submit(sync_on), workers.submit(sync_on)
        ]  # fmt: skip
        try:
            add(partition, 500)
        finally:
            done.set()
        assert all(task.exception() is None for task in tasks)
    assert list(range(500)) == values(partition)


def test_a_read_that_the_disk_fails_is_told_and_may_be_tried_again(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk())
    add(partition, 3)
    disk.faults.append(Fault(operation="pread", name=".log", error=errno.EIO))

    with pytest.raises(LogError, match=r"quakes-0: cannot read its log: .*Input/output error"):
        values(partition)
    with pytest.raises(LogError, match=r"quakes-0: cannot read its log: .*Input/output error"):
        list(partition.headers(0))
    disk.faults.clear()

    assert [0, 1, 2] == values(partition)


def test_damage_met_by_the_headers_is_passed(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 10)
    spoil(directory, 4)

    assert [0, 1, 2, 3, 5, 6, 7, 8, 9] == [header.base_offset for header in partition.headers(0)]


def test_a_read_of_a_damaged_end_goes_on_in_the_next_segment(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 20)
    spoil(directory, 12)

    assert [13] == list(values_of(partition.read(12, max_bytes=1, upto=20)))


def test_there_is_nothing_beyond_the_end(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 2)

    assert 0 == len(partition.read(2, max_bytes=100, upto=5))


def test_a_limit_below_which_all_is_damaged_reads_as_nothing(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 2)
    spoil(directory, 1)

    assert 0 == len(partition.read(1, max_bytes=100, upto=2))


def test_the_arrival_of_records_is_known(directory: Path) -> None:
    partition = opened(directory)
    for number in range(40):
        add(partition, now_us=NOW_US + number * 10_000)

    assert [NOW_US, NOW_US + 200_000, NOW_US + 390_000] == [partition.arrived_us(offset) for offset in (0, 20, 39)]
    assert [0, 19, 20, 39, 40] == [
        partition.before_arrival(NOW_US + since_us) for since_us in (0, 200_000, 200_001, 390_000, 390_001)
    ]


def test_arrivals_survive_a_stop_and_a_lost_index(directory: Path) -> None:
    partition = opened(directory)
    for number in range(40):
        add(partition, now_us=NOW_US + number * 10_000)
    partition.close()
    for path in directory.glob("*.index"):
        path.unlink()

    again = opened(directory, clean=True)

    assert [NOW_US, NOW_US + 200_000, NOW_US + 390_000] == [again.arrived_us(offset) for offset in (0, 20, 39)]


def test_arrivals_that_are_lost_are_not_known(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 40)
    partition.close()
    for path in directory.glob("*.arrival"):
        path.write_bytes(b"")

    again = opened(directory, clean=True)

    assert None is again.arrived_us(20)
    assert list(range(40)) == values(again)
    assert 0 == again.before_arrival(NOW_US)
    add(again, now_us=NOW_US + 1)
    assert NOW_US + 1 == again.arrived_us(40)


def test_arrival_is_not_told_before_the_start_of_the_log(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 10)
    partition.truncate_before(5)

    assert 5 == partition.before_arrival(NOW_US)
