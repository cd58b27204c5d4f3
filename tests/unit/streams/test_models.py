"""Pages as Faust carries them and as the store takes them."""

import pytest

from streams.models import FetchedPage, PageSchema, halves, to_page
from tests.unit.streams.fetched import NOW, PARTITION, TOPIC_ID, cut, placed
from tivo.model.event import Page


@pytest.fixture
def fetched() -> FetchedPage:
    (page,) = cut(placed(10), 10, 11, 14)
    return page


def test_fetched_page_stands_in_for_its_last_record(fetched: FetchedPage) -> None:
    assert (*PARTITION, 14) == (fetched.topic, fetched.partition, fetched.offset)
    assert fetched is fetched.value
    assert PARTITION == fetched.tp


def test_page_for_the_store_covers_the_same_place(fetched: FetchedPage) -> None:
    page = to_page(fetched)

    assert (*PARTITION, TOPIC_ID, 10, 15) == (page.topic, page.partition, page.topic_id, page.base, page.next)
    assert [10, 11, 14] == [event.offset for event in page.events]


def test_all_events_of_a_page_were_received_at_the_same_time(fetched: FetchedPage) -> None:
    assert {NOW.wall_us} == {event.received_us for event in to_page(fetched).events}


def test_halves_cover_the_page_without_a_hole(fetched: FetchedPage) -> None:
    page = to_page(fetched)

    parts = halves(page)

    assert parts is not None
    first, second = parts
    assert (10, 11) == (first.base, first.next)
    assert (11, 15) == (second.base, second.next)
    assert page.events == first.events + second.events


@pytest.mark.parametrize("offsets", [[10], []])
def test_page_of_one_event_or_none_has_no_halves(offsets: list[int], fetched: FetchedPage) -> None:
    page = to_page(fetched)
    few = Page(
        topic=page.topic, topic_id=page.topic_id, partition=3, base=10, next=15, events=page.events[: len(offsets)]
    )

    assert halves(few) is None


async def test_schema_lets_a_page_through_as_it_is(fetched: FetchedPage) -> None:
    class App:
        @staticmethod
        def create_event(*parts: object) -> tuple[object, ...]:
            return parts

    decode = PageSchema().compile(App())  # type: ignore[arg-type]  # the one method that it calls

    assert (None, fetched, (), fetched) == await decode(fetched)
