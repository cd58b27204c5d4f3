import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.batches import batch, values_of
from tests.support.faulty_disk import Fault, FaultyDisk
from tivo.log.disk import Disk, OsDisk, write_whole
from tivo.log.meta import Damage, SegmentMeta
from tivo.log.scan import DamagedBatch
from tivo.log.segment import Segment
from tivo.log.segment_files import LOG, META, OFFSETS, TIMES
from tivo.wire.record_batch import CRC_AT, build, read_header, stamp
from tivo.wire.record_batch import Record as WireRecord

BASE = 1_000
EVERYTHING = 1 << 62


def made(directory: Path, disk: Disk | None = None, *, base: int = BASE) -> Segment:
    segment = Segment(disk or OsDisk(), directory, base, index_bytes=200)
    segment.create()
    return segment


def add(segment: Segment, *values: bytes, times_ms: tuple[int, ...] = ()) -> int:
    """Append one batch; gives its position."""
    return put(segment, batch(*values, times_ms=times_ms))


def put(segment: Segment, data: bytearray) -> int:
    position = segment.size
    stamp(data, 0, segment.next_offset, 0)
    write_whole(segment.opened().log, data, position)
    segment.note(position, read_header(data), segment.next_offset)
    return position


def filled(directory: Path, count: int = 30) -> tuple[Segment, list[int]]:
    """A segment of batches of one record each, the record at offset BASE + n made at n * 10 ms; and their positions."""
    segment = made(directory)
    return segment, [add(segment, b"value %d" % n, times_ms=(n * 10,)) for n in range(count)]


def sealed(segment: Segment) -> Segment:
    segment.save(segment.snapshot())
    segment.release()
    return segment


def damage(segment: Segment, position: int) -> None:
    """Flip a bit of the last byte of a batch's header, which its CRC covers."""
    file = OsDisk().open(segment.path(LOG))
    byte = file.pread(1, position + 60)
    file.pwrite(bytes([byte[0] ^ 1]), position + 60)


def read_all(segment: Segment, *, max_bytes: int = 300) -> Iterator[tuple[int, bytes]]:
    """Every record that is served, setting damage aside on the way."""
    offset = segment.base
    while True:
        try:
            data = segment.read(offset, max_bytes=max_bytes, upto=EVERYTHING)
        except DamagedBatch as damaged:
            segment.set_aside(damaged, end=segment.size, next_offset=segment.next_offset)
            continue
        if not data:
            return
        values = values_of(data)
        yield from values.items()
        offset = max(values) + 1


def expected(count: int, *, lost: tuple[int, ...] = ()) -> list[tuple[int, bytes]]:
    return [(BASE + n, b"value %d" % n) for n in range(count) if n not in lost]


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


def test_a_consumer_goes_on_without_a_search(tmp_path: Path) -> None:
    segment = made(tmp_path, disk := FaultyDisk())
    for n in range(30):
        add(segment, b"value %d" % n)
    segment.read(BASE, max_bytes=1_000, upto=EVERYTHING)
    offset = max(values_of(segment.read(BASE, max_bytes=1_000, upto=EVERYTHING))) + 1
    disk.done.clear()

    segment.read(offset, max_bytes=1_000, upto=EVERYTHING)

    assert 1 == disk.count("pread")


def test_only_so_many_consumers_are_remembered(tmp_path: Path) -> None:
    segment, _ = filled(tmp_path, 100)

    for n in range(100):
        assert BASE + n in values_of(segment.read(BASE + n, max_bytes=1, upto=EVERYTHING))
    assert expected(100) == list(read_all(segment))


# ---------------------------------------------------------------- time


def test_the_first_record_at_a_time_is_found(tmp_path: Path) -> None:
    segment, _ = filled(tmp_path)

    for form in (segment, sealed(segment)):
        assert (0, BASE) == form.first_at(-5, from_offset=BASE)
        assert (70, BASE + 7) == form.first_at(70, from_offset=BASE)
        assert (80, BASE + 8) == form.first_at(71, from_offset=BASE)
        assert (290, BASE + 29) == form.first_at(290, from_offset=BASE)
        assert form.first_at(291, from_offset=BASE) is None


def test_time_is_looked_for_within_batches_and_out_of_order(tmp_path: Path) -> None:
    segment = made(tmp_path)
    add(segment, b"a", b"b", b"c", times_ms=(10, 90, 20))
    add(segment, b"d", b"e", times_ms=(30, 40))
    add(segment, b"f", times_ms=(95,))

    assert (90, BASE + 1) == segment.first_at(25, from_offset=BASE)
    assert (30, BASE + 3) == segment.first_at(25, from_offset=BASE + 2)
    assert (95, BASE + 5) == segment.first_at(91, from_offset=BASE)
    assert segment.first_at(95, from_offset=BASE + 6) is None


def test_a_batch_that_cannot_be_opened_stands_for_its_first_record(tmp_path: Path) -> None:
    segment = made(tmp_path)
    data = batch(b"a", b"b", times_ms=(10, 20))
    data[22] |= 4  # says zstd, and is not
    put(segment, recrc(data))

    assert (20, BASE) == segment.first_at(15, from_offset=BASE)
    assert (20, BASE + 1) == segment.first_at(15, from_offset=BASE + 1)


def test_a_header_that_promises_a_later_time_than_it_holds_is_passed(tmp_path: Path) -> None:
    segment = made(tmp_path)
    data = batch(b"a", times_ms=(10,))
    data[35:43] = (500).to_bytes(8, "big")
    put(segment, recrc(data))

    assert segment.first_at(100, from_offset=BASE) is None


def recrc(data: bytearray) -> bytearray:
    from crc32c import crc32c  # noqa: PLC0415 - this one forgery only

    data[CRC_AT : CRC_AT + 4] = crc32c(data[CRC_AT + 4 :]).to_bytes(4, "big")
    return data


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


@pytest.mark.parametrize("suffix", [OFFSETS, TIMES])
@pytest.mark.parametrize("harm", ["missing", "short", "altered"])
def test_an_index_that_is_not_right_is_built_anew(tmp_path: Path, suffix: str, harm: str) -> None:
    segment, _ = filled(tmp_path)
    sealed(segment)
    right = segment.path(suffix).read_bytes()
    if harm == "missing":
        segment.path(suffix).unlink()
    else:
        segment.path(suffix).write_bytes(right[:-1] if harm == "short" else b"\xff" + right[1:])

    assert (70, BASE + 7) == segment.first_at(70, from_offset=BASE)
    assert expected(30) == list(read_all(segment))
    assert right == segment.path(suffix).read_bytes()


def test_an_index_is_built_in_memory_where_the_disk_is_full(tmp_path: Path) -> None:
    segment, _ = filled(tmp_path)
    sealed(segment).path(OFFSETS).unlink()
    full = Segment(FaultyDisk(Fault(operation="pwrite", error=errno.ENOSPC)), tmp_path, BASE, index_bytes=200)
    full.load_meta()

    assert expected(30) == list(read_all(full))


def test_an_index_is_built_past_damage(tmp_path: Path) -> None:
    segment, positions = filled(tmp_path)
    sealed(segment).path(OFFSETS).unlink()
    damage(segment, positions[17])

    assert expected(30, lost=(17,)) == list(read_all(segment))


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


@pytest.mark.parametrize("byte", [7, 16])
@pytest.mark.parametrize("lost", [9, 12])
def test_an_indexed_batch_that_is_damaged_is_walked_to_from_the_one_before(
    tmp_path: Path, lost: int, byte: int
) -> None:
    segment, positions = filled(tmp_path)
    OsDisk().open(segment.path(LOG)).pwrite(b"\x11", positions[lost] + byte)

    with pytest.raises(DamagedBatch) as caught:
        segment.read(BASE + lost + 1, max_bytes=1, upto=EVERYTHING)
    segment.set_aside(caught.value, end=segment.size, next_offset=segment.next_offset)

    assert (positions[lost], BASE + lost) == (caught.value.position, caught.value.offset)
    assert [BASE + lost + 1] == list(values_of(segment.read(BASE + lost + 1, max_bytes=1, upto=EVERYTHING)))


def test_a_file_that_was_cut_by_somebody_else_is_damaged(tmp_path: Path) -> None:
    segment, positions = filled(tmp_path)
    OsDisk().open(segment.path(LOG)).truncate(positions[20] + 70)

    assert expected(20) == list(read_all(segment))


def test_neighbouring_damage_is_passed_in_one_go(tmp_path: Path) -> None:
    segment, positions = filled(tmp_path)
    for lost in (10, 11, 12):
        damage(segment, positions[lost])

    assert expected(30, lost=(10, 11, 12)) == list(read_all(segment))
    assert 1 == len(segment.damage)


def test_damage_found_in_pieces_is_passed_piece_by_piece(tmp_path: Path) -> None:
    segment, positions = filled(tmp_path)
    damage(segment, positions[11])
    list(read_all(segment))
    damage(segment, positions[10])

    assert expected(30, lost=(10, 11)) == list(read_all(segment))
    assert expected(30, lost=(10, 11)) == list(read_all(segment))
    assert 2 == len(segment.damage)


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


def test_the_newest_batch_is_found(tmp_path: Path) -> None:
    segment, _ = filled(tmp_path)
    newest = segment.newest()

    assert newest is not None
    assert BASE + 29 == newest.base_offset
    assert made(tmp_path, base=0).newest() is None


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
