"""Where images go."""

from streams.images import COST, GUESSED_BYTES, Spacing, Stand
from tivo.model.event import Event, ValueKind
from tivo.store.base import Imaged, ImageHead, LedgerRow
from tivo.store.state import READ_EVENTS

SPACING = Spacing(every_bytes=10_000, bucket_us=60)


def stand(*heads: ImageHead) -> Stand:
    return Stand(topic="t", topic_id=b"", partition=0, told=Imaged(0, 0, list(heads)))


def head(at_us: int, raw_bytes: int) -> ImageHead:
    return ImageHead(1, at_us, 0, 1, raw_bytes)


def came(time_us: int, events: int) -> LedgerRow:
    return LedgerRow(0, 0, events, time_us, time_us, events)


def event(time_us: int) -> Event:
    return Event(time_us, "t", 0, time_us, None, b"", (), 0, ValueKind.TEXT)


def test_what_nobody_has_measured_yet_is_due() -> None:
    assert SPACING.is_due(stand(), 0)
    assert not SPACING.is_due(stand(head(5, 1)), 0)


def test_a_gap_is_due_with_so_many_bytes_and_with_several_times_the_image_before_it() -> None:
    small, large = stand(head(5, 1)), stand(head(5, 10_000))

    assert (10_000, 10_000) == (SPACING.due_bytes(small, 0), SPACING.due_bytes(small, 1))
    assert COST * 10_000 == SPACING.due_bytes(large, 1)


def test_events_that_came_are_guessed_by_those_measured() -> None:
    known = stand()
    known.measured(0, 0, None)
    known.came([came(5, 10)])
    assert 10 * GUESSED_BYTES == known.gathered[0]

    known.measured(0, 0, 70)
    known.came([came(5, 10), LedgerRow(0, 10, 12, None, None, 0, "quarantine")])

    assert (700, 5) == (known.gathered[0], known.last_us)


def test_a_bucket_that_begins_is_looked_at_once() -> None:
    known = stand()
    known.measured(0, 0, 10)
    assert not SPACING.is_due(known, 0), "nothing came yet"

    known.came([came(5, 1)])
    assert [True, False] == [SPACING.is_due(known, 0) for _ in range(2)]
    known.came([came(61, 1)])
    assert [True, False] == [SPACING.is_due(known, 0) for _ in range(2)]


def test_no_image_lies_between_events_of_one_time() -> None:
    known = stand()

    assert None is SPACING.between(known, 0, 10**9, 30, 30)
    assert 31 == SPACING.between(known, 0, 10**9, 30, 31)
    assert None is SPACING.between(known, 0, 9_999, 30, 31)
    assert 120 == SPACING.between(known, 0, 1, 30, 150)


def test_events_are_cut_at_bucket_starts() -> None:
    events = [event(time_us) for time_us in (1, 59, 60, 200, 201)]

    assert [[1, 59], [60], [200, 201]] == [[each.time_us for each in piece] for piece in SPACING.pieces(events)]
    assert [events[:2]] == list(SPACING.pieces(events[:2]))


def test_little_is_read_at_a_time_where_images_lie_close() -> None:
    assert [1, 50, READ_EVENTS] == [
        Spacing(every_bytes=size, bucket_us=1).read_events for size in (1, 50 * GUESSED_BYTES, 2**23)
    ]
