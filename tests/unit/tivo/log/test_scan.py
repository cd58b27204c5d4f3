from pathlib import Path

import pytest

from tests.support.batches import batch
from tivo.log.disk import OsDisk, OsFile, write_whole
from tivo.log.scan import HEADER_BYTES, DamagedBatch, check, find_batch, good_until, scan, whole_batches
from tivo.model.errors import WireError
from tivo.wire.record_batch import stamp


def stamped(offset: int, value: bytes = b"value", records: int = 1) -> bytearray:
    data = batch(*[value] * records)
    stamp(data, 0, offset, 0)
    return data


def log_of(tmp_path: Path, *pieces: bytes | bytearray) -> OsFile:
    file = OsDisk().open(tmp_path / "log", create=True)
    write_whole(file, b"".join(pieces), 0)
    return file


def test_a_good_batch_is_given_with_its_header() -> None:
    header = check(stamped(7, records=3), 0, 7)

    assert header is not None
    assert (7, 9) == (header.base_offset, header.last_offset)


def test_a_batch_that_ends_behind_the_buffer_is_not_judged() -> None:
    data = stamped(7)

    assert [None] * len(data) == [check(data[:size], 0, 7) for size in range(len(data))]


def test_a_batch_at_another_offset_is_wrong() -> None:
    with pytest.raises(WireError, match="begins at offset 7"):
        check(stamped(7), 0, 6)


def test_altered_bytes_are_wrong() -> None:
    data = stamped(7)
    data[-1] ^= 1

    with pytest.raises(WireError, match="damaged"):
        check(data, 0, 7)


def test_good_batches_below_the_limit_are_told_by_where_they_end() -> None:
    data = memoryview(stamped(5) + stamped(6, records=2) + stamped(8))
    one, two = len(stamped(5)), len(stamped(6, records=2))

    assert (len(data), 9) == good_until(data, 5, 100)
    assert (one + two, 8) == good_until(data, 5, 8)
    assert (one, 6) == good_until(data, 5, 7)
    assert (0, 5) == good_until(data, 5, 5)
    assert (one + two, 8) == good_until(data[:-1], 5, 100)
    assert (0, 5) == good_until(data[:60], 5, 100)


@pytest.mark.parametrize("byte", [*range(12), *range(16, 69)])
def test_good_batches_end_before_one_that_is_altered(byte: int) -> None:
    data = stamped(5) + stamped(6) + stamped(7)
    data[len(stamped(5)) + byte] ^= 0x81

    assert (len(stamped(5)), 6) == good_until(memoryview(data), 5, 100)


def test_a_batch_shorter_than_its_header_is_not_good() -> None:
    data = stamped(5)
    data[8:12] = (9).to_bytes(4, "big")
    data[17:21] = bytes(4)

    assert (0, 5) == good_until(memoryview(data), 5, 100)


@pytest.mark.parametrize("chunk", [HEADER_BYTES, 100, 1_000, 1 << 20])
def test_all_batches_are_found_whatever_is_read_at_once(tmp_path: Path, chunk: int) -> None:
    pieces = [stamped(0), stamped(1, b"x" * 500, records=2), stamped(3), stamped(4, b"y" * 5_000)]
    log = log_of(tmp_path, *pieces)

    found = [(position, header.base_offset) for position, header in scan(log, 0, log.size(), 0, chunk=chunk)]

    sizes = [len(piece) for piece in pieces]
    assert [(0, 0), (sizes[0], 1), (sum(sizes[:2]), 3), (sum(sizes[:3]), 4)] == found


def test_nothing_is_found_at_the_end(tmp_path: Path) -> None:
    assert [] == list(scan(log_of(tmp_path), 0, 0, 0))


def scanned_offsets(log: OsFile, end: int) -> tuple[list[int], DamagedBatch]:
    offsets = []
    with pytest.raises(DamagedBatch) as caught:
        for _, header in scan(log, 0, end, 0):
            offsets.append(header.base_offset)
    return offsets, caught.value


def test_damage_is_told_by_position_and_offset(tmp_path: Path) -> None:
    bad = stamped(1)
    bad[-1] ^= 1
    log = log_of(tmp_path, good := stamped(0), bad, stamped(2))

    offsets, damaged = scanned_offsets(log, log.size())

    assert [0] == offsets
    assert (len(good), 1) == (damaged.position, damaged.offset)
    assert "offset 1 at position" in str(damaged)


@pytest.mark.parametrize("left", [1, 11, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 3])
def test_a_torn_batch_is_damage(tmp_path: Path, left: int) -> None:
    log = log_of(tmp_path, good := stamped(0), stamped(1)[:left])

    offsets, damaged = scanned_offsets(log, log.size())

    assert ([0], len(good)) == (offsets, damaged.position)
    assert "cut short" in str(damaged)


def test_a_batch_that_claims_more_than_there_is_is_damage(tmp_path: Path) -> None:
    huge = stamped(0)
    huge[8:12] = (1 << 30).to_bytes(4, "big")
    log = log_of(tmp_path, huge, stamped(1))

    _, damaged = scanned_offsets(log, log.size())

    assert (0, 0) == (damaged.position, damaged.offset)


def test_bytes_that_are_no_batch_are_damage(tmp_path: Path) -> None:
    _, damaged = scanned_offsets(log_of(tmp_path, bytes(200)), 200)

    assert "format 0" in str(damaged)


def test_a_file_shorter_than_its_end_is_damage(tmp_path: Path) -> None:
    log = log_of(tmp_path, stamped(0))

    offsets, damaged = scanned_offsets(log, log.size() + 100)

    assert ([0], log.size()) == (offsets, damaged.position)


def test_the_next_good_batch_is_found_behind_anything(tmp_path: Path) -> None:
    rubbish = bytes(range(256)) * 20
    log = log_of(tmp_path, rubbish, good := stamped(9), stamped(10))

    found = find_batch(log, 0, log.size(), base=0, least_offset=5)

    assert found is not None
    assert (len(rubbish), 9) == (found.position, found.header.base_offset)
    assert len(good) == found.header.size


def test_a_batch_across_two_searched_stretches_is_found(tmp_path: Path) -> None:
    log = log_of(tmp_path, bytes((1 << 20) - 30), stamped(9))

    found = find_batch(log, 0, log.size(), base=0, least_offset=5)

    assert found is not None
    assert (1 << 20) - 30 == found.position


@pytest.mark.parametrize(("offset", "expected"), [(500, 9), (7, 7)], ids=["ahead of what follows", "before it"])
def test_an_offset_that_its_check_sum_does_not_cover_is_held_against_what_follows(
    tmp_path: Path, offset: int, expected: int
) -> None:
    log = log_of(tmp_path, b"rubbish", stamped(offset), b"rubbish", stamped(9), stamped(10))

    found = find_batch(log, 0, log.size(), base=0, least_offset=5)

    assert found is not None
    assert expected == found.header.base_offset


@pytest.mark.parametrize("why", ["offset below", "offset far above", "altered", "behind the end"])
def test_what_only_looks_like_a_batch_is_passed(tmp_path: Path, why: str) -> None:
    offset = {"offset below": 4, "offset far above": 1 << 31}.get(why, 9)
    data = stamped(offset)
    if why == "altered":
        data[-1] ^= 1
    log = log_of(tmp_path, b"rubbish", data)

    end = log.size() - (1 if why == "behind the end" else 0)

    assert find_batch(log, 0, end, base=0, least_offset=5) is None


def test_whole_batches_are_those_below_a_limit() -> None:
    data = bytes(stamped(5) + stamped(6, records=2) + stamped(8)[:-1])
    one, two = len(stamped(5)), len(stamped(6, records=2))

    assert (data[: one + two], 8) == whole_batches(data, 5, 100)
    assert (data[:one], 6) == whole_batches(data, 5, 7)
    assert (b"", 5) == whole_batches(data, 5, 5)


def test_first_of_whole_batches_that_is_not_whole_or_good_is_told() -> None:
    with pytest.raises(WireError, match="it is cut short after 70 bytes"):
        whole_batches(bytes(stamped(5)[:70]), 5, 100)
    with pytest.raises(WireError, match="it begins at offset 5"):
        whole_batches(bytes(stamped(5)), 6, 100)
