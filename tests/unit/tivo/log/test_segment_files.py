from pathlib import Path

from tests.support.faulty_disk import FaultyDisk
from tivo.log.aborted import AbortedIndex
from tivo.log.disk import Disk, OsDisk
from tivo.log.index import IndexProof, SegmentIndex
from tivo.log.meta import SegmentMeta
from tivo.log.segment_files import ABORTED, LOG, META, OFFSETS, TIMES, SegmentFiles
from tivo.log.transactions import Aborted


def files(directory: Path, disk: Disk | None = None) -> SegmentFiles:
    return SegmentFiles(disk or OsDisk(), directory, 1_000, index_bytes=0)


def indexed(count: int) -> SegmentIndex:
    index = SegmentIndex(0)
    for number in range(count + 1):
        index.note(number * 100, number, newest_ms=number, size=100)
    return index


def saved(
    directory: Path, index: SegmentIndex, disk: Disk | None = None, *, aborted: tuple[Aborted, ...] = ()
) -> SegmentMeta:
    entries = AbortedIndex()
    for each in aborted:
        entries.append(each)
    snapshot = SegmentMeta(
        bytes=5,
        offsets=IndexProof(len(index.offsets), 0),
        times=IndexProof(len(index.times), 0),
        aborted=IndexProof(len(aborted), 0),
    )
    return files(directory, disk).save(index, entries, snapshot)


def test_files_are_named_by_the_first_offset_as_kafka_names_them(tmp_path: Path) -> None:
    files(tmp_path).create()
    saved(tmp_path, indexed(3))

    assert [f"{1_000:020d}{suffix}" for suffix in (OFFSETS, LOG, META, TIMES)] == sorted(
        path.name for path in tmp_path.iterdir()
    )


def test_a_log_file_that_is_made_is_empty_whatever_lay_there(tmp_path: Path) -> None:
    files(tmp_path).path(LOG).write_bytes(b"left by somebody")

    assert 0 == files(tmp_path).create().log.size()


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    files(tmp_path).create()
    meta = saved(tmp_path, indexed(3))

    opened = files(tmp_path).load(meta)

    assert meta == files(tmp_path).load_meta()
    assert opened is not None
    assert [(1, 100), (2, 200), (3, 300)] == [opened.indexes.offsets.entry(number) for number in range(3)]
    assert (3, 3) == opened.indexes.times.entry(2)


def test_indexes_of_another_moment_are_not_loaded(tmp_path: Path) -> None:
    files(tmp_path).create()
    first = saved(tmp_path, indexed(3))
    saved(tmp_path, indexed(1))

    assert files(tmp_path).load(first) is None


def test_times_alone_may_be_wrong(tmp_path: Path) -> None:
    files(tmp_path).create()
    meta = saved(tmp_path, indexed(3))
    files(tmp_path).path(TIMES).unlink()

    assert files(tmp_path).load(meta) is None


def test_aborted_transactions_are_kept_where_there_are_any(tmp_path: Path) -> None:
    files(tmp_path).create()
    meta = saved(tmp_path, indexed(3), aborted=(Aborted(7, 1_000, 1_002, 1_003),))

    opened = files(tmp_path).load(meta)

    assert opened is not None
    assert [Aborted(7, 1_000, 1_002, 1_003)] == list(opened.aborted)


def test_segment_whose_aborted_transactions_are_missing_is_not_loaded(tmp_path: Path) -> None:
    files(tmp_path).create()
    meta = saved(tmp_path, indexed(3), aborted=(Aborted(7, 1_000, 1_002, 1_003),))
    files(tmp_path).path(ABORTED).unlink()

    assert files(tmp_path).load(meta) is None


def test_a_segment_that_was_never_saved_has_no_meta_and_empty_indexes(tmp_path: Path) -> None:
    files(tmp_path).create()

    opened = files(tmp_path).load(SegmentMeta())

    assert files(tmp_path).load_meta() is None
    assert opened is not None
    assert 0 == len(opened.indexes.offsets)


def test_indexes_are_synced_before_the_meta_speaks_of_them(tmp_path: Path) -> None:
    disk = FaultyDisk()

    saved(tmp_path, indexed(3), disk)

    stem = f"{1_000:020d}"
    steps = [step for step in disk.done if step[0] in {"fdatasync", "rename"}]
    assert [
        ("fdatasync", stem + OFFSETS),
        ("fdatasync", stem + TIMES),
        ("fdatasync", stem + META + ".new"),
        ("rename", stem + META),
    ] == steps


def test_the_log_is_removed_last(tmp_path: Path) -> None:
    disk = FaultyDisk()
    files(tmp_path).create()
    saved(tmp_path, indexed(3))

    files(tmp_path, disk).remove()
    files(tmp_path, disk).remove()

    assert [META, OFFSETS, TIMES, LOG] == [name[20:] for operation, name in disk.done if operation == "unlink"]
    assert [] == list(tmp_path.iterdir())
