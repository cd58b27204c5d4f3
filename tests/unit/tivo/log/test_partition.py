import errno
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from tests.support.batches import batch, values_of
from tests.support.faulty_disk import Fault, FaultyDisk, FaultyFile
from tivo.log.disk import Disk
from tivo.log.partition import Partition
from tivo.log.settings import LogSettings
from tivo.model.errors import LogError, OffsetOutOfRange, WireError
from tivo.wire.record_batch import read_header

SETTINGS = LogSettings(segment_bytes=1_000, checkpoint_bytes=300, index_bytes=100)
NOW_US = 1_000_000


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "quakes-0"


def opened(
    directory: Path, disk: Disk | None = None, *, clean: bool = False, settings: LogSettings = SETTINGS
) -> Partition:
    return Partition.open(directory, topic="quakes", partition=0, settings=settings, clean=clean, disk=disk)


def add(partition: Partition, count: int = 1, *, now_us: int = NOW_US) -> None:
    for _ in range(count):
        number = partition.log_end
        partition.append(batch(b"value %02d" % number, time_ms=number * 10), now_us=now_us)


def values(partition: Partition) -> list[int]:
    found: dict[int, bytes] = {}
    offset = partition.log_start
    while offset < partition.log_end:
        found |= values_of(partition.read(offset, max_bytes=500, upto=partition.log_end))
        offset = max(found) + 1
    assert {number: b"value %02d" % number for number in found} == found
    return list(found)


# ---------------------------------------------------------------- appending and reading


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


def test_few_sealed_segments_stay_open(directory: Path) -> None:
    partition = opened(directory, settings=LogSettings(segment_bytes=10))
    add(partition, 20)
    partition.sync()
    before = _descriptors(directory)

    assert list(range(20)) == values(partition)
    assert list(range(20)) == values(partition)

    assert 2 + 19 >= before
    assert 2 + 4 >= _descriptors(directory)


def _descriptors(directory: Path) -> int:
    links = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            links.append(str(link.readlink()))
        except FileNotFoundError:  # the listing's own descriptor
            continue
    return sum(link.startswith(str(directory)) for link in links)


# ---------------------------------------------------------------- time and epochs


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


def test_the_end_of_a_leader_epoch_is_known(directory: Path) -> None:
    add(opened(directory), 3)
    partition = opened(directory)
    add(partition, 2)

    assert (0, 3) == partition.epoch_end(0)
    assert (1, 5) == partition.epoch_end(1)
    assert (-1, -1) == partition.epoch_end(2)


# ---------------------------------------------------------------- the promise


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
        ("fdatasync", f"{0:020d}.index"),
        ("fdatasync", f"{0:020d}.timeindex"),
        ("fdatasync", f"{0:020d}.arrival"),
        ("fdatasync", f"{0:020d}.meta.new"),
        ("rename", f"{0:020d}.meta"),
        ("fdatasync", f"{1:020d}.log"),
        ("fsync_dir", "quakes-0"),
        ("pwrite", "synced"),
    ] == steps


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


class StallingFile(FaultyFile):
    """Its fdatasync waits until the test lets it go on."""

    __slots__ = ()

    def fdatasync(self) -> None:
        disk = self.disk
        assert isinstance(disk, StallingDisk)
        if self.path.suffix == ".log":
            with disk.lock:
                disk.under_way += 1
                disk.most_at_once = max(disk.most_at_once, disk.under_way)
            disk.entered.set()
            assert disk.go_on.wait(10)
            with disk.lock:
                disk.under_way -= 1
        super().fdatasync()


class StallingDisk(FaultyDisk):
    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.lock = threading.Lock()
        self.under_way = 0
        self.most_at_once = 0

    def open(self, path: Path, *, create: bool = False) -> FaultyFile:
        file = super().open(path, create=create)
        file.__class__ = StallingFile
        return file


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


# ---------------------------------------------------------------- failures


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


# ---------------------------------------------------------------- damage


def spoil(directory: Path, number: int) -> None:
    """Flip a bit in the record of an offset of the first segment."""
    log = directory / f"{0:020d}.log"
    content = bytearray(log.read_bytes())
    content[76 * number + 70] ^= 1
    log.write_bytes(content)


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


def test_damage_met_by_the_headers_is_passed(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 10)
    spoil(directory, 4)

    assert [0, 1, 2, 3, 5, 6, 7, 8, 9] == [header.base_offset for header in partition.headers(0)]


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


class InterruptedDisk(FaultyDisk):
    """Before the next operation of a kind goes on, a read unless said otherwise, somebody else does something."""

    def __init__(self, operation: str = "pread") -> None:
        super().__init__()
        self.operation = operation
        self.somebody: Callable[[], object] | None = None

    def meet(self, operation: str, path: Path) -> Fault | None:
        if operation == self.operation and self.somebody is not None:
            somebody, self.somebody = self.somebody, None
            somebody()
        return super().meet(operation, path)


def test_damage_that_another_reader_set_aside_meanwhile_is_not_set_aside_again(directory: Path) -> None:
    partition = opened(directory, disk := InterruptedDisk())
    add(partition, 10)
    spoil(directory, 4)
    partition.read(0, max_bytes=4 * 76, upto=10)
    disk.somebody = lambda: values(partition)

    assert [5] == list(values_of(partition.read(4, max_bytes=1, upto=10)))
    assert 1 == len(partition.damage)


def test_a_read_of_a_damaged_end_goes_on_in_the_next_segment(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 20)
    spoil(directory, 12)

    assert [13] == list(values_of(partition.read(12, max_bytes=1, upto=20)))


def test_there_is_nothing_beyond_the_end(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 2)

    assert 0 == len(partition.read(2, max_bytes=100, upto=5))


def test_a_log_that_cannot_be_opened_is_told(directory: Path) -> None:
    with pytest.raises(LogError, match=r"quakes-0: cannot open its log: .*No space left"):
        opened(directory, FaultyDisk(Fault(operation="create", error=errno.ENOSPC)))


def test_a_limit_below_which_all_is_damaged_reads_as_nothing(directory: Path) -> None:
    partition = opened(directory)
    add(partition, 2)
    spoil(directory, 1)

    assert 0 == len(partition.read(1, max_bytes=100, upto=2))


# ---------------------------------------------------------------- the start of the log


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


# ---------------------------------------------------------------- the end


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


def _descriptors_of_logs(directory: Path) -> int:
    return _descriptors(directory) - 1  # the synced mark


def test_an_unclean_close_syncs_nothing(directory: Path) -> None:
    partition = opened(directory, disk := FaultyDisk())
    add(partition)

    partition.close(clean=False)

    assert 0 == disk.count("fdatasync")


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


# ---------------------------------------------------------------- arrival


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
