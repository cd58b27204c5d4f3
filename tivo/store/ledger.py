"""Joining the rows of a ledger, which would otherwise outgrow the events where pages are small (pure)."""

from collections.abc import Iterable, Iterator

from tivo.store.base import LedgerRow
from tivo.store.page import MAX_EVENTS


def joined(rows: Iterable[LedgerRow], *, span_us: int) -> Iterator[LedgerRow]:
    """Neighbours of one partition, by base, put together while a row holds no more than a page and spans no longer.

    What was set aside keeps its own row. A late event far from its neighbours does too, or the
    row's times would tell nothing.
    """
    before: LedgerRow | None = None
    for row in rows:
        both = _join(before, row) if before is not None else None
        if both is not None and both.events <= MAX_EVENTS and _span_us(both) <= span_us:
            before = both
            continue
        if before is not None:
            yield before
        before = row
    if before is not None:
        yield before


def _join(first: LedgerRow, second: LedgerRow) -> LedgerRow | None:
    if first.quarantined is not None or second.quarantined is not None or first.next != second.base:
        return None
    firsts = [row.min_time_us for row in (first, second) if row.min_time_us is not None]
    lasts = [row.max_time_us for row in (first, second) if row.max_time_us is not None]
    return LedgerRow(
        partition=first.partition,
        base=first.base,
        next=second.next,
        min_time_us=min(firsts, default=None),
        max_time_us=max(lasts, default=None),
        events=first.events + second.events,
    )


def _span_us(row: LedgerRow) -> int:
    return 0 if row.min_time_us is None or row.max_time_us is None else row.max_time_us - row.min_time_us
