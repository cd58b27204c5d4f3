"""What the rows of a ledger tell, and joining them, or they would outgrow the events where pages are small (pure)."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tivo.model.event import Frontier, Loss, Lost, Page
from tivo.model.timeline import MAX_TIME_US, MIN_TIME_US, Window
from tivo.store.base import LedgerRow
from tivo.store.page import MAX_EVENTS


class LossRow(NamedTuple):
    """A row that is a loss, and the times between which its events lay; None where nothing bounds them."""

    partition: int
    base: int
    next: int
    loss: Loss
    min_time_us: int | None
    max_time_us: int | None

    def between(self, before_us: int | None, behind_us: int | None) -> "LossRow":
        """The same where nobody saw the events: bounded by the rows around it, whichever of these is earlier."""
        if before_us is not None and behind_us is not None and behind_us < before_us:
            before_us, behind_us = behind_us, before_us
        return self._replace(min_time_us=before_us, max_time_us=behind_us)

    def may_lie_in(self, window: Window) -> bool:
        """Whether any of its events may lie in a window."""
        return (
            not window.is_empty
            and (window.end_us is None or self.min_time_us is None or self.min_time_us < window.end_us)
            and (window.start_us is None or self.max_time_us is None or window.start_us <= self.max_time_us)
        )


def lost(rows: Iterable[LossRow], window: Window, *, above: Frontier, upto: Frontier) -> list[Lost]:
    """`Store.lost`, of rows by partition and base."""
    found: list[Lost] = []
    for row in rows:
        base = max(row.base, above.get(row.partition, 0))
        end = min(row.next, upto.get(row.partition, 0))
        if base >= end or not row.may_lie_in(window):
            continue
        if found and (found[-1].partition, found[-1].next, found[-1].reason) == (row.partition, base, row.loss):
            found[-1] = found[-1]._replace(next=end)
        else:
            found.append(Lost(row.partition, base, end, row.loss))
    return found


def row_of_loss(page: Page, loss: Loss, why: str) -> LedgerRow:
    """The row of a page that is a loss. Its times stay within the years 1 to 9999: a wrong one may be the reason."""
    times_us = [min(max(event.time_us, MIN_TIME_US), MAX_TIME_US) for event in page.events]
    return LedgerRow(
        partition=page.partition,
        base=page.base,
        next=page.next,
        min_time_us=min(times_us, default=None),
        max_time_us=max(times_us, default=None),
        events=0,
        loss=loss,
        why=why,
    )


def joined(rows: Iterable[LedgerRow], *, span_us: int) -> Iterator[LedgerRow]:
    """Neighbours of one partition, by base, put together while a row holds no more than a page and spans no longer.

    A loss keeps its own row. A late event far from its neighbours does too, or the
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
    if first.loss is not None or second.loss is not None or first.next != second.base:
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
