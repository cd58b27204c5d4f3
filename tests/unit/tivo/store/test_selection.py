import pytest

from tivo.model.event import Cursor, Event, ValueKind
from tivo.model.timeline import Window
from tivo.store.base import Found
from tivo.store.selection import Selection, end, event_bytes


def events(*times_us: int) -> list[Event]:
    return [
        Event(time_us, "sensors", 0, offset, None, None, (), 0, ValueKind.NULL)
        for offset, time_us in enumerate(times_us)
    ]


def cursor(time_us: int, offset: int = 0) -> Cursor:
    return Cursor(time_us, "sensors", 0, offset)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Selection(window=Window()), (None, None)),
        (Selection(window=Window(3, 9)), (3, 9)),
        (Selection(window=Window(3, 9), after=cursor(5)), (5, 9)),
        (Selection(window=Window(3, 9), after=cursor(1)), (3, 9)),
        (Selection(window=Window(None, 9), after=cursor(5)), (5, 9)),
        (Selection(window=Window(3, 9), until=cursor(5)), (3, 6)),
        (Selection(window=Window(3, 9), until=cursor(20)), (3, 9)),
        (Selection(window=Window(3, None), until=cursor(5)), (3, 6)),
        (Selection(window=Window(3, 9), after=cursor(5), reverse=True), (3, 6)),
        (Selection(window=Window(3, 9), after=cursor(5), until=cursor(4), reverse=True), (3, 5)),
    ],
)
def test_times_asked_for_lie_between_the_closest_bounds(asked: Selection, expected: tuple[int, int]) -> None:
    assert expected == (asked.start_us, asked.end_us)


def test_bounds_that_cross_ask_for_nothing() -> None:
    assert Selection(window=Window(9, 9)).is_empty
    assert Selection(window=Window(), after=cursor(9), until=cursor(8)).is_empty
    assert not Selection(window=Window(), after=cursor(9), until=cursor(9)).is_empty


def test_offsets_of_a_partition() -> None:
    asked = Selection(window=Window(), above={0: 5}, upto={0: 9})

    assert (5, 9) == asked.offsets(0)
    assert (0, 0) == asked.offsets(1)
    assert 0 == Selection(window=Window()).offsets(0)[0]


def test_page_is_touched_where_its_offsets_meet_those_asked_for() -> None:
    asked = Selection(window=Window(), above={0: 5}, upto={0: 9})

    assert [False, True, True, False] == [asked.touches(0, *span) for span in ((0, 5), (0, 6), (8, 12), (9, 12))]


def test_take_ends_at_its_limit_from_either_side() -> None:
    held = events(1, 2, 3, 4)

    assert held[:2] == Selection(window=Window()).take(held, 2)
    assert held[:1:-1] == Selection(window=Window(), reverse=True).take(held, 2)


def test_page_wholly_asked_for_is_cut_in_one() -> None:
    held = events(1, 2, 3, 4)
    bounds = {"base": 0, "next_offset": 4}

    assert held[1:3] == Selection(window=Window(2, 9), upto={0: 4}).take_partition(held, 2, **bounds)
    assert held[3:1:-1] == Selection(window=Window(), reverse=True).take_partition(held, 2, **bounds)
    assert held[3::-1] == Selection(window=Window(), reverse=True).take_partition(held, 9, **bounds)
    assert [] == Selection(window=Window(9, None), reverse=True).take_partition(held, 9, **bounds)


def test_page_partly_asked_for_is_looked_through() -> None:
    held = events(1, 2, 3, 4)
    bounds = {"base": 0, "next_offset": 4}

    assert held[1:3] == Selection(window=Window(), above={0: 1}, upto={0: 3}).take_partition(held, 9, **bounds)
    assert held[2:0:-1] == Selection(window=Window(), above={0: 1}, upto={0: 3}, reverse=True).take_partition(
        held, 9, **bounds
    )


def test_no_events_give_none() -> None:
    assert [] == Selection(window=Window()).take_partition([], 9, base=0, next_offset=0)


def test_after_and_until_compare_whole_order_keys() -> None:
    held = events(5, 5, 5, 5)

    assert held[2:3] == Selection(window=Window(), after=cursor(5, 1), until=cursor(5, 2)).take(held, 9)
    assert held[1::-1] == Selection(window=Window(), after=cursor(5, 2), until=cursor(5, 3), reverse=True).take(held, 9)


def test_crossed_window_takes_nothing() -> None:
    assert [] == Selection(window=Window(4, 2)).take(events(1, 2, 3), 9)


def test_bytes_of_an_event_are_those_of_key_value_and_headers() -> None:
    headers = (("name", b"value"), ("null", None))

    assert 3 + 2 + 4 + 5 + 4 == event_bytes(Event(0, "sensors", 0, 0, b"key", b"{}", headers, 0, ValueKind.JSON))
    assert 0 == event_bytes(Event(0, "sensors", 0, 0, None, None, (), 0, ValueKind.NULL))


@pytest.mark.parametrize(
    ("limit", "max_bytes", "number", "last"),
    [(2, None, 2, False), (3, None, 3, True), (9, None, 3, True), (9, 12, 3, True), (9, 11, 3, True), (9, 7, 2, False)],
)
def test_read_ends_at_its_limit_or_behind_its_bytes(limit: int, max_bytes: int | None, number: int, last: bool) -> None:
    found = [Event(at, "sensors", 0, at, None, b"four", (), 0, ValueKind.TEXT) for at in range(3)]

    assert Found(found[:number], last) == end(found, limit=limit, max_bytes=max_bytes)
