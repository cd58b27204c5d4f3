import pytest

from tivo.model.errors import PageGap, RecordError, StalePage, StoreError
from tivo.model.event import Event, Page, ValueKind
from tivo.model.timeline import MIN_TIME_US
from tivo.store.admission import admit, check_name, verify
from tivo.store.base import Written


def event(offset: int, *, partition: int = 0, topic: str = "sensors", time_us: int = 0) -> Event:
    return Event(time_us, topic, partition, offset, None, None, (), 0, ValueKind.NULL)


def page(base: int, next: int, *events: Event, topic_id: bytes = bytes(16)) -> Page:
    return Page(topic="sensors", topic_id=topic_id, partition=0, base=base, next=next, events=events)


@pytest.mark.parametrize(
    ("base", "next", "frontier", "expected", "offsets"),
    [
        (4, 8, None, Written.STORED, [4, 5, 6, 7]),
        (4, 8, 4, Written.STORED, [4, 5, 6, 7]),
        (4, 8, 6, Written.TRIMMED, [6, 7]),
        (4, 8, 8, Written.SKIPPED, [4, 5, 6, 7]),
        (4, 8, 9, Written.SKIPPED, [4, 5, 6, 7]),
        (4, 4, 4, Written.SKIPPED, []),
        (4, 4, None, Written.SKIPPED, []),
    ],
)
def test_frontier_decides_what_is_written(
    base: int, next: int, frontier: int | None, expected: Written, offsets: list[int]
) -> None:
    written, rest = admit(page(base, next, *map(event, range(base, next))), frontier)

    assert expected == written
    assert offsets == [event.offset for event in rest.events]


@pytest.mark.parametrize(("owner_epoch", "frontier"), [(1, 4), (1, None), (3, 9)])
def test_page_of_another_owner_epoch_is_stale_wherever_it_begins(owner_epoch: int, frontier: int | None) -> None:
    with pytest.raises(StalePage, match=rf"sensors/0: the page is of owner epoch 0, the store is at {owner_epoch}"):
        admit(page(4, 5, event(4)), frontier, owner_epoch)


def test_trimmed_page_begins_at_the_frontier() -> None:
    _, rest = admit(page(4, 9, event(4), event(8)), 6)

    assert (6, 9, (event(8),)) == (rest.base, rest.next, rest.events)


@pytest.mark.parametrize("next", [7, 9])
def test_page_beyond_the_frontier_is_a_gap(next: int) -> None:
    with pytest.raises(PageGap, match="sensors/0: the page begins at offset 7, the store holds everything below 6"):
        admit(page(7, next), 6)


def test_sound_page_passes() -> None:
    verify(page(0, 9, event(0), event(3), event(8)))
    verify(page(5, 5))


@pytest.mark.parametrize(
    ("evidence", "contradiction"),
    [
        ("goes from 5 to 4", page(5, 4)),
        ("topic id '0102'", page(0, 1, topic_id=b"\1\2")),
        ("offset 4 does not follow 4", page(5, 6, event(4))),
        ("offset 3 does not follow 3", page(0, 6, event(3), event(3))),
        ("offset 6 does not follow 6", page(0, 6, event(6))),
        ("stand events of else", page(0, 6, event(1, topic="else"))),
        ("stand events of 7", page(0, 6, event(1, partition=7))),
        ("outside of the years 1 to 9999", page(0, 6, event(1, time_us=MIN_TIME_US - 1), event(2))),
    ],
)
def test_contradiction_is_named(evidence: str, contradiction: Page) -> None:
    with pytest.raises(RecordError, match=evidence):
        verify(contradiction)


def test_topic_id_stands_for_one_name() -> None:
    check_name(page(0, 1), "sensors")

    with pytest.raises(StoreError, match="is named 'quakes' here, the page says 'sensors'"):
        check_name(page(0, 1), "quakes")
