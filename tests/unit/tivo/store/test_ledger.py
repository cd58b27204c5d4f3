import pytest

from tivo.model.event import Event, Lost, Page, ValueKind
from tivo.model.timeline import MAX_TIME_US, MIN_TIME_US, Window
from tivo.store.base import LedgerRow
from tivo.store.ledger import LossRow, joined, lost, row_of_loss
from tivo.store.page import MAX_EVENTS


def row(base: int, next: int, first_us: int | None, last_us: int | None, events: int = 1) -> LedgerRow:
    return LedgerRow(0, base, next, first_us, last_us, events)


def test_no_rows_join_to_none() -> None:
    assert [] == list(joined([], span_us=10))


def test_neighbours_join_while_they_are_close() -> None:
    rows = [row(0, 2, 5, 6), row(2, 3, 1, 9), row(3, 4, 90, 90), row(4, 7, 92, 95)]

    assert [row(0, 3, 1, 9, 2), row(3, 7, 90, 95, 2)] == list(joined(rows, span_us=10))


def test_joined_row_holds_no_more_than_a_page() -> None:
    rows = [row(0, 2, 1, 1, MAX_EVENTS), row(2, 3, 1, 1), row(3, 4, 1, 1)]

    assert [row(0, 2, 1, 1, MAX_EVENTS), row(2, 4, 1, 1, 2)] == list(joined(rows, span_us=10))


def test_holes_join_and_have_no_times() -> None:
    rows = [row(0, 2, None, None, 0), row(2, 3, None, None, 0), row(3, 4, 7, 8)]

    assert [row(0, 4, 7, 8)] == list(joined(rows, span_us=10))
    assert [row(0, 3, None, None, 0)] == list(joined(rows[:2], span_us=10))


def test_what_was_set_aside_keeps_its_row() -> None:
    aside = LedgerRow(0, 2, 3, None, None, 0, "too large")

    assert [row(0, 2, 1, 1), aside, row(3, 4, 1, 1)] == list(
        joined([row(0, 2, 1, 1), aside, row(3, 4, 1, 1)], span_us=10)
    )


def test_rows_with_offsets_between_them_stay_apart() -> None:
    rows = [row(0, 2, 1, 1), row(5, 6, 1, 1)]

    assert rows == list(joined(rows, span_us=10))


def test_loss_keeps_its_own_row() -> None:
    aside = LedgerRow(0, 2, 3, 5, 5, 0, "quarantine", "why")
    rows = [row(0, 2, 5, 5, 2), aside, row(3, 4, 5, 5)]

    assert rows == list(joined(rows, span_us=10))


def test_times_of_a_loss_are_known_on_one_side_or_on_none() -> None:
    unseen = LossRow(0, 3, 4, "retention", None, None)

    assert unseen == unseen.between(None, None)
    assert (7, None) == unseen.between(7, None)[-2:]
    assert (None, 7) == unseen.between(None, 7)[-2:]
    assert (5, 7) == unseen.between(7, 5)[-2:] == unseen.between(5, 7)[-2:]


@pytest.mark.parametrize(
    ("window", "is_told"),
    [
        (Window(), True),
        (Window(None, 5), False),
        (Window(None, 6), True),
        (Window(7), True),
        (Window(8), False),
        (Window(6, 6), False),
    ],
)
def test_window_is_half_open_and_the_times_of_a_loss_are_not(window: Window, is_told: bool) -> None:
    rows = [LossRow(0, 3, 4, "quarantine", 5, 7)]

    assert is_told == bool(lost(rows, window, above={}, upto={0: 9}))


def test_losses_join_within_a_partition_and_a_reason() -> None:
    rows = [
        LossRow(0, 0, 2, "quarantine", 1, 1),
        LossRow(0, 2, 4, "quarantine", 1, 1),
        LossRow(0, 4, 5, "retention", None, None),
        LossRow(0, 6, 7, "retention", None, None),
        LossRow(1, 7, 8, "retention", None, None),
    ]

    told = [Lost(0, 1, 4, "quarantine"), Lost(0, 4, 5, "retention"), Lost(0, 6, 7, "retention")]
    assert [*told, Lost(1, 7, 8, "retention")] == lost(rows, Window(), above={0: 1}, upto={0: 9, 1: 9})
    assert told == lost(rows, Window(), above={0: 1}, upto={0: 9})


def test_a_page_that_is_lost_keeps_its_place_and_times_within_the_years() -> None:
    events = tuple(
        Event(time_us, "quakes", 1, offset, None, None, (), 0, ValueKind.NULL)
        for offset, time_us in enumerate((5, MIN_TIME_US - 1, MAX_TIME_US + 1), start=3)
    )
    page = Page(topic="quakes", topic_id=bytes(16), partition=1, base=2, next=9, events=events)

    assert LedgerRow(1, 2, 9, MIN_TIME_US, MAX_TIME_US, 0, "quarantine", "too large") == row_of_loss(
        page, "quarantine", "too large"
    )
    hole = Page(topic="quakes", topic_id=bytes(16), partition=1, base=2, next=9, events=())
    assert LedgerRow(1, 2, 9, None, None, 0, "retention", "gone") == row_of_loss(hole, "retention", "gone")
