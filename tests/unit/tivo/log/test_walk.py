"""A walk over a log file."""

from pathlib import Path

import pytest

from tests.support.partitions import SIZE, cut, fill, flip, logs
from tivo.log.disk import ReadOnlyDisk
from tivo.log.meta import Damage
from tivo.log.scan import Found
from tivo.log.walk import Broken, walk


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """13 batches of one record."""
    return logs(fill(tmp_path))[0]


def walked(log: Path, known: dict[int, Damage] | None = None) -> tuple[list[int], list[Broken]]:
    """The offsets of good batches, and what is broken."""
    steps = [*walk(ReadOnlyDisk().open(log), 0, known or {})]
    good = [step.header.base_offset for step in steps if isinstance(step, Found)]
    return good, [step for step in steps if isinstance(step, Broken)]


def test_good_log(log: Path) -> None:
    assert (list(range(13)), []) == walked(log)


def test_damage_in_the_middle_is_passed(log: Path) -> None:
    flip(log, 5 * SIZE + 70)

    good, (broken,) = walked(log)

    assert [0, 1, 2, 3, 4, *range(6, 13)] == good
    assert (5 * SIZE, 6 * SIZE, 5, 6, False) == (
        broken.position, broken.end, broken.first_offset, broken.next_offset, broken.is_known
    )  # fmt: skip
    assert "CRC" in broken.reason


def test_two_damages(log: Path) -> None:
    flip(log, 5 * SIZE + 70)
    flip(log, 9 * SIZE + 70)

    assert [(5, 6), (9, 10)] == [(one.first_offset, one.next_offset) for one in walked(log)[1]]


def test_nobody_knows_how_much_a_torn_end_held(log: Path) -> None:
    cut(log, 13 * SIZE - 1)

    good, (broken,) = walked(log)

    assert (list(range(12)), 12 * SIZE, 13 * SIZE - 1) == (good, broken.position, broken.end)
    assert (12, None) == (broken.first_offset, broken.next_offset)


def test_what_was_set_aside_is_known(log: Path) -> None:
    flip(log, 5 * SIZE + 70)
    known = {5 * SIZE: Damage(0, 5 * SIZE, 7 * SIZE, 5, 7)}

    good, (broken,) = walked(log, known)

    assert [0, 1, 2, 3, 4, *range(7, 13)] == good
    assert (7 * SIZE, 7, True) == (broken.end, broken.next_offset, broken.is_known)


def test_what_is_known_to_be_gone_with_the_end_of_the_file_hides_no_damage(log: Path) -> None:
    flip(log, 12 * SIZE + 70)

    _, (broken,) = walked(log, {12 * SIZE: Damage(0, 12 * SIZE, 12 * SIZE, 12, 13)})

    assert (12 * SIZE, 13 * SIZE, False) == (broken.position, broken.end, broken.is_known)
