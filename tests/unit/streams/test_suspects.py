"""Finding the partition that cannot be read."""

import pytest

from streams.suspects import FAILURES, Suspects
from tests.unit.streams.fetched import PARTITION
from tests.unit.streams.test_places import OTHER


@pytest.fixture
def suspects() -> Suspects:
    return Suspects(first_step=4, enough=8)


def test_without_a_failure_nobody_is_suspected(suspects: Suspects) -> None:
    assert suspects.next({PARTITION}) is None


def test_accused_partitions_are_fetched_alone_in_turn(suspects: Suspects) -> None:
    suspects.accuse({PARTITION})
    suspects.accuse({OTHER})

    assert (PARTITION, 4) == suspects.next({PARTITION, OTHER})
    suspects.read(PARTITION, 4)
    assert (OTHER, 4) == suspects.next({PARTITION, OTHER})
    suspects.read(OTHER, 4)
    assert (PARTITION, 4) == suspects.next({PARTITION, OTHER})


def test_partition_that_is_not_wanted_now_keeps_its_turn(suspects: Suspects) -> None:
    suspects.accuse({PARTITION})

    assert suspects.next({OTHER}) is None
    assert (PARTITION, 4) == suspects.next({PARTITION})


@pytest.mark.parametrize("counts", [[0], [4, 4], [3, 0]])
def test_partition_that_was_read_to_its_end_or_far_enough_is_cleared(suspects: Suspects, counts: list[int]) -> None:
    suspects.accuse({PARTITION})

    for count in counts:
        suspects.read(PARTITION, count)

    assert suspects.next({PARTITION}) is None


def test_steps_halve_down_to_the_record_that_fails(suspects: Suspects) -> None:
    suspects.accuse({PARTITION})

    steps = []
    while not suspects.failed(PARTITION):
        told = suspects.next({PARTITION})
        assert told is not None
        steps.append(told[1])

    assert [2, 1] + [1] * (FAILURES - 1) == steps


def test_record_that_is_read_after_all_counts_no_failure(suspects: Suspects) -> None:
    suspects.accuse({PARTITION})
    for _ in range(4):
        assert not suspects.failed(PARTITION)
    suspects.read(PARTITION, 1)

    assert not suspects.failed(PARTITION)


def test_accused_again_it_keeps_its_step(suspects: Suspects) -> None:
    suspects.accuse({PARTITION})
    suspects.failed(PARTITION)

    suspects.accuse({PARTITION})

    assert (PARTITION, 2) == suspects.next({PARTITION})


def test_cleared_partition_is_not_fetched_alone(suspects: Suspects) -> None:
    suspects.accuse({PARTITION})

    suspects.clear(PARTITION)

    assert suspects.next({PARTITION}) is None
