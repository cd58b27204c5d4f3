import errno
import threading
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.batches import keyed, pairs_of
from tests.support.faulty_disk import Fault, FaultyDisk
from tivo.log.compactor import REST_AFTER_RECORDS, Compacted, compact
from tivo.log.disk import Disk
from tivo.log.partition import Partition
from tivo.log.segment import Segment
from tivo.log.settings import Compaction, LogSettings
from tivo.log.swap import CLEANED
from tivo.model.errors import LogError
from tivo.wire.control import Marker, build_marker
from tivo.wire.record_batch import TRANSACTIONAL, batches

EVER = 1 << 60
NOW_US = 1_000_000_000
SETTINGS = LogSettings(
    segment_bytes=500, index_bytes=100, checkpoint_bytes=300, compaction=Compaction(tombstone_us=1_000_000)
)

Pair = tuple[bytes | None, bytes | None]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state-0"


def opened(
    directory: Path, disk: Disk | None = None, *, clean: bool = False, settings: LogSettings = SETTINGS
) -> Partition:
    return Partition.open(directory, topic="state", partition=0, settings=settings, clean=clean, disk=disk)


def filled(directory: Path, *, keys: int = 3, records: int = 60, disk: Disk | None = None) -> Partition:
    """A log of as many records, one a batch, of so many keys in turn."""
    partition = opened(directory, disk)
    for number in range(records):
        add(partition, (b"key %d" % (number % keys), b"value %d" % number))
    partition.sync()
    return partition


def add(partition: Partition, *pairs: Pair, now_us: int = NOW_US) -> None:
    partition.append(keyed(*pairs), now_us=now_us)


def cleaned(
    partition: Partition, *, upto: int = EVER, now_us: int = NOW_US, last_batches: Collection[int] = ()
) -> Compacted | None:
    plan = partition.cleaning_plan(upto=min(upto, partition.synced), now_us=now_us)
    return None if plan is None else compact(partition, plan, last_batches=last_batches, now_us=now_us, rest_seconds=0)


def all_of(partition: Partition) -> dict[int, Pair]:
    """Every record, read batch by batch, whose offsets follow upon each other."""
    found: dict[int, Pair] = {}
    offset = partition.log_start
    while offset < partition.log_end:
        data = partition.read(offset, max_bytes=1, upto=partition.log_end)
        ((_, header),) = batches(data)
        assert header.base_offset <= offset or partition.damage
        found |= {at: pair for at, pair in pairs_of(data).items() if at >= partition.log_start}
        offset = header.last_offset + 1
    return found


def newest(pairs: dict[int, Pair]) -> dict[bytes | None, bytes | None]:
    return dict(pairs.values())


def files(directory: Path) -> list[str]:
    return [path.name for path in sorted(directory.iterdir())]


# ---------------------------------------------------------------- what stays


def test_the_newest_record_of_each_key_stays_at_its_offset(directory: Path) -> None:
    partition = filled(directory)
    before = all_of(partition)
    first_unsealed = partition.cleaning_plan(upto=EVER, now_us=NOW_US).end  # type: ignore[union-attr]

    done = cleaned(partition)

    after = all_of(partition)
    sealed = [offset for offset in after if offset < first_unsealed]
    assert done is not None
    assert [first_unsealed - 3, first_unsealed - 2, first_unsealed - 1] == sealed
    assert all(before[offset] == pair for offset, pair in after.items())
    assert newest(before) == newest(after)
    assert (first_unsealed - 3, first_unsealed) == (done.records, done.upto)


def test_what_is_clean_is_the_same_after_a_stop_and_a_kill(directory: Path) -> None:
    partition = filled(directory)
    cleaned(partition)
    after, sizes = all_of(partition), partition.size_bytes

    killed = opened(directory)
    assert (after, sizes) == (all_of(killed), killed.size_bytes)
    killed.close()

    stopped = opened(directory, clean=True)
    assert stopped.was_clean
    assert (after, sizes, 1) == (all_of(stopped), stopped.size_bytes, stopped.leader_epoch)
    assert () == stopped.damage


def test_a_log_without_its_indexes_is_the_same(directory: Path) -> None:
    partition = filled(directory)
    cleaned(partition)
    after = all_of(partition)
    partition.close()
    for path in directory.iterdir():
        if path.suffix in {".meta", ".index", ".timeindex", ".arrival"}:
            path.unlink()

    again = opened(directory)

    assert (after, ()) == (all_of(again), again.damage)


def test_small_segments_become_one(directory: Path) -> None:
    partition = filled(directory)
    assert 10 == partition.segments
    cleaned(partition)
    for number in range(6):
        add(partition, (b"key", b"%d" % number))
    partition.sync()
    assert 11 == partition.segments
    partition.settings = LogSettings(segment_bytes=500, compaction=Compaction(dirty_ratio=0.0))

    cleaned(partition)

    assert 4 == partition.segments
    assert partition.segments == len([name for name in files(directory) if name.endswith(".log")])
    assert not [name for name in files(directory) if "cleaned" in name or "swap" in name]


def test_what_is_superseded_later_goes_later(directory: Path) -> None:
    partition = filled(directory, keys=20)
    cleaned(partition)
    for number in range(100):
        add(partition, (b"key %d" % (number % 20), b"again %d" % number))
    partition.sync()

    cleaned(partition)

    found = all_of(partition)
    assert 20 == len(newest(found))
    assert not [value for _, value in found.values() if value is not None and value.startswith(b"value")]


def test_nothing_new_is_nothing_to_clean(directory: Path) -> None:
    partition = filled(directory)
    cleaned(partition)

    assert None is cleaned(partition)
    partition.close()
    assert None is cleaned(opened(directory, clean=True))


def test_only_what_is_wholly_below_the_limit_is_cleaned(directory: Path) -> None:
    partition = filled(directory)
    before = all_of(partition)

    cleaned(partition, upto=30)

    after = all_of(partition)
    assert {offset: pair for offset, pair in before.items() if offset >= 30} == {
        offset: pair for offset, pair in after.items() if offset >= 30
    }
    assert len(before) > len(after)


def test_a_log_that_is_not_compacted_has_no_plan(directory: Path) -> None:
    filled(directory).close()

    assert None is cleaned(opened(directory, settings=LogSettings()))


def test_records_without_keys_stay(directory: Path) -> None:
    partition = opened(directory)
    for number in range(40):
        add(partition, (None, b"%d" % number))
    partition.sync()

    cleaned(partition)

    assert list(range(40)) == list(all_of(partition))


def test_more_keys_than_the_map_holds_are_cleaned_one_part_after_the_other(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tivo.log.offset_map.OffsetMap.__init__.__kwdefaults__", {"most_slots": 16})
    partition = filled(directory, keys=30, records=120)
    expected = newest(all_of(partition))
    reached = []
    while (done := cleaned(partition)) is not None:
        reached.append(done.upto)

    assert expected == newest(all_of(partition))
    assert 12 == reached[0]
    assert sorted(reached) == reached


# ---------------------------------------------------------------- tombstones


def test_a_tombstone_stays_for_its_time_and_then_goes(directory: Path) -> None:
    partition = opened(directory)

    def more(now_us: int) -> None:
        for number in range(40):
            add(partition, (b"other", b"%d" % number), now_us=now_us)
        partition.sync()

    add(partition, (b"gone", b"value"))
    add(partition, (b"gone", None))
    more(NOW_US)
    cleaned(partition)
    assert {1} == {offset for offset, (key, _) in all_of(partition).items() if key == b"gone"}

    more(NOW_US + 999_000)
    cleaned(partition, now_us=NOW_US + 999_000)
    assert 1 in all_of(partition)

    more(NOW_US + 1_000_000)
    cleaned(partition, now_us=NOW_US + 1_000_000)
    assert b"gone" not in newest(all_of(partition))


def test_a_tombstone_behind_damage_stays(directory: Path) -> None:
    """The damaged segment may hold an older value, which nothing would supersede any more."""
    partition = filled(directory, keys=1, records=20)
    add(partition, (b"key 0", None))
    for number in range(40):
        add(partition, (b"other", b"%d" % number))
    partition.close()
    damage(directory / f"{0:020d}.log", at=200)
    again = opened(directory)
    before = all_of(again)

    cleaned(again)
    cleaned(again, now_us=NOW_US + 5_000_000)

    assert 20 in all_of(again)
    first_segment = again.damage[0].segment
    assert 0 == first_segment
    assert {offset: before[offset] for offset in before if offset < 5}.items() <= all_of(again).items()


def damage(path: Path, *, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)


# ---------------------------------------------------------------- producers and transactions


def test_the_last_batch_of_each_producer_can_be_read_off_the_log(directory: Path) -> None:
    partition = opened(directory)
    partition.append(keyed((b"a", b"1"), producer_id=7, base_sequence=0), now_us=NOW_US)
    partition.append(keyed((b"a", b"2"), producer_id=7, base_sequence=1), now_us=NOW_US)
    for number in range(40):
        add(partition, (b"a", b"%d" % number))
    partition.sync()

    cleaned(partition, last_batches={1})

    assert [(7, 1, 1)] == [
        (header.producer_id, header.base_sequence, header.base_offset)
        for header in partition.headers(0)
        if header.producer_id >= 0
    ]


def transaction(partition: Partition, producer_id: int, *pairs: Pair, marker: Marker | None) -> None:
    partition.append(keyed(*pairs, producer_id=producer_id, base_sequence=0, attributes=TRANSACTIONAL), now_us=NOW_US)
    if marker is not None:
        end(partition, producer_id, marker)


def end(partition: Partition, producer_id: int, marker: Marker) -> None:
    partition.append(build_marker(marker, producer_id=producer_id, producer_epoch=0, timestamp_ms=1), now_us=NOW_US)


def test_aborted_records_supersede_nothing_and_go_and_markers_stay(directory: Path) -> None:
    partition = opened(directory)
    add(partition, (b"a", b"plain"), (b"b", b"plain"))
    transaction(partition, 7, (b"a", b"aborted"), marker=Marker.ABORT)
    transaction(partition, 8, (b"b", b"committed"), marker=Marker.COMMIT)
    for number in range(40):
        add(partition, (b"c", b"%d" % number))
    partition.sync()

    cleaned(partition)

    found = all_of(partition)
    assert (b"a", b"plain") == found[0]
    assert {b"a": b"plain", b"b": b"committed"}.items() <= newest(
        {offset: pair for offset, pair in found.items() if offset not in {3, 5}}
    ).items()
    assert 1 not in found
    assert 2 not in found
    assert [3, 5] == [header.base_offset for header in partition.headers(0) if header.is_control]


def test_what_a_transaction_may_still_change_is_left_alone(directory: Path) -> None:
    partition = opened(directory)
    add(partition, (b"a", b"plain"))
    transaction(partition, 7, (b"a", b"undecided"), marker=None)
    for number in range(40):
        add(partition, (b"c", b"%d" % number))
    partition.sync()

    assert 2 > partition.stable_offset(partition.synced)
    assert None is cleaned(partition, upto=partition.stable_offset(partition.synced))
    end(partition, 7, Marker.ABORT)
    partition.sync()
    cleaned(partition, upto=partition.stable_offset(partition.synced))

    assert (b"a", b"plain") == all_of(partition)[0]


def test_aborted_transactions_are_known_after_a_cleaning(directory: Path) -> None:
    partition = opened(directory)
    transaction(partition, 7, (b"a", b"aborted"), marker=Marker.ABORT)
    for number in range(40):
        add(partition, (b"c", b"%d" % number))
    partition.sync()
    before = partition.aborted(0, partition.log_end)

    cleaned(partition)

    assert [7] == [each.producer_id for each in before]
    assert before == partition.aborted(0, partition.log_end)
    partition.close()
    assert before == opened(directory, clean=True).aborted(0, 42)


# ---------------------------------------------------------------- others meanwhile


def test_a_reader_in_the_middle_is_not_disturbed(directory: Path) -> None:
    partition = filled(directory)
    expected = [header.base_offset for header in partition.headers(0)]
    reader = partition.headers(0)
    found = [next(reader).base_offset for _ in range(8)]

    cleaned(partition)

    found += [header.base_offset for header in reader]
    assert expected[:8] == found[:8]
    assert 59 == found[-1]
    assert sorted(found) == found
    assert () == partition.damage


def test_readers_on_other_threads_see_every_key_at_every_time(directory: Path) -> None:
    partition = filled(directory, keys=5, records=100)
    stopping, wrong = threading.Event(), []

    def read() -> None:
        while not stopping.is_set():
            if (keys := newest(all_of(partition)).keys()) != {b"key %d" % number for number in range(5)}:
                wrong.append(keys)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(100, 400):
            add(partition, (b"key %d" % (number % 5), b"value %d" % number))
            if number % 60 == 0:
                partition.sync()
                cleaned(partition)
    finally:
        stopping.set()
        for thread in threads:
            thread.join()

    assert [] == wrong
    assert () == partition.damage


def test_damage_met_by_a_reader_of_what_was_replaced_is_not_written_down(directory: Path) -> None:
    partition = filled(directory)
    reader = partition.headers(0)
    next(reader)
    (old, *_) = partition._segments.all
    log = old.opened().log
    cleaned(partition)
    log.pwrite(b"\xff" * 4, 20)
    fresh = partition._segments.all[0]

    partition.set_aside(old, _damaged())

    assert () == partition.damage
    assert {} == fresh.damage


def _damaged():  # type: ignore[no-untyped-def]
    from tivo.log.scan import DamagedBatch  # noqa: PLC0415

    return DamagedBatch(0, 0, "as met")


def test_a_close_ends_a_cleaning_and_leaves_nothing_of_it(directory: Path) -> None:
    partition = filled(directory, records=REST_AFTER_RECORDS + 10)
    before = all_of(partition)
    partition._leaving.set()

    with pytest.raises(LogError, match="state-0 is let go"):
        cleaned(partition)
    partition._leaving.clear()
    partition.close()

    assert not [name for name in files(directory) if "cleaned" in name]
    assert before == all_of(opened(directory, clean=True))


def test_what_went_meanwhile_is_not_put_back(directory: Path) -> None:
    partition = filled(directory)
    plan = partition.cleaning_plan(upto=EVER, now_us=NOW_US)
    assert plan is not None
    with partition.cleaning(plan) as segments:
        partition.truncate_before(30)

        with pytest.raises(LogError, match="has gone meanwhile"):
            partition.replace(segments[:1], segments[0])


def test_segments_that_went_before_it_began_are_no_matter(directory: Path) -> None:
    partition = filled(directory)
    plan = partition.cleaning_plan(upto=EVER, now_us=NOW_US)
    assert plan is not None
    partition.truncate_before(30)

    compact(partition, plan, last_batches=(), now_us=NOW_US, rest_seconds=0)

    assert 30 == partition.log_start
    assert 3 == len(newest(all_of(partition)))


@pytest.mark.parametrize("behind", [0, 2])
def test_a_plan_of_which_nothing_is_left_is_nothing_to_do(directory: Path, behind: int) -> None:
    partition = filled(directory)
    plan = partition.cleaning_plan(upto=EVER, now_us=NOW_US)
    assert plan is not None
    partition.truncate_before(plan.end + behind)
    left = all_of(partition)

    done = compact(partition, plan, last_batches=(), now_us=NOW_US, rest_seconds=0)

    assert Compacted(0, 0, plan.end + behind) == done
    assert left == all_of(partition)


def test_damage_that_cannot_be_looked_at_ends_a_cleaning_as_any_failure_of_the_disk(directory: Path) -> None:
    filled(directory).close()
    damage(directory / f"{0:020d}.log", at=100)
    partition = opened(directory, disk=(disk := FaultyDisk()), clean=True)
    disk.faults.append(Fault(operation="pread", name=f"{0:020d}.log", error=errno.EIO, skip=3))

    with pytest.raises(LogError, match=r"state-0: cannot read its log: .*Input/output error"):
        cleaned(partition)


def test_what_cannot_take_its_place_is_removed(directory: Path) -> None:
    """A disk that becomes full between the writing of a cleaned segment and its taking the place of others."""
    partition = filled(directory, keys=30, disk=(disk := FaultyDisk()))
    before = all_of(partition)

    def become_full(size: int) -> None:
        disk.faults.append(Fault(operation="pwrite", name=".log", error=errno.ENOSPC))
        with suppress(LogError):
            add(partition, (b"key", bytes(size)))
        disk.faults.clear()

    plan = partition.cleaning_plan(upto=EVER, now_us=NOW_US)
    assert plan is not None
    with partition.cleaning(plan) as segments:
        fresh = Segment(disk, directory, segments[0].base, index_bytes=100, ending=CLEANED)
        fresh.create()
        fresh.save(fresh.snapshot())
        become_full(10)

        with pytest.raises(LogError, match="read-only until there is space again"):
            partition.replace(segments[:1], fresh)

    assert not [name for name in files(directory) if name.endswith("cleaned")]
    assert not segments[0].is_replaced
    assert partition.resume()
    cleaned(partition)
    assert newest(before) == newest(all_of(partition))


def test_what_was_left_of_another_cleaning_is_no_part_of_this_one(directory: Path) -> None:
    partition = filled(directory)
    for suffix in (".log", ".index", ".timeindex", ".arrival", ".txnindex", ".meta"):
        (directory / f"{0:020d}{suffix}.cleaned").write_bytes(bytes(5_000))

    cleaned(partition)

    for segment in partition._segments.all[:-1]:
        assert segment.size == segment.file_size()
    assert not [name for name in files(directory) if name.endswith(("cleaned", ".txnindex"))]
    partition.close()
    again = opened(directory, clean=True)
    assert (True, 0, ()) == (again.was_clean, again.cut_bytes, again.damage)


# ---------------------------------------------------------------- a disk that fails


@pytest.mark.parametrize(
    "fault",
    [
        Fault(operation="pwrite", name=".log.cleaned", error=errno.ENOSPC),
        Fault(operation="fdatasync", name=".log.cleaned", error=errno.EIO),
        Fault(operation="create", name=".log.cleaned", error=errno.EMFILE),
        Fault(operation="pwrite", name=".index.cleaned", error=errno.ENOSPC),
        Fault(operation="rename", name=".meta.cleaned", error=errno.ENOSPC),
    ],
    ids=["full", "failed sync", "no descriptors", "full for an index", "full for a name"],
)
def test_a_cleaning_that_cannot_be_written_changes_nothing_and_is_done_later(directory: Path, fault: Fault) -> None:
    partition = filled(directory, disk=(disk := FaultyDisk()))
    before = all_of(partition)
    disk.faults.append(fault)

    with pytest.raises(LogError, match="state-0: cannot be cleaned"):
        cleaned(partition)

    assert before == all_of(partition)
    assert None is partition.read_only
    assert not [name for name in files(directory) if name.endswith("cleaned")]
    disk.faults.clear()
    assert cleaned(partition) is not None
    assert len(before) > len(all_of(partition))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(operation="rename", name=".swap", error=errno.EIO),
        Fault(operation="fsync_dir", error=errno.EIO),
        Fault(operation="rename", name=f"{0:020d}.log", error=errno.EIO),
        Fault(operation="unlink", name=".log", error=errno.EIO),
        Fault(operation="fsync_dir", error=errno.EIO, skip=1),
        Fault(operation="rename", name=f"{0:020d}.meta", error=errno.EIO),
        Fault(operation="fsync_dir", error=errno.EIO, skip=2),
    ],
    ids=["swap", "synced swap", "log", "old log", "synced names", "meta", "synced meta"],
)
def test_a_swap_that_fails_is_finished_or_undone_by_the_next_opening(directory: Path, fault: Fault) -> None:
    settings = LogSettings(segment_bytes=500, index_bytes=100, compaction=Compaction())
    partition = filled(directory, records=30, disk=(disk := FaultyDisk()))
    partition.settings = LogSettings(segment_bytes=100_000, compaction=Compaction())
    before = all_of(partition)
    disk.faults.append(fault)

    with pytest.raises(LogError, match="read-only until it is opened anew: putting a cleaned segment in its place"):
        cleaned(partition)

    assert before == all_of(partition)
    disk.faults.clear()
    again = opened(directory, settings=settings)
    assert newest(before) == newest(all_of(again))
    assert () == again.damage
    assert not [name for name in files(directory) if "cleaned" in name or "swap" in name]
    cleaned(again)
    assert newest(before) == newest(all_of(again))


def test_a_note_that_cannot_be_made_is_made_by_the_next_cleaning(directory: Path) -> None:
    partition = filled(directory, disk=(disk := FaultyDisk()))
    disk.faults.append(Fault(operation="rename", name="state", error=errno.ENOSPC))

    with pytest.raises(LogError, match="cannot note what is clean"):
        cleaned(partition)

    disk.faults.clear()
    assert None is partition.read_only
    done = cleaned(partition)
    assert done is not None
    assert 0 == done.records


def test_damage_that_a_cleaning_meets_is_set_aside_and_the_next_one_goes_around_it(directory: Path) -> None:
    partition = filled(directory)
    path = directory / f"{partition._segments.all[1].base:020d}.log"
    damage(path, at=100)
    before: dict[int, Pair] = {}

    with suppress(LogError):
        cleaned(partition)
    before = all_of(partition)
    assert 1 == len(partition.damage)

    cleaned(partition)

    assert newest(before) == newest(all_of(partition))
    assert 1 == len(partition.damage)
    assert path.exists()


def test_a_partition_that_is_read_only_is_not_cleaned(directory: Path) -> None:
    partition = filled(directory, disk=(disk := FaultyDisk()))
    add(partition, (b"key", b"value"))
    disk.faults.append(Fault(operation="fdatasync", name=".log", error=errno.EIO))
    with suppress(LogError):
        partition.sync()

    assert None is cleaned(partition)
