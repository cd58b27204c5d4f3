from pathlib import Path

import pytest

from tests.support.batches import values_of
from tests.support.faulty_disk import FaultyDisk
from tests.support.segments import BASE, EVERYTHING, add, damage, expected, filled, made, put, read_all, sealed
from tivo.log.disk import OsDisk
from tivo.log.meta import Damage, SegmentMeta
from tivo.log.segment import Segment
from tivo.log.segment_files import LOG, META, OFFSETS, TIMES
from tivo.wire.record_batch import Record as WireRecord
from tivo.wire.record_batch import build

# ---------------------------------------------------------------- reading


def test_every_record_is_read_back(tmp_path: Path) -> None:
    segment, _ = filled(tmp_path)

    assert expected(30) == list(read_all(segment))


@pytest.mark.parametrize("reopened", [False, True])
def test_a_read_begins_with_the_batch_that_holds_the_offset(tmp_path: Path, reopened: bool) -> None:
    segment = made(tmp_path)
    for _ in range(20):
        add(segment, b"a", b"b", b"c")
    segment = sealed(segment) if reopened else segment

    for n in range(60):
        assert BASE + n // 3 * 3 == min(values_of(segment.read(BASE + n, max_bytes=1, upto=EVERYTHING)))


def test_a_read_stops_at_its_size_but_gives_one_batch_at_least(tmp_path: Path) -> None:
    segment, positions = filled(tmp_path)
    size = positions[1]

    assert 1 == len(values_of(segment.read(BASE, max_bytes=1, upto=EVERYTHING)))
    assert 1 == len(values_of(segment.read(BASE, max_bytes=2 * size - 1, upto=EVERYTHING)))
    assert 2 == len(values_of(segment.read(BASE, max_bytes=2 * size, upto=EVERYTHING)))


def test_a_read_stops_before_the_batch_that_reaches_the_limit(tmp_path: Path) -> None:
    segment = made(tmp_path)
    for _ in range(3):
        add(segment, b"a", b"b")

    assert [BASE, BASE + 1] == list(values_of(segment.read(BASE, max_bytes=10_000, upto=BASE + 2)))
    assert [BASE, BASE + 1] == list(values_of(segment.read(BASE, max_bytes=10_000, upto=BASE + 3)))
    assert [] == list(values_of(segment.read(BASE, max_bytes=10_000, upto=BASE + 1)))
    assert [] == list(values_of(segment.read(BASE + 2, max_bytes=10_000, upto=BASE + 2)))


def test_there_is_nothing_behind_the_end(tmp_path: Path) -> None:
    segment, _ = filled(tmp_path, 3)

    assert 0 == len(segment.read(BASE + 3, max_bytes=100, upto=EVERYTHING))


# ---------------------------------------------------------------- meta and indexes


def test_meta_counts_what_the_segment_holds(tmp_path: Path) -> None:
    segment = made(tmp_path)
    add(segment, b"a", b"b", times_ms=(30, 50))
    add(segment, b"c", times_ms=(20,))
    segment.save(segment.snapshot())

    again = Segment(OsDisk(), tmp_path, BASE, index_bytes=200)

    assert again.load_meta()
    assert (2, 3, 20, 50) == (again.batches, again.records, again.min_time_ms, again.max_time_ms)
    assert (segment.size, BASE + 3) == (again.size, again.next_offset)
    assert again.is_whole()


def test_the_oldest_time_is_that_of_first_records_and_no_search_leans_on_it(tmp_path: Path) -> None:
    segment = made(tmp_path)
    add(segment, b"a", b"b", times_ms=(30, 10))

    assert (30, 30) == (segment.snapshot().min_time_ms, segment.snapshot().max_time_ms)
    assert (30, BASE) == segment.first_at(5, from_offset=BASE)
    assert (10, BASE + 1) == segment.first_at(5, from_offset=BASE + 1)


def test_without_meta_a_segment_is_not_known(tmp_path: Path) -> None:
    made(tmp_path)

    assert not Segment(OsDisk(), tmp_path, BASE, index_bytes=200).load_meta()


def test_meta_comes_after_what_it_speaks_of(tmp_path: Path) -> None:
    segment = made(tmp_path, disk := FaultyDisk())
    add(segment, b"a")
    disk.done.clear()

    segment.save(segment.snapshot())

    synced = [name for operation, name in disk.done if operation == "fdatasync"]
    assert [f"{BASE:020d}.index", f"{BASE:020d}.timeindex", f"{BASE:020d}.meta.new"] == synced


def test_indexes_are_written_on_where_they_ended(tmp_path: Path) -> None:
    segment, _ = filled(tmp_path, 30)
    segment.save(segment.snapshot())
    for n in range(30, 60):
        add(segment, b"value %d" % n, times_ms=(n * 10,))

    again = sealed(segment)

    assert expected(60) == list(read_all(again))
    assert again.path(OFFSETS).stat().st_size == again.meta.offsets.entries * 8
    assert again.path(TIMES).stat().st_size == again.meta.times.entries * 12


def test_the_files_of_a_segment_go_together(tmp_path: Path) -> None:
    segment, _ = filled(tmp_path)
    segment.save(segment.snapshot())

    segment.remove()
    segment.remove()

    assert [] == list(tmp_path.iterdir())


def test_a_segment_without_its_log_is_not_left_behind(tmp_path: Path) -> None:
    disk = FaultyDisk()
    segment = made(tmp_path, disk)
    add(segment, b"a")
    segment.save(segment.snapshot())

    segment.remove()

    assert [META, OFFSETS, TIMES, LOG] == [name[20:] for operation, name in disk.done if operation == "unlink"]


# ---------------------------------------------------------------- damage


@pytest.mark.parametrize("reopened", [False, True])
@pytest.mark.parametrize("lost", [0, 1, 15, 28, 29])
def test_good_records_around_damage_are_served(tmp_path: Path, lost: int, reopened: bool) -> None:
    segment, positions = filled(tmp_path)
    segment = sealed(segment) if reopened else segment
    damage(segment, positions[lost])

    assert expected(30, lost=(lost,)) == list(read_all(segment))
    assert expected(30, lost=(lost,)) == list(read_all(segment, max_bytes=1))
    (found,) = segment.damage.values()
    assert (positions[lost], BASE + lost, BASE + lost + 1) == (found.position, found.first_offset, found.next_offset)


@pytest.mark.parametrize("byte", [*range(8), *range(8, 12), *range(16, 61)])
def test_no_header_byte_can_be_altered_unseen(tmp_path: Path, byte: int) -> None:
    segment, positions = filled(tmp_path)
    file = OsDisk().open(segment.path(LOG))
    old = file.pread(1, positions[15] + byte)
    file.pwrite(bytes([old[0] ^ 0x41]), positions[15] + byte)

    assert expected(30, lost=(15,)) == list(read_all(segment))


def test_a_file_that_was_cut_by_somebody_else_is_damaged(tmp_path: Path) -> None:
    segment, positions = filled(tmp_path)
    OsDisk().open(segment.path(LOG)).truncate(positions[20] + 70)

    assert expected(20) == list(read_all(segment))


def test_damage_is_told_loudly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    segment, positions = filled(tmp_path)
    damage(segment, positions[5])

    list(read_all(segment))

    assert f"bytes {positions[5]} to {positions[6]} are damaged, offsets 1005 to 1005 cannot be served" in caplog.text
    assert ["ERROR"] == [record.levelname for record in caplog.records]


def test_a_lost_end_is_a_gap_that_appends_go_on_behind(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    segment, _ = filled(tmp_path, 3)

    segment.close_gap(BASE + 5)
    segment.close_gap(BASE + 5)
    add(segment, b"value 5")
    add(segment, b"value 6")

    assert expected(7, lost=(3, 4)) == list(read_all(segment))
    assert 1 == caplog.text.count("offsets 1003 to 1004 are missing")


def test_damage_at_the_end_belongs_to_the_segment(tmp_path: Path) -> None:
    segment, _ = filled(tmp_path, 3)
    size = segment.size
    segment.damage = {size: Damage(BASE, size, size + 50, BASE + 3, BASE + 4)}

    segment.pass_damage()

    assert (size + 50, BASE + 4) == (segment.size, segment.next_offset)


def test_a_meta_that_is_taken_closes_the_files(tmp_path: Path) -> None:
    segment, positions = filled(tmp_path)
    two = SegmentMeta(bytes=positions[2], next_offset=BASE + 2)

    segment.take(two)

    assert [(BASE, b"value 0"), (BASE + 1, b"value 1")] == list(read_all(segment))
    assert not segment.is_whole()


def test_a_compressed_batch_is_served_as_it_came(tmp_path: Path) -> None:
    segment = made(tmp_path)
    from tivo.wire.compression import Codec  # noqa: PLC0415 - this one test only

    put(segment, build([WireRecord(0, 5, b"k", b"v" * 1_000)], codec=Codec.ZSTD))

    data = segment.read(BASE, max_bytes=10, upto=EVERYTHING)

    assert {BASE: b"v" * 1_000} == values_of(data)
    assert (5, BASE) == segment.first_at(0, from_offset=BASE)


# ---------------------------------------------------------------- letting go


def test_a_release_lets_go_of_the_files(tmp_path: Path) -> None:
    segment, _ = filled(tmp_path)
    held = sealed(segment).opened()

    segment.release()

    assert held is not segment.opened()


def test_a_release_that_is_overtaken_by_a_replacement_lets_go_of_nothing(tmp_path: Path) -> None:
    segment, _ = filled(tmp_path)
    held = sealed(segment).opened()
    segment._opening = Overtaken(segment)  # type: ignore[assignment]

    segment.release()

    assert held is segment.opened()


class Overtaken:
    """The lock of a segment, had only after somebody else let the segment be replaced."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment

    def __enter__(self) -> None:
        self._segment.is_replaced = True

    def __exit__(self, *failed: object) -> None:
        pass


def test_a_segment_whose_log_cannot_be_opened_is_not_replaced(tmp_path: Path) -> None:
    segment, _ = filled(tmp_path)
    sealed(segment)
    segment.path(LOG).unlink()

    with pytest.raises(FileNotFoundError):
        segment.let_replace()

    assert not segment.is_replaced
