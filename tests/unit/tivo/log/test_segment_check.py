"""What the files beside a segment's log say, compared with its batches."""

from pathlib import Path

import msgspec
import pytest

from tests.support.batches import batch
from tests.support.partitions import SETTINGS, fill, flip
from tivo.log.disk import OsDisk, ReadOnlyDisk
from tivo.log.index import IndexProof, SegmentIndex
from tivo.log.meta import SegmentMeta
from tivo.log.partition import Partition
from tivo.log.scan import Found
from tivo.log.segment_check import SegmentCheck
from tivo.log.segment_files import SegmentFiles
from tivo.log.walk import walk


@pytest.fixture
def files(tmp_path: Path) -> SegmentFiles:
    """The second segment of a log: batches of one record at offsets and times 13 to 25."""
    place = fill(tmp_path)
    return SegmentFiles(OsDisk(), place.directory, 13, index_bytes=SETTINGS.index_bytes)


def troubles(files: SegmentFiles, meta: SegmentMeta | None = None, *, is_whole: bool = True) -> list[str]:
    found = meta or files.load_meta()
    assert found is not None
    check = SegmentCheck(ReadOnlyDisk(), files, 13, found)
    for step in walk(files.open_log(), 13):
        assert isinstance(step, Found)
        check.take(step)
    return [str(trouble) for trouble in check.troubles(is_whole=is_whole)]


def altered(files: SegmentFiles, **values: int) -> SegmentMeta:
    meta = files.load_meta()
    assert meta is not None
    return msgspec.structs.replace(meta, **values)


def test_what_fits_is_no_trouble(files: SegmentFiles) -> None:
    assert [] == troubles(files)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"next_offset": 27}, "next offset: it says 27, the log 26"),
        ({"batches": 3}, "batches: it says 3, the log 13"),
        ({"records": 3}, "records: it says 3, the log 13"),
        ({"max_time_ms": 99}, "newest time: it says 99, the log 25"),
    ],
)
def test_figure_that_differs_is_told(files: SegmentFiles, values: dict[str, int], told: str) -> None:
    meta = altered(files, **values)

    assert [f"{13:020d}.meta: {told}"] == troubles(files, meta)
    assert [] == troubles(files, meta, is_whole=False)


@pytest.mark.parametrize("suffix", ["index", "timeindex", "arrival"])
def test_file_that_is_not_what_the_meta_says_is_told(files: SegmentFiles, suffix: str) -> None:
    flip(files.path(f".{suffix}"), 5)

    assert [f"{13:020d}.{suffix}: it is not what the segment's meta says"] == troubles(files, is_whole=False)


def saved(files: SegmentFiles, offsets: tuple[int, int], times: tuple[int, int]) -> SegmentMeta:
    """A meta that vouches for indexes with these entries alone."""
    opened = files.without_entries(files.open_log())
    index = SegmentIndex(SETTINGS.index_bytes)
    index.offsets.append(*offsets)
    index.times.append(*times)
    meta = files.load_meta()
    assert meta is not None
    one = meta.offsets._replace(entries=1)
    vouched = msgspec.structs.replace(meta, offsets=one, times=one, arrivals=IndexProof(0, 0))
    return files.save(index, opened.aborted, vouched)


def test_entries_of_batches_are_right(files: SegmentFiles) -> None:
    assert [] == troubles(files, saved(files, offsets=(2, 2 * 76), times=(15, 2)))


@pytest.mark.parametrize(
    ("offsets", "times", "told"),
    [
        ((2, 153), (15, 2), "index: entry 0 is (2, 153), the batch there (3, 228)"),
        ((3, 152), (15, 2), "index: entry 0 is (3, 152), the batch there (2, 152)"),
        ((2, 152), (14, 2), "timeindex: entry 0 is (14, 2), the batch there (15, 2)"),
    ],
)
def test_entry_that_is_of_no_batch_is_told(
    files: SegmentFiles, offsets: tuple[int, int], times: tuple[int, int], told: str
) -> None:
    meta = saved(files, offsets, times)

    assert [f"{13:020d}.{told}"] == troubles(files, meta)
    assert [] == troubles(files, meta, is_whole=False)


def test_entries_behind_the_last_batch_are_told(files: SegmentFiles) -> None:
    meta = saved(files, (99, 9_999), (99, 99))

    assert [
        f"{13:020d}.index: entry 0 is (99, 9999), behind the last batch",
        f"{13:020d}.timeindex: entry 0 is (99, 99), behind the last batch",
    ] == troubles(files, meta)


def test_index_of_aborted_transactions_is_checked(files: SegmentFiles) -> None:
    meta = altered(files)
    claimed = msgspec.structs.replace(meta, aborted=meta.offsets)

    assert [f"{13:020d}.txnindex: it is not what the segment's meta says"] == troubles(files, claimed)


def test_time_index_knows_the_newest_time_so_far(tmp_path: Path) -> None:
    directory = tmp_path / "late-0"
    partition = Partition.open(directory, topic="late", partition=0, settings=SETTINGS, clean=True)
    for number in range(13):
        partition.append(batch(b"value %02d" % number, time_ms=500 - number), now_us=1_000_000)
    partition.close()
    files = SegmentFiles(OsDisk(), directory, 0, index_bytes=SETTINGS.index_bytes)
    meta = files.load_meta()
    assert meta is not None and meta.times.entries
    check = SegmentCheck(ReadOnlyDisk(), files, 0, meta)

    for step in walk(files.open_log(), 0):
        assert isinstance(step, Found)
        check.take(step)

    assert [] == list(check.troubles(is_whole=True))
