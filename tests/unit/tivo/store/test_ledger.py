from tivo.store.base import LedgerRow
from tivo.store.ledger import joined
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
