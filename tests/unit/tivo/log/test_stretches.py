from pathlib import Path

import pytest

from tests.support.batches import batch
from tests.support.segments import BASE, add, damage, expected, filled, made, put, read_all
from tivo.log.meta import Damage
from tivo.log.scan import DamagedBatch
from tivo.log.stretches import behind_damage, marker_at, measure, scan_good, stretch_end
from tivo.wire.control import Marker, build_marker
from tivo.wire.record_batch import read_header

TWO = {100: Damage(0, 100, 150, 5, 6), 150: Damage(0, 150, 300, 6, 9)}


def test_what_follows_upon_damage_is_where_the_last_of_it_ends() -> None:
    assert (300, 9) == behind_damage(TWO, 100, 5)
    assert (300, 9) == behind_damage(TWO, 150, 6)
    assert (50, 3) == behind_damage(TWO, 50, 3)
    assert (150, 9) == behind_damage(TWO, 150, 9), "it lies behind already"


def test_good_batches_end_at_the_next_damage_or_the_end() -> None:
    assert [100, 150, 400, 90] == [stretch_end(TWO, *at) for at in ((0, 400), (100, 400), (150, 400), (0, 90))]


def test_scan_raises_at_damage_that_is_not_set_aside_and_passes_what_is(tmp_path: Path) -> None:
    segment, positions = filled(tmp_path, 5)
    damage(segment, positions[2])
    log = segment.opened().log

    with pytest.raises(DamagedBatch) as caught:
        list(scan_good(log, {}, 0, BASE, end=segment.size))
    found = measure(log, caught.value, BASE, end=segment.size, next_offset=BASE + 5)

    assert Damage(BASE, positions[2], positions[3], BASE + 2, BASE + 3) == found
    good = scan_good(log, {found.position: found}, 0, BASE, end=segment.size)
    assert [BASE, BASE + 1, BASE + 3, BASE + 4] == [each.header.base_offset for each in good]


def test_damage_reaches_to_the_end_where_no_good_batch_is_found(tmp_path: Path) -> None:
    segment, positions = filled(tmp_path, 3)
    damaged = DamagedBatch(positions[2], BASE + 2, "torn")

    found = measure(segment.opened().log, damaged, BASE, end=segment.size, next_offset=BASE)

    assert (segment.size, BASE + 3) == (found.end, found.next_offset), "the damaged batch had one offset at least"


def test_marker_is_read_from_control_batches_alone(tmp_path: Path) -> None:
    segment = made(tmp_path)
    data, ended = batch(b"a"), build_marker(Marker.ABORT, producer_id=7, producer_epoch=0, timestamp_ms=0)
    positions = [put(segment, data), put(segment, ended)]
    log = segment.opened().log

    assert [None, Marker.ABORT] == [
        marker_at(log, position, read_header(log.pread(61, position))) for position in positions
    ]


def test_control_batch_without_a_marker_is_damaged(tmp_path: Path) -> None:
    segment = made(tmp_path)
    position = add(segment, b"a")
    header = read_header(segment.opened().log.pread(61, position))

    with pytest.raises(DamagedBatch):
        marker_at(segment.opened().log, position, header._replace(attributes=0x20))


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
