from pathlib import Path

import pytest
from crc32c import crc32c

from tests.support.batches import batch, values_of
from tests.support.faulty_disk import FaultyDisk
from tests.support.segments import BASE, EVERYTHING, add, expected, filled, made, put, read_all, sealed
from tivo.log.disk import OsDisk
from tivo.log.lookup import Resumes
from tivo.log.scan import DamagedBatch
from tivo.log.segment_files import LOG
from tivo.wire.record_batch import CRC_AT

# ---------------------------------------------------------------- offsets


def test_ends_of_reads_are_remembered_until_there_are_too_many() -> None:
    resumes = Resumes()
    for offset in range(64):
        resumes.remember(offset, offset * 10)
    assert (0, 630, None) == (resumes.position(0), resumes.position(63), resumes.position(64))

    resumes.remember(64, 640)

    assert (None, 640) == (resumes.position(63), resumes.position(64))


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


def test_the_newest_batch_is_found(tmp_path: Path) -> None:
    segment, _ = filled(tmp_path)
    newest = segment.lookup().newest()

    assert newest is not None
    assert BASE + 29 == newest.base_offset
    assert made(tmp_path, base=0).lookup().newest() is None


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
    data[CRC_AT : CRC_AT + 4] = crc32c(data[CRC_AT + 4 :]).to_bytes(4, "big")
    return data
