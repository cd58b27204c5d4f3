"""How a Kafka record becomes an event."""

import pytest

from tivo.model.event import Event, Headers, ValueKind
from tivo.model.record import MAX_FUTURE_US, Record, event_time, to_event
from tivo.model.timeline import MAX_TIME_US


def record(headers: Headers = (), *, value: bytes | None = b"{}") -> Record:
    return Record("quakes", 1, 7, 1_500, b"k", value, headers)


def test_event_keeps_the_record_as_it_is() -> None:
    expected = Event(1_500_000, "quakes", 1, 7, b"k", b"\xff", (), 99, ValueKind.BINARY)

    assert expected == to_event(record(value=b"\xff"), received_us=99)


def test_own_time_of_receipt_counts_more() -> None:
    assert 42 == to_event(record((("tivo-received-us", b"42"),)), received_us=99).received_us


def test_finer_time_within_the_millisecond_counts() -> None:
    assert 1_500_999 == event_time(1_500, (("tivo-time-us", b"1500999"),))


@pytest.mark.parametrize("text", [b"1501000", b"soon", b"-1500001", b"9" * 30, None])
def test_header_that_tells_another_time_is_no_finer_reading(text: bytes | None) -> None:
    assert 1_500_000 == event_time(1_500, (("tivo-time-us", text),))


def test_record_dated_far_after_its_receipt_stands_at_its_receipt() -> None:
    received_us = 1_000_000
    late_ms = (received_us + MAX_FUTURE_US) // 1_000

    headers = (("tivo-received-us", b"1000000"),)
    assert late_ms * 1_000 == event_time(late_ms, headers)
    assert received_us == event_time(late_ms + 1, headers)


def test_record_without_a_time_stands_at_its_receipt_or_at_1970() -> None:
    assert 5 == event_time(-1, (("tivo-received-us", b"5"),))
    assert 0 == event_time(-1, (("other", b"5"),))
    assert 0 == event_time(-1, ())


def test_time_beyond_the_year_9999_stands_at_its_end() -> None:
    assert MAX_TIME_US == event_time(2**62 // 1_000, ())
    assert MAX_TIME_US == event_time(2**62 // 1_000, (("other", b""),))
