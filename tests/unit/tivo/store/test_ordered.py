from hypothesis import given
from hypothesis import strategies as st

from tivo.model.event import Event, ValueKind
from tivo.model.timeline import Window
from tivo.store.base import Found
from tivo.store.ordered import PlacedPage, in_order, last_first
from tivo.store.selection import Selection


def event(time_us: int, offset: int, value: bytes | None = None) -> Event:
    return Event(time_us, "sensors", 0, offset, None, value, (), 0, ValueKind.NULL)


class Pages:
    """Pages in memory that note which of them were loaded."""

    def __init__(self, *pages: list[Event]) -> None:
        self.held = [sorted(page) for page in pages]
        self.loaded: list[int] = []

    def placed(self) -> list[PlacedPage]:
        return [
            PlacedPage(
                number,
                page[0].partition,
                page[0].time_us,
                page[-1].time_us,
                min(event.offset for event in page),
                max(event.offset for event in page) + 1,
                sum(10 + len(event.value or b"") for event in page),
            )
            for number, page in enumerate(self.held)
        ]

    def load(self, page: PlacedPage) -> list[Event]:
        self.loaded.append(page.page)
        return self.held[page.page]

    def read(self, asked: Selection, limit: int, max_bytes: int = 1 << 20) -> Found:
        by_first = sorted(self.placed(), key=lambda page: page.min_us, reverse=asked.reverse)
        span_us = max((page.max_us - page.min_us for page in by_first), default=0)
        pages = last_first(by_first, lambda _: span_us) if asked.reverse else by_first
        return in_order(pages, self.load, asked, limit=limit, max_bytes=max_bytes)


page_lists = st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=6), max_size=8)


@given(page_lists, st.integers(1, 12), st.booleans())
def test_overlapping_pages_come_in_one_order(times: list[list[int]], limit: int, reverse: bool) -> None:
    pages = Pages(
        *([event(time, 10 * number + at) for at, time in enumerate(page)] for number, page in enumerate(times))
    )
    everything = sorted((event for page in pages.held for event in page), reverse=reverse)

    assert (everything[:limit], limit >= len(everything)) == pages.read(
        Selection(window=Window(), reverse=reverse), limit
    )


def test_pages_behind_the_last_event_wanted_are_not_loaded() -> None:
    pages = Pages([event(1, 0), event(2, 1)], [event(3, 2), event(4, 3)], [event(5, 4)])

    assert [1] == [event.time_us for event in pages.read(Selection(window=Window()), 1).events]
    assert [0] == pages.loaded


def test_pages_before_the_first_event_wanted_are_not_loaded_backwards() -> None:
    pages = Pages([event(1, 0), event(2, 1)], [event(3, 2), event(4, 3)], [event(5, 4)])

    assert [5, 4] == [event.time_us for event in pages.read(Selection(window=Window(), reverse=True), 2).events]
    assert [2, 1] == pages.loaded


def test_pages_without_an_offset_asked_for_are_not_loaded() -> None:
    pages = Pages([event(1, 0)], [event(2, 1)], [event(3, 2)])

    assert [2] == [
        event.time_us for event in pages.read(Selection(window=Window(), above={0: 1}, upto={0: 2}), 9).events
    ]
    assert [1] == pages.loaded


def test_page_with_nothing_in_the_window_adds_nothing() -> None:
    pages = Pages([event(1, 0), event(9, 1)], [event(5, 2)])

    assert [5] == [event.time_us for event in pages.read(Selection(window=Window(4, 6)), 9).events]


@given(page_lists, st.integers(0, 40), st.booleans())
def test_read_ends_behind_the_event_that_passes_its_bytes(
    times: list[list[int]], max_bytes: int, reverse: bool
) -> None:
    pages = Pages(
        *([event(time, 10 * number + at, b"four") for at, time in enumerate(page)] for number, page in enumerate(times))
    )
    everything = sorted((event for page in pages.held for event in page), reverse=reverse)
    number = max_bytes // 4 + 1

    assert (everything[:number], number >= len(everything)) == pages.read(
        Selection(window=Window(), reverse=reverse), 100, max_bytes
    )


def test_large_pages_behind_the_last_event_wanted_are_not_loaded() -> None:
    pages = Pages(*([event(time, time, b"x" * 100)] for time in range(9)))

    assert 2 == len(pages.read(Selection(window=Window()), 9, max_bytes=150).events)
    assert [0, 1, 2] == pages.loaded


def test_pages_by_their_last_time_though_they_come_by_their_first() -> None:
    placed = [PlacedPage(number, 0, low, high, 0, 1, 0) for number, (low, high) in enumerate([(8, 9), (5, 20), (1, 6)])]

    assert [20, 9, 6] == [page.max_us for page in last_first(placed, lambda _: 15)]


def test_page_goes_as_soon_as_none_to_come_can_end_later() -> None:
    asked: list[int] = []

    def placed() -> object:
        for number, time in enumerate((30, 20, 10)):
            asked.append(time)
            yield PlacedPage(number, 0, time, time + 1, 0, 1, 0)

    first = next(iter(last_first(placed(), lambda _: 1)))

    assert 31 == first.max_us
    assert [30, 20] == asked
