"""Each loss is told once, whoever names it first."""

from tests.unit.tivo.playback.events import event
from tivo.model.event import Lost
from tivo.playback.losses import Losses, slow_gaps


def broken(base: int, following: int, partition: int = 0) -> Lost:
    return Lost(partition, base, following, "quarantine")


def test_of_the_stores_losses_those_are_told_that_are_owed() -> None:
    losses = Losses()

    told = losses.from_store([broken(0, 4), broken(6, 12), broken(0, 9, partition=1)], base={0: 2}, upto={0: 8})

    assert [broken(2, 4), broken(6, 8)] == told
    assert {0: 8} == losses.asked_above({0: 2})


def test_what_the_store_told_the_log_does_not_tell_again() -> None:
    losses = Losses()
    losses.from_store([broken(2, 4)], base={}, upto={0: 8})

    assert [broken(8, 9)] == losses.from_log(0, [broken(2, 4), broken(7, 9)], base=0, upto=20, live=False)


def test_what_was_told_in_live_is_not_told_again_and_what_lies_around_it_is() -> None:
    losses = Losses()
    losses.from_log(0, [broken(3, 4), broken(6, 7)], base=0, upto=9, live=True)

    assert [broken(2, 3), broken(4, 6)] == losses.from_store([broken(2, 7)], base={}, upto={0: 9})


def test_history_remembers_nothing_of_the_log_since_it_is_not_read_again() -> None:
    losses = Losses()
    losses.from_log(0, [broken(3, 4)], base=0, upto=9, live=False)

    assert [broken(3, 4)] == losses.from_log(0, [broken(3, 4)], base=0, upto=9, live=False)


def test_what_was_told_is_forgotten_once_all_before_it_was_sent() -> None:
    losses = Losses()
    losses.from_log(0, [broken(3, 4), broken(6, 7)], base=0, upto=9, live=True)

    losses.sent({0: 5})

    assert [broken(3, 4)] == losses.from_log(0, [broken(3, 4), broken(6, 7)], base=0, upto=9, live=False)


def test_nothing_is_remembered_when_live_begins() -> None:
    losses = Losses()
    losses.from_log(0, [broken(3, 4)], base=0, upto=9, live=True)

    losses.live_begins()

    assert [broken(3, 4)] == losses.from_log(0, [broken(3, 4)], base=0, upto=9, live=True)


def test_offsets_that_are_used_again_are_told_of_again() -> None:
    losses = Losses()
    losses.from_store([], base={}, upto={0: 8})
    losses.from_log(0, [broken(8, 9)], base=0, upto=9, live=True)

    losses.cut(0, 5)

    assert [broken(5, 9)] == losses.from_log(0, [broken(4, 9)], base=0, upto=9, live=True)


def test_what_was_dropped_is_named_a_gap_per_run_of_offsets() -> None:
    dropped = [event(9, offset=offset) for offset in (5, 3, 4, 8)] + [event(1, partition=1, offset=9)]

    gaps = slow_gaps([*dropped, event(1, topic="b", offset=9)])

    assert [("a", 0, 3, 6), ("a", 0, 8, 9), ("a", 1, 9, 10), ("b", 0, 9, 10)] == [
        (gap.topic, gap.partition, gap.from_offset, gap.to_offset) for gap in gaps
    ]
    assert {"slow"} == {gap.reason for gap in gaps}
    assert [] == slow_gaps([])
