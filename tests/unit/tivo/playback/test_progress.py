from tests.unit.tivo.playback.events import event
from tivo.playback.progress import Progress, Reach, highest


def test_everything_below_the_base_was_sent() -> None:
    progress = Progress(base={0: 5})

    assert progress.holds(event(10**15, offset=4))
    assert not progress.holds(event(0, offset=5))


def test_below_the_frontier_what_lies_at_or_before_the_cursor_was_sent() -> None:
    progress = Progress(frontier={0: 5}, cursor=event(100, offset=3).cursor)

    assert progress.holds(event(100, offset=3))
    assert not progress.holds(event(100, offset=4))
    assert not progress.holds(event(50, offset=5))
    assert not progress.holds(event(50, partition=1))


def test_progress_says_the_same_whatever_its_cursor() -> None:
    told = Progress(base={0: 1}, frontier={0: 5})

    assert Progress(base={0: 1}, frontier={0: 5}, cursor=event(9).cursor).covers(told)
    assert not Progress(base={0: 1}, frontier={0: 6}).covers(told)
    assert not told.covers(None)


def test_a_partition_is_exhausted_once_its_known_end_is_reached() -> None:
    assert not Reach(start=None, next=None).exhausted
    assert not Reach(start=0, next=0).exhausted
    assert not Reach(start=0, next=4, end=5).exhausted
    assert Reach(start=0, next=5, end=5).exhausted


def test_a_forgotten_end_is_asked_for_again() -> None:
    reach = Reach(start=0, next=5, end=5, stalled=True)

    reach.forget()

    assert not reach.exhausted
    assert not reach.stalled


def test_of_two_offsets_the_higher_one_counts_in_each_partition() -> None:
    assert {0: 5, 1: 3, 2: 7} == highest({0: 5, 1: 1}, {0: 2, 1: 3, 2: 7})
