from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tivo.playback.events import event
from tivo.model.event import Cursor
from tivo.playback.merge import FIRST, LAST, Buffer, behind, merged, order_key, weight


def test_first_and_last_lie_around_every_event() -> None:
    key = order_key(event(0))

    assert FIRST < key < LAST


def test_behind_a_time_lie_all_its_events_and_no_later_one() -> None:
    bound = behind(10)

    assert order_key(event(10, topic="zz", partition=99, offset=10**9)) < bound < order_key(event(11, topic=""))


def test_an_event_weighs_its_key_its_value_and_what_stands_around_them() -> None:
    assert 200 == weight(event(0, value=None))
    assert 205 == weight(event(0, key=b"key", value=b"12"))


def test_a_buffer_puts_events_at_their_places() -> None:
    buffer = Buffer()

    buffer.add([event(1), event(5)])
    buffer.add([event(3)])

    assert [1, 3, 5] == [found.time_us for found in buffer.all()]
    assert 3 == len(buffer)


def test_a_buffer_leaves_events_as_they_came_where_told() -> None:
    buffer = Buffer()

    buffer.add([event(5)], in_order=False)
    buffer.add([event(3)], in_order=False)
    as_they_came = [found.time_us for found in buffer.all()]
    buffer.sort()

    assert [5, 3] == as_they_came
    assert [3, 5] == [found.time_us for found in buffer.all()]


def test_a_buffer_gives_what_lies_at_or_before_a_bound() -> None:
    buffer = Buffer()
    buffer.add([event(time_us) for time_us in (1, 2, 3, 4)])

    assert [1, 2, 3] == [found.time_us for found in buffer.upto(order_key(event(3)), 10)]
    assert [1, 2] == [found.time_us for found in buffer.upto(LAST, 2)]
    assert [] == buffer.upto(behind(0), 10)


def test_late_events_lie_before_the_first_one_behind_a_place() -> None:
    buffer = Buffer()
    buffer.add([event(time_us) for time_us in (1, 2, 5)])

    assert event(1) == buffer.first_behind(FIRST)
    assert event(5) == buffer.first_behind(order_key(event(2)))
    assert buffer.first_behind(behind(5)) is None


def test_what_was_taken_out_is_gone() -> None:
    buffer = Buffer()
    buffer.add([event(1), event(2)])

    buffer.drop(1)
    left = buffer.first
    buffer.clear()

    assert event(2) == left
    assert buffer.first is None
    assert [] == buffer.upto(LAST, 1)


def test_one_run_is_given_as_it_is() -> None:
    run = [event(1), event(2), event(3)]

    assert [event(1), event(2)] == merged([[], run], 2)


@given(st.lists(st.lists(st.integers(0, 50), max_size=20), max_size=5))
def test_runs_come_out_in_one_order(times: list[list[int]]) -> None:
    runs = [
        sorted(event(time_us, partition=partition, offset=offset) for offset, time_us in enumerate(run))
        for partition, run in enumerate(times)
    ]

    together = merged(runs, 1_000)

    assert sorted(found for run in runs for found in run) == together


def test_equal_times_come_by_topic_partition_and_offset() -> None:
    one, two = [event(1, topic="b", offset=0)], [event(1, topic="a", partition=1), event(1, topic="a", partition=2)]

    together = merged([one, two], 10)

    assert [Cursor(1, "a", 1, 0), Cursor(1, "a", 2, 0), Cursor(1, "b", 0, 0)] == [found.cursor for found in together]
