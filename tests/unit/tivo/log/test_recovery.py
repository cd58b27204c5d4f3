import errno
from pathlib import Path

import pytest

from tests.support.batches import batch, values_of
from tests.support.faulty_disk import Fault, FaultyDisk
from tivo.log.disk import Disk, OsDisk
from tivo.log.meta import Damage, PartitionState, read_state, write_checked
from tivo.log.partition import Partition
from tivo.log.recovery import STATE, SYNCED, SyncedMark
from tivo.log.settings import LogSettings
from tivo.model.errors import LogError

SETTINGS = LogSettings(segment_bytes=1_000, checkpoint_bytes=300, index_bytes=100)
ONE_SEGMENT = LogSettings(index_bytes=100)
SIZE = 76
"""Bytes of a batch of one record `value NN`."""


def opened(
    directory: Path, *, clean: bool = False, disk: Disk | None = None, settings: LogSettings = SETTINGS
) -> Partition:
    return Partition.open(directory, topic="quakes", partition=0, settings=settings, clean=clean, disk=disk)


def filled(directory: Path, count: int = 40, *, synced: int | None = None, settings: LogSettings = SETTINGS) -> None:
    """A partition of `count` batches of one record, of which the first `synced` were synced; then the process died."""
    synced = count if synced is None else synced
    partition = opened(directory, settings=settings)
    for number in range(count):
        partition.append(batch(b"value %02d" % number, time_ms=number), now_us=1_000_000)
        if number + 1 == synced or (number < synced and number % 5 == 4):
            partition.sync()


def values(partition: Partition) -> list[int]:
    """The numbers of all records that are served, in order; each must stand at its offset."""
    found: dict[int, bytes] = {}
    offset = partition.log_start
    while offset < partition.log_end:
        data = partition.read(offset, max_bytes=500, upto=partition.log_end)
        if not data:
            break
        found |= values_of(data)
        offset = max(found) + 1
    assert {number: b"value %02d" % number for number in found} == found
    return list(found)


def logs(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.log"))


def base(log: Path) -> int:
    return int(log.stem)


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 0x10
    path.write_bytes(content)


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "quakes-0"


# ---------------------------------------------------------------- whole logs


def test_a_log_is_there_after_a_kill(directory: Path) -> None:
    filled(directory)

    partition = opened(directory)

    assert list(range(40)) == values(partition)
    assert (40, 40, False, 0, ()) == (
        partition.log_end, partition.synced, partition.was_clean, partition.cut_bytes, partition.damage,
    )  # fmt: skip


@pytest.mark.parametrize("size", [0, SIZE])
def test_a_segment_that_lost_its_end_is_known_by_the_next_start(directory: Path, size: int) -> None:
    filled(directory)
    cut(logs(directory)[1], size)
    first = opened(directory)
    first.close()

    again = opened(directory, clean=True)

    assert (True, first.leader_epoch) == (again.was_clean, again.leader_epoch)


def test_what_is_appended_to_a_segment_that_lost_its_end_is_there_after_a_kill(directory: Path) -> None:
    partition = opened(directory, settings=ONE_SEGMENT)
    for number in range(40):
        partition.append(batch(b"value %02d" % number), now_us=1_000_000)
    partition.close()
    cut(logs(directory)[0], 10 * SIZE)
    partition = opened(directory, settings=ONE_SEGMENT)
    for number in range(40, 80):
        partition.append(batch(b"value %02d" % number), now_us=1_000_000)
    partition.sync()

    assert [*range(10), *range(40, 80)] == values(opened(directory, settings=ONE_SEGMENT))


def test_a_log_that_was_never_synced_is_there_after_a_kill(directory: Path) -> None:
    filled(directory, synced=0)

    assert list(range(40)) == values(opened(directory))


def test_a_clean_start_scans_nothing_and_keeps_the_leader_epoch(directory: Path) -> None:
    partition = opened(directory)
    for number in range(40):
        partition.append(batch(b"value %02d" % number), now_us=1_000_000)
    partition.close()
    disk = FaultyDisk()

    again = opened(directory, clean=True, disk=disk)

    assert (True, 0, 40) == (again.was_clean, again.leader_epoch, again.log_end)
    assert 0 == disk.count("pread", ".log") == disk.count("fdatasync")
    assert list(range(40)) == values(again)


def test_names_are_durable_before_any_meta_is_written(directory: Path) -> None:
    filled(directory, synced=0)  # in several segments
    disk = FaultyDisk()

    opened(directory, disk=disk)

    done = [(operation, name) for operation, name in disk.done if operation == "fsync_dir" or ".meta" in name]
    assert ("fsync_dir", directory.name) == done[0]
    assert any(operation == "rename" for operation, _ in done)


def test_an_unclean_start_raises_the_leader_epoch_durably(directory: Path) -> None:
    filled(directory)

    assert 1 == opened(directory).leader_epoch
    assert 2 == opened(directory).leader_epoch
    assert ((0, 0), (2, 40)) == _epochs(directory)


def _epochs(directory: Path) -> tuple[tuple[int, int], ...]:
    state = read_state(OsDisk(), directory / STATE)
    assert state is not None
    return state.epochs


def test_a_clean_mark_is_not_believed_where_files_say_otherwise(directory: Path) -> None:
    filled(directory)

    partition = opened(directory, clean=True)

    assert (False, 1) == (partition.was_clean, partition.leader_epoch)
    assert list(range(40)) == values(partition)


def test_only_what_lies_behind_the_checkpoint_is_scanned(directory: Path) -> None:
    filled(directory, 40, settings=(settings := LogSettings(checkpoint_bytes=300, index_bytes=100)))
    log_bytes = logs(directory)[0].stat().st_size
    whole, disk = OsDisk(), FaultyDisk()

    opened(directory, disk=disk, settings=settings)

    assert log_bytes == whole.open(logs(directory)[0]).size()
    assert disk.count("pread", ".log") <= 3


def test_recovery_can_be_repeated(directory: Path) -> None:
    filled(directory, synced=30)
    for _ in range(3):
        partition = opened(directory)

        assert list(range(40)) == values(partition)
        assert 0 == partition.cut_bytes


def test_a_recovered_log_is_appended_to(directory: Path) -> None:
    filled(directory)
    partition = opened(directory)
    partition.append(batch(b"value 40"), now_us=2_000_000)
    partition.sync()

    assert list(range(41)) == values(opened(directory))


def test_what_was_not_known_to_be_synced_is_written_and_synced_again(directory: Path) -> None:
    filled(directory, synced=30, settings=ONE_SEGMENT)
    disk = FaultyDisk()

    opened(directory, disk=disk, settings=ONE_SEGMENT)

    done = [(operation, name) for operation, name in disk.done if name.endswith((".log", SYNCED))]
    written = [step for step in done if step[0] in {"pwrite", "fdatasync"}]
    log = logs(directory)[0].name
    assert [("pwrite", log), ("fdatasync", log), ("pwrite", SYNCED)] == written


# ---------------------------------------------------------------- torn tails


@pytest.mark.parametrize("left", [1, 30, 61, 70])
def test_a_torn_tail_that_was_never_synced_is_cut(directory: Path, left: int) -> None:
    filled(directory, 11, synced=10, settings=ONE_SEGMENT)
    log = logs(directory)[0]
    size = log.stat().st_size
    tail = size - SIZE
    cut(log, tail + left)

    partition = opened(directory, settings=ONE_SEGMENT)

    assert list(range(10)) == values(partition)
    assert (10, left, tail) == (partition.log_end, partition.cut_bytes, log.stat().st_size)
    assert () == partition.damage


def test_an_altered_batch_that_was_never_synced_takes_those_behind_it_along(directory: Path) -> None:
    filled(directory, 12, synced=8, settings=ONE_SEGMENT)
    flip(logs(directory)[0], SIZE * 9 + 70)

    partition = opened(directory, settings=ONE_SEGMENT)
    partition.append(batch(b"value 09"), now_us=2_000_000)

    assert list(range(10)) == values(partition)
    assert () == partition.damage


def test_segments_behind_a_tail_that_was_never_synced_are_dropped(directory: Path) -> None:
    filled(directory, 40, synced=5)
    first, *others = logs(directory)
    cut(first, first.stat().st_size - 1)

    partition = opened(directory)

    assert base(others[0]) - 1 == partition.log_end
    assert list(range(partition.log_end)) == values(partition)
    assert [first] == logs(directory)
    assert 0 == len([path for path in directory.iterdir() if path.name.startswith(others[0].stem)])


def test_segments_behind_one_that_lost_its_unsynced_end_whole_are_dropped(directory: Path) -> None:
    filled(directory, 40, synced=5)
    first, *others = logs(directory)
    cut(first, first.stat().st_size - SIZE)

    partition = opened(directory)

    assert base(others[0]) - 1 == partition.log_end
    assert [first] == logs(directory)


def test_segments_behind_a_first_one_that_was_never_synced_and_is_gone_are_dropped(directory: Path) -> None:
    filled(directory, 40, synced=0)
    logs(directory)[0].unlink()

    partition = opened(directory)
    add_at = partition.log_end
    partition.append(batch(b"value 00"), now_us=2_000_000)

    assert 0 == add_at
    assert [0] == values(partition)
    assert 1 == len(logs(directory))


def test_a_directory_that_was_never_synced_is_synced_by_the_process_after(directory: Path) -> None:
    filled(directory, 3, synced=0)
    disk = FaultyDisk()

    opened(directory, disk=disk).append(batch(b"value 03"), now_us=2_000_000)
    partition = opened(directory, disk=disk)
    partition.append(batch(b"value 04"), now_us=2_000_000)
    partition.sync()

    assert ("fsync_dir", directory.parent.name) in disk.done


def test_rubbish_behind_the_last_record_of_a_segment_is_cut(directory: Path) -> None:
    filled(directory)
    log = logs(directory)[0]
    size = log.stat().st_size
    log.write_bytes(log.read_bytes() + b"rubbish")

    partition = opened(directory)

    assert list(range(40)) == values(partition)
    assert (size, 7) == (log.stat().st_size, partition.cut_bytes)


# ---------------------------------------------------------------- damage to what was synced


def test_damage_to_synced_records_is_set_aside_and_never_cut(directory: Path) -> None:
    filled(directory, 10, settings=ONE_SEGMENT)
    log = logs(directory)[0]
    flip(log, SIZE * 5 + 70)
    size = log.stat().st_size

    partition = opened(directory, settings=ONE_SEGMENT)

    assert [0, 1, 2, 3, 4, 6, 7, 8, 9] == values(partition)
    assert (10, 0, size) == (partition.log_end, partition.cut_bytes, log.stat().st_size)
    assert (Damage(0, SIZE * 5, SIZE * 6, 5, 6),) == partition.damage


def test_damage_is_remembered(directory: Path) -> None:
    filled(directory, 10, settings=ONE_SEGMENT)
    flip(logs(directory)[0], SIZE * 5 + 70)
    first = opened(directory, settings=ONE_SEGMENT)
    first.close()

    again = opened(directory, clean=True, settings=ONE_SEGMENT)

    assert again.was_clean
    assert first.damage == again.damage
    assert [0, 1, 2, 3, 4, 6, 7, 8, 9] == values(again)


def test_known_damage_is_passed_when_a_segment_is_scanned_anew(directory: Path) -> None:
    filled(directory, 10, settings=ONE_SEGMENT)
    log = logs(directory)[0]
    flip(log, SIZE * 5 + 70)
    first = opened(directory, settings=ONE_SEGMENT)
    log.with_suffix(".meta").unlink()

    again = opened(directory, settings=ONE_SEGMENT)

    assert first.damage == again.damage
    assert [0, 1, 2, 3, 4, 6, 7, 8, 9] == values(again)


def test_offsets_of_a_lost_synced_end_are_not_given_again(directory: Path) -> None:
    filled(directory, 10, settings=ONE_SEGMENT)
    log = logs(directory)[0]
    flip(log, SIZE * 9 + 70)

    partition = opened(directory, settings=ONE_SEGMENT)
    partition.append(batch(b"value 10"), now_us=2_000_000)
    partition.sync()

    assert [*range(9), 10] == values(partition)
    assert [*range(9), 10] == values(opened(directory, settings=ONE_SEGMENT))


@pytest.mark.parametrize("left", [SIZE * 7, SIZE * 7 + 20])
def test_offsets_of_a_cut_synced_end_are_not_given_again(directory: Path, left: int) -> None:
    filled(directory, 10, settings=ONE_SEGMENT)
    cut(logs(directory)[0], left)

    partition = opened(directory, settings=ONE_SEGMENT)
    partition.append(batch(b"value 10"), now_us=2_000_000)
    partition.sync()

    assert [*range(7), 10] == values(partition)
    assert 1 == len(partition.damage)
    again = opened(directory, settings=ONE_SEGMENT)
    assert [*range(7), 10] == values(again)
    assert partition.damage == again.damage


def test_a_sealed_segment_that_lost_its_end_keeps_the_segments_behind_it(directory: Path) -> None:
    filled(directory)
    first, second, *_ = logs(directory)
    cut(first, first.stat().st_size - 5)

    partition = opened(directory)

    assert [number for number in range(40) if number != base(second) - 1] == values(partition)
    assert 0 == partition.cut_bytes


def test_a_segment_without_meta_is_scanned_whole(directory: Path) -> None:
    filled(directory)
    first = logs(directory)[0]
    first.with_suffix(".meta").unlink()

    assert list(range(40)) == values(opened(directory))
    assert first.with_suffix(".meta").exists()


def test_a_damaged_segment_without_meta_serves_what_is_good(directory: Path) -> None:
    filled(directory)
    first = logs(directory)[0]
    first.with_suffix(".meta").unlink()
    flip(first, SIZE * 3 + 70)

    assert [number for number in range(40) if number != 3] == values(opened(directory))


def test_a_missing_segment_is_a_gap(directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    filled(directory)
    first, second, third, *_ = logs(directory)
    second.unlink()

    partition = opened(directory)

    lost = range(base(second), base(third))
    assert [number for number in range(40) if number not in lost] == values(partition)
    assert f"offsets {base(second)} to {base(third) - 1} are missing" in caplog.text
    assert first.exists()


def test_missing_first_segments_move_the_start_of_the_log(directory: Path) -> None:
    filled(directory)
    first, second, *_ = logs(directory)
    first.unlink()

    partition = opened(directory)

    assert base(second) == partition.log_start
    assert list(range(base(second), 40)) == values(partition)


def test_a_log_whose_files_are_all_gone_goes_on_behind_them(directory: Path) -> None:
    filled(directory)
    for path in directory.iterdir():
        if path.name not in {STATE, SYNCED}:
            path.unlink()

    partition = opened(directory)

    assert (40, 40) == (partition.log_start, partition.log_end)


def test_an_active_index_with_damage_beneath_it_is_built_past_the_damage(directory: Path) -> None:
    partition = opened(directory, settings=ONE_SEGMENT)
    for number in range(10):
        partition.append(batch(b"value %02d" % number), now_us=1_000_000)
    partition.close()
    log = logs(directory)[0]
    log.with_suffix(".index").unlink()
    flip(log, SIZE * 5 + 70)

    for clean in (True, False):
        again = opened(directory, clean=clean, settings=ONE_SEGMENT)
        assert [0, 1, 2, 3, 4, 6, 7, 8, 9] == values(again)
        log.with_suffix(".index").unlink()


def test_a_damaged_checkpoint_with_damage_beneath_it_is_passed(directory: Path) -> None:
    filled(directory, 10, settings=(settings := LogSettings(checkpoint_bytes=300, index_bytes=100)))
    log = logs(directory)[0]
    log.with_suffix(".index").unlink()
    flip(log, SIZE * 2 + 70)

    assert [0, 1, *range(3, 10)] == values(opened(directory, settings=settings))


# ---------------------------------------------------------------- the small files


def test_a_lost_mark_costs_nothing_where_the_log_is_whole(directory: Path) -> None:
    filled(directory)
    (directory / SYNCED).unlink()

    assert list(range(40)) == values(opened(directory))


@pytest.mark.parametrize("content", [b"", b"short", bytes(12), b"\xff" * 12])
def test_a_mark_that_is_not_right_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / SYNCED).write_bytes(content)

    assert 0 == SyncedMark(OsDisk().open(tmp_path / SYNCED)).read()


def test_a_mark_is_read_as_it_was_written(tmp_path: Path) -> None:
    mark = SyncedMark(OsDisk().open(tmp_path / SYNCED, create=True))
    mark.write(7)
    mark.write(1 << 40)

    assert 1 << 40 == mark.read()


def test_a_damaged_state_costs_no_records_and_no_leader_epoch(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    filled(directory)
    opened(directory)
    last = opened(directory)
    last.append(batch(b"value 40"), now_us=2_000_000)
    last.close()
    flip(directory / STATE, 12)

    partition = opened(directory, clean=True)

    assert list(range(41)) == values(partition)
    assert (False, 3) == (partition.was_clean, partition.leader_epoch)
    assert "is damaged: the log starts at its first segment" in caplog.text


def test_a_damaged_state_of_a_damaged_log_has_an_epoch_too(directory: Path) -> None:
    filled(directory, 3, settings=ONE_SEGMENT)
    write_checked(OsDisk(), directory / STATE, PartitionState())
    flip(directory / STATE, 12)
    opened(directory, settings=ONE_SEGMENT).close()
    flip(directory / STATE, 12)
    for log in logs(directory):
        log.write_bytes(bytes(log.stat().st_size))

    partition = opened(directory, clean=True, settings=ONE_SEGMENT)

    assert [] == values(partition)
    assert 1 == partition.leader_epoch


def test_a_damaged_state_of_an_empty_log_is_made_anew(directory: Path) -> None:
    opened(directory).close()
    (directory / STATE).write_bytes(b"rubbish\n")

    assert 1 == opened(directory).leader_epoch


def test_what_a_crash_left_over_is_removed(directory: Path) -> None:
    filled(directory)
    leftovers = ["state.new", f"{0:020d}.meta.new", f"{7:020d}.index", f"{7:020d}.meta"]
    for name in leftovers:
        (directory / name).write_bytes(b"x")
    (directory / "somebody else's").write_bytes(b"x")

    opened(directory)

    assert not any((directory / name).exists() for name in leftovers)
    assert (directory / "somebody else's").exists()


def test_segments_before_the_start_of_the_log_that_a_crash_left_are_removed(directory: Path) -> None:
    filled(directory)
    first, second, *_ = logs(directory)
    write_checked(OsDisk(), directory / STATE, PartitionState(log_start=base(second) + 1))

    partition = opened(directory)

    assert not first.exists()
    assert second.exists()
    assert list(range(base(second) + 1, 40)) == [n for n in values(partition) if n >= partition.log_start]


def test_a_start_of_the_log_that_a_kill_left_is_durable_before_segments_go(directory: Path) -> None:
    filled(directory)
    write_checked(OsDisk(), directory / STATE, PartitionState(log_start=30))

    opened(directory, disk=(disk := FaultyDisk()))

    done = [step for step in disk.done if step[0] in {"fsync_dir", "unlink"}]
    assert [("fsync_dir", directory.name), ("unlink", f"{0:020d}.arrival")] == done[:2]


def test_age_counts_from_the_last_write_where_no_meta_tells(directory: Path) -> None:
    filled(directory, 3)
    modified_us = logs(directory)[0].stat().st_mtime_ns // 1_000
    partition = opened(directory, settings=LogSettings(segment_bytes=1))
    partition.append(batch(b"value 03"), now_us=modified_us + 500_000_000)
    partition.sync()

    partition.settings = LogSettings(retention_us=1_000_000_000)

    assert 0 == partition.enforce_retention(now_us=modified_us + 999_000_000)
    assert 1 == partition.enforce_retention(now_us=modified_us + 1_100_000_000)


@pytest.mark.parametrize("operation", ["fdatasync", "rename", "fsync_dir", "truncate", "pread"])
def test_a_disk_that_fails_while_a_log_is_opened_is_told(directory: Path, operation: str) -> None:
    filled(directory, 11, synced=10, settings=ONE_SEGMENT)
    cut(logs(directory)[0], SIZE * 10 + 5)
    disk = FaultyDisk(Fault(operation=operation, error=errno.EIO))

    with pytest.raises(LogError, match=r"quakes-0: cannot open its log: .*Input/output error"):
        opened(directory, disk=disk, settings=ONE_SEGMENT)

    assert list(range(10)) == values(opened(directory, settings=ONE_SEGMENT))
